//! Who is let in under TLS, who is not and is told why; and what is left of it all.

use super::{AUTHORITY, CLIENT, ELSEWHERE, EXPIRED, ITSELF, KEY, LONG, ONE, SERVER, SHORT, TCP};
use super::{joined, listener, pair, shows, trusts, watched};
use crate::support::{Footprint, scenario, wait_until};
use mp::ErrorKind::{Authentication, Disconnected, InvalidArgument, Timeout};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// What a client says that was refused, and the listener.
fn refused(listener: &mp::Listener, client: &mp::ClientBuilder) -> (mp::Error, mp::Error) {
    let before = listener.refused().0;
    let error = client.connect(listener.address(), KEY).expect_err("it is refused");
    wait_until(LONG, "the listener has refused it", || listener.refused().0 > before);
    (error, listener.refused().1.expect("there is one"))
}

#[mp::test]
fn auth_11_certificates_that_are_not_trusted_are_refused_on_both_sides() {
    watched(|| {
        let cases = [
            (ONE, AUTHORITY, "issued by none that is trusted"),
            (ELSEWHERE, AUTHORITY, "elsewhere.example"),
            (EXPIRED, AUTHORITY, "expired"),
            (ITSELF, AUTHORITY, "CA:FALSE"),
        ];
        for (shown, trusted, why) in cases {
            let listener = shows(shown).bind(TCP, KEY).unwrap();
            let (ours, theirs) = refused(&listener, &trusts(trusted));
            assert_eq!((ours.kind(), theirs.kind()), (Authentication, Authentication));
            assert!(ours.to_string().contains(why), "{ours}");
            assert!(theirs.to_string().contains("may not trust"), "{theirs}");
        }
        // The same by another name, and one that is trusted itself.
        let listener = shows(ELSEWHERE).bind(TCP, KEY).unwrap();
        let tls = mp::TlsClient::new(AUTHORITY).unwrap().server_name("elsewhere.example").unwrap();
        mp::Client::builder().tls(tls).connect(listener.address(), KEY).unwrap();
        let listener = shows(ONE).bind("tcp://localhost:0", KEY).unwrap();
        trusts(ONE.0).connect(listener.address(), KEY).unwrap();
    });
}

#[mp::test]
fn auth_11_clients_show_certificates_where_the_listener_wants_some() {
    watched(|| {
        let tls = mp::TlsServer::new(SERVER.0, SERVER.1).unwrap().client_ca(AUTHORITY).unwrap();
        let listener = mp::Listener::builder().tls(tls).bind(TCP, KEY).unwrap();
        let (ours, theirs) = refused(&listener, &trusts(AUTHORITY));
        assert_eq!((ours.kind(), theirs.kind()), (Authentication, Authentication));
        assert!(ours.to_string().contains("identity"), "{ours}");
        let shows = |(certificate, key)| {
            let tls = mp::TlsClient::new(AUTHORITY).unwrap().identity(certificate, key).unwrap();
            mp::Client::builder().tls(tls)
        };
        let (ours, theirs) = refused(&listener, &shows(ONE));
        assert_eq!((ours.kind(), theirs.kind()), (Authentication, Authentication));
        let ours = shows(CLIENT).connect(listener.address(), KEY).unwrap();
        let theirs = listener.accept_timeout(LONG).unwrap();
        ours.send_bytes(b"it is me").unwrap();
        assert_eq!(theirs.recv_bytes().unwrap(), b"it is me");
    });
}

#[mp::test]
fn auth_11_another_key_is_refused_under_tls_too() {
    watched(|| {
        let listener = listener();
        let error = trusts(AUTHORITY).connect(listener.address(), "another").unwrap_err();
        assert_eq!(error.kind(), Authentication);
        assert!(error.to_string().contains("another key"), "{error}");
        wait_until(LONG, "the listener has refused it", || listener.refused().0 > 0);
        assert_eq!(listener.refused().1.unwrap().kind(), Authentication);
    });
}

#[mp::test]
fn auth_12_one_side_without_tls_is_told_so_in_time() {
    watched(|| {
        // The client waits for what the listener would say first.
        let listener = shows(SERVER).handshake_timeout(SHORT * 3).bind(TCP, KEY).unwrap();
        let open = mp::Client::builder().timeout(SHORT);
        let began = Instant::now();
        let error = open.connect(listener.address(), KEY).unwrap_err();
        assert!(began.elapsed() >= SHORT);
        assert_eq!(error.kind(), Timeout);
        assert!(error.to_string().contains("TLS"), "{error}");
        let open = mp::Client::builder().connect(listener.address(), KEY).unwrap_err();
        assert_eq!(open.kind(), Disconnected);
        wait_until(LONG, "the listener has refused both", || listener.refused().0 == 2);
        let why = listener.refused().1.unwrap();
        assert!(why.kind() == Timeout && why.to_string().contains("TLS"), "{why}");

        let listener = mp::Listener::bind(TCP, KEY).unwrap();
        let (ours, theirs) = refused(&listener, &trusts(AUTHORITY));
        assert_eq!((ours.kind(), theirs.kind()), (Authentication, Authentication));
        assert!(ours.to_string().contains("does not speak TLS"), "{ours}");
        assert!(theirs.to_string().contains("may want TLS"), "{theirs}");
    });
}

#[mp::test]
fn auth_16_auth_18_silent_and_hostile_ones_hold_nobody_up_under_tls() {
    watched(|| {
        let listener = shows(SERVER).handshake_timeout(SHORT * 5).bind(TCP, KEY).unwrap();
        let port = listener.address().port().unwrap();
        let raw = |bytes: &[u8]| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(bytes).unwrap();
            stream
        };
        let hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";
        let garbage: [&[u8]; 5] =
            [b"", b"GET / HTTP/1.1\r\n\r\n", hello, &[0xff; 300], b"\x16\x03\x01\xff\xff"];
        let mut others: Vec<_> = (0..4).flat_map(|_| garbage.map(raw)).collect();
        let began = Instant::now();
        for _ in 0..3 {
            let (ours, theirs) = joined(&listener, listener.address());
            ours.send_bytes(b"x").unwrap();
            assert_eq!(theirs.recv_bytes().unwrap(), b"x");
        }
        assert!(began.elapsed() < LONG);
        for other in &mut others {
            other.set_read_timeout(Some(LONG)).unwrap();
            let mut rest = Vec::new();
            let end = other.read_to_end(&mut rest);
            assert!(end.is_ok() || end.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
        }
        wait_until(LONG, "all were refused", || listener.refused().0 == 20);
    });
}

#[mp::test]
fn auth_09_tls_is_for_tcp_and_its_files_are_checked() {
    watched(|| {
        for place in ["abstract:", "/tmp/mp-never.sock"] {
            let error = shows(SERVER).bind(place, KEY).unwrap_err();
            assert_eq!(error.kind(), InvalidArgument);
            assert!(error.to_string().contains("leave `tls` out"), "{error}");
        }
        let error = trusts(AUTHORITY).connect("abstract:x", KEY).unwrap_err();
        assert_eq!(error.kind(), InvalidArgument);
        let malformed = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        let wrong = [
            mp::TlsServer::new("", SERVER.1).err(),
            mp::TlsServer::new(SERVER.0, "").err(),
            mp::TlsServer::new(SERVER.0, ONE.1).err(),
            mp::TlsServer::new(malformed, SERVER.1).err(),
            mp::TlsServer::new(SERVER.0, SERVER.1).unwrap().client_ca(SERVER.1).err(),
            mp::TlsClient::new(SERVER.1).err(),
            mp::TlsClient::new(AUTHORITY).unwrap().identity(CLIENT.0, ONE.1).err(),
            mp::TlsClient::new(AUTHORITY).unwrap().server_name("no name").err(),
        ];
        for (at, error) in wrong.into_iter().enumerate() {
            let error = error.unwrap_or_else(|| panic!("number {at} was taken"));
            assert_eq!(error.kind(), InvalidArgument, "{at}: {error}");
        }
        let debug = format!("{:?}", mp::TlsServer::new(SERVER.0, SERVER.1).unwrap());
        assert!(debug.contains("TlsServer") && debug.len() < 60, "{debug}");
    });
}

#[mp::test]
fn res_01_nothing_is_left_of_connections_with_tls() {
    let program = scenario!(|| {
        drop(pair());
        let before = Footprint::now();
        for _ in 0..20 {
            let (ours, theirs) = pair();
            ours.send_bytes(&[1; 70_000]).expect("it is there");
            assert_eq!(theirs.recv_bytes().expect("it was sent"), [1; 70_000]);
        }
        let listener = shows(ONE).bind(TCP, KEY).expect("it listens");
        trusts(AUTHORITY).connect(listener.address(), KEY).expect_err("it is not trusted");
        drop(listener);
        before.assert_restored(LONG);
    });
    program.run().assert_success();
}
