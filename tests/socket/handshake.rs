//! The handshake: right and wrong keys, silence, garbage, and old digests; against raw sockets that say anything.

use super::{KEY, LONG, Raw, connected, own_path, watched};
use mp::ErrorKind::{Authentication, Closed, Disconnected, Timeout};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(200);

fn at_a_path() -> mp::Listener {
    mp::Listener::bind(own_path(), KEY).expect("it listens")
}

/// Waits until the listener has refused so many; says why the last one.
fn refused(listener: &mp::Listener, count: u64) -> mp::Error {
    crate::support::wait_until(LONG, "they are refused", || listener.refused().0 >= count);
    let (so_many, why) = listener.refused();
    assert_eq!(so_many, count);
    why.expect("there was one")
}

#[mp::test]
fn auth_10_equal_keys_pass_and_data_flows() {
    watched(|| {
        let path = format!("unix://{}", own_path().display());
        for address in ["tcp://127.0.0.1:0", "abstract:", &path] {
            let listener = mp::Listener::bind(address, KEY).unwrap();
            let (ours, theirs) = connected(&listener);
            ours.send_bytes(b"to them").unwrap();
            theirs.send_bytes(b"to us").unwrap();
            assert_eq!(theirs.recv_bytes().unwrap(), b"to them");
            assert_eq!(ours.recv_bytes().unwrap(), b"to us");
            assert_eq!(listener.refused().0, 0);
        }
    });
}

#[mp::test]
fn auth_11_different_keys_are_told_to_both_sides_and_the_next_is_served() {
    watched(|| {
        let listener = mp::Listener::bind("abstract:", KEY).unwrap();
        for round in 1..=3 {
            let error = mp::Client::connect(listener.address(), "another").unwrap_err();
            assert_eq!(error.kind(), Authentication);
            assert_eq!(refused(&listener, round).kind(), Authentication);
            connected(&listener);
        }
        assert_eq!(listener.accept_timeout(SHORT).unwrap_err().kind(), Timeout);
    });
}

#[mp::test]
fn auth_12_bey_39_a_key_on_one_side_only_fails_in_bounded_time_on_both() {
    watched(|| {
        // A client that has none receives, and hears the challenge and then the end.
        let listener = mp::Listener::builder().handshake_timeout(SHORT).bind(own_path(), KEY);
        let listener = listener.unwrap();
        let began = Instant::now();
        let mut without = Raw::connect(&listener);
        assert!(without.receive().expect("a challenge").starts_with(b"#CHALLENGE#{sha256}"));
        assert_eq!(without.receive(), None);
        assert!(began.elapsed() >= SHORT && began.elapsed() < LONG);
        assert_eq!(refused(&listener, 1).kind(), Timeout);
        // One that sends what it has to say.
        let mut without = Raw::connect(&listener);
        without.send(b"hello");
        assert!(without.is_sent_away());
        assert_eq!(refused(&listener, 2).kind(), Authentication);

        // A listener that has none waits for what we have to say.
        let path = own_path();
        let without = UnixListener::bind(&path).unwrap();
        let silent =
            thread::spawn(move || without.accept().map(|(stream, _)| Raw(stream).receive()));
        let client = mp::Client::builder().timeout(SHORT);
        let began = Instant::now();
        assert_eq!(client.connect(path.as_path(), KEY).unwrap_err().kind(), Timeout);
        assert!(began.elapsed() >= SHORT && began.elapsed() < LONG);
        assert_eq!(silent.join().unwrap().unwrap(), None);
        std::fs::remove_file(path).unwrap();
    });
}

#[mp::test]
fn auth_13_an_empty_key_is_a_key() {
    watched(|| {
        let listener = mp::Listener::bind("abstract:", "").unwrap();
        let error = mp::Client::connect(listener.address(), KEY).unwrap_err();
        assert_eq!(error.kind(), Authentication);
        mp::Client::connect(listener.address(), b"").unwrap();
        listener.accept().unwrap();
        let long = mp::AuthKey::from(vec![7; 100_000]);
        let listener = mp::Listener::bind("abstract:", &long).unwrap();
        mp::Client::connect(listener.address(), &long).unwrap();
    });
}

/// Stands between a client and a listener, and keeps what both say. `None`: they did not come to an end.
fn overheard(listener: &mp::Listener) -> Vec<Vec<u8>> {
    let path = own_path();
    let between = UnixListener::bind(&path).unwrap();
    let to = listener.address().path().unwrap().to_owned();
    let relay = thread::spawn(move || {
        let mut client = Raw(between.accept().unwrap().0);
        let mut listener = Raw::to(&to);
        let mut said = Vec::new();
        for turn in 0..6 {
            // The client speaks after the listener's challenge, and its own goes before the second answer.
            let (from, to) = match turn {
                0 | 2 | 4 => (&mut listener, &mut client),
                _ => (&mut client, &mut listener),
            };
            let message = from.receive().unwrap();
            to.send(&message);
            said.push(message);
        }
        said
    });
    mp::Client::connect(path.as_path(), KEY).unwrap();
    std::fs::remove_file(path).unwrap();
    relay.join().unwrap()
}

#[mp::test]
fn auth_14_the_key_is_not_sent_and_a_recorded_answer_is_refused() {
    watched(|| {
        let listener = at_a_path();
        let said = [overheard(&listener), overheard(&listener)];
        for said in &said {
            assert!(
                said[0].starts_with(b"#CHALLENGE#{sha256}")
                    && said[3].starts_with(b"#CHALLENGE#{sha256}")
            );
            assert!(said[1].starts_with(b"{sha256}") && said[4].starts_with(b"{sha256}"));
            assert!(said[2] == b"#WELCOME#" && said[5] == b"#WELCOME#");
            let all = said.concat();
            assert!(!all.windows(KEY.len()).any(|part| part == KEY.as_bytes()));
        }
        let challenges = [&said[0][0], &said[0][3], &said[1][0], &said[1][3]];
        for (at, challenge) in challenges.iter().enumerate() {
            assert!(!challenges[..at].contains(challenge), "each challenge is new");
        }
        // Once more what a right client has said.
        let mut again = Raw::connect(&listener);
        again.receive().unwrap();
        again.send(&said[0][1]);
        assert_eq!(again.receive().unwrap(), b"#FAILURE#");
        assert!(again.is_sent_away());
        // The two that were let in.
        listener.accept().unwrap();
        listener.accept().unwrap();
        assert_eq!(listener.accept_timeout(SHORT).unwrap_err().kind(), Timeout);
    });
}

#[mp::test]
fn auth_15_bey_42_other_digests_than_sha_256_are_refused() {
    watched(|| {
        let strict = at_a_path();
        let allows = mp::Listener::builder().allow_md5().bind(own_path(), KEY).unwrap();
        for answer in [&b"{sha384}0123456789"[..], b"{sha512}0123456789", b"{}x", b"0123456789"] {
            for listener in [&strict, &allows] {
                let mut raw = Raw::connect(listener);
                raw.receive().unwrap();
                raw.send(answer);
                assert_eq!(raw.receive().unwrap(), b"#FAILURE#");
                assert!(raw.is_sent_away());
            }
        }
        let mut old = Raw::connect(&strict);
        old.receive().unwrap();
        old.send(&[0; 16]);
        assert_eq!(old.receive().unwrap(), b"#FAILURE#");
        assert!(refused(&strict, 5).to_string().contains("allow_md5"));
    });
}

/// What our client makes of a listener that begins like this.
fn answer_to(first: &'static [u8], client: &mp::ClientBuilder) -> mp::ErrorKind {
    let path = own_path();
    let between = UnixListener::bind(&path).unwrap();
    let listening = thread::spawn(move || {
        let mut raw = Raw(between.accept().unwrap().0);
        // It may be gone before it has read all.
        let _ = raw.0.write_all(first);
        raw.is_sent_away()
    });
    let error = client.connect(path.as_path(), KEY).unwrap_err();
    std::fs::remove_file(path).unwrap();
    assert!(listening.join().unwrap());
    error.kind()
}

#[mp::test]
fn auth_15_auth_16_a_client_refuses_what_is_no_challenge_or_too_weak_a_one() {
    watched(|| {
        let strict = mp::Client::builder();
        let allows = mp::Client::builder().allow_md5();
        let malformed: [&[u8]; 8] = [
            b"\0\0\0\x05hello",
            b"\0\0\0\x09#WELCOME#",
            b"\0\0\0\x0b#CHALLENGE#",
            b"\0\0\0\x1e#CHALLENGE#0123456789012345678",
            b"\0\0\x01\x01#CHALLENGE#",
            b"\xff\xff\xff\xff\0\0\0\0\0\0\x10\0",
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\0\0\0\x3b#CHALLENGE#{sha384}0123456789012345678901234567890123456789",
        ];
        for first in malformed {
            assert_eq!(answer_to(first, &strict), Authentication, "{}", first.escape_ascii());
            assert_eq!(answer_to(first, &allows), Authentication, "{}", first.escape_ascii());
        }
        assert_eq!(
            answer_to(b"\0\0\0\x1f#CHALLENGE#01234567890123456789", &strict),
            Authentication
        );
    });
}

#[mp::test]
fn auth_16_a_listener_refuses_what_is_no_answer() {
    watched(|| {
        let listener = at_a_path();
        let bytes: [&[u8]; 6] = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"\0\0\x01\x01",
            b"\xff\xff\xff\xff\0\0\0\0\0\0\0\xff",
            b"\x80\0\0\0",
            b"\0\0\0\0",
            &[0xff; 64],
        ];
        for (count, bytes) in (1..).zip(bytes) {
            let mut raw = Raw::connect(&listener);
            raw.0.write_all(bytes).unwrap();
            if bytes[..4] != [0xff; 4] || bytes.len() > 12 {
                assert!(raw.is_sent_away());
                assert_eq!(refused(&listener, count).kind(), Authentication);
            } else {
                // A message of 255 bytes is allowed: it is waited for.
                drop(raw);
                assert_eq!(refused(&listener, count).kind(), Disconnected);
            }
        }
        connected(&listener);
    });
}

#[mp::test]
fn auth_17_nothing_is_received_before_the_key_was_shown() {
    watched(|| {
        let listener = at_a_path();
        let mut raw = Raw::connect(&listener);
        // A message as a client sends it, in place of its answer and behind it.
        raw.0.write_all(b"\0\0\0\x05mp1\n\x01\0\0\0\x05mp1\n\x02").unwrap();
        assert!(raw.is_sent_away());
        assert_eq!(refused(&listener, 1).kind(), Authentication);
        assert_eq!(listener.accept_timeout(SHORT).unwrap_err().kind(), Timeout);
        // What a right client sends at once behind the handshake is there when it is accepted.
        let ours = mp::Client::connect(listener.address(), KEY).unwrap().typed::<u8, u8>();
        ours.send(3).unwrap();
        assert_eq!(listener.accept().unwrap().typed::<u8, u8>().recv().unwrap(), 3);
    });
}

#[mp::test]
fn auth_18_bey_39_silent_clients_hold_nobody_up() {
    watched(|| {
        // More than there are places for handshakes: the oldest ones make room.
        let listener = at_a_path();
        let silent: Vec<_> = (0..300).map(|_| Raw::connect(&listener)).collect();
        let began = Instant::now();
        for _ in 0..10 {
            connected(&listener);
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        drop(silent);
    });
}

#[mp::test]
fn auth_04_a_client_that_has_sent_and_gone_is_accepted() {
    watched(|| {
        for address in ["tcp://127.0.0.1:0", "abstract:"] {
            let listener = mp::Listener::bind(address, KEY).unwrap();
            let ours = mp::Client::connect(listener.address(), KEY).unwrap();
            ours.send_bytes(b"the last words").unwrap();
            drop(ours);
            let theirs = listener.accept().unwrap();
            assert_eq!(theirs.recv_bytes().unwrap(), b"the last words");
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
        }
    });
}

#[mp::test]
fn auth_21_accept_has_a_time_and_a_listener_can_be_waited_for() {
    watched(|| {
        let listener = mp::Listener::bind("abstract:", KEY).unwrap();
        let began = Instant::now();
        assert_eq!(listener.accept_timeout(SHORT).unwrap_err().kind(), Timeout);
        assert!(began.elapsed() >= SHORT);
        assert_eq!(listener.accept_timeout(Duration::ZERO).unwrap_err().kind(), Timeout);
        assert_eq!(mp::wait(&[&listener], Some(Duration::ZERO)).unwrap(), [0; 0]);
        let _first = mp::Client::connect(listener.address(), KEY).unwrap();
        let _second = mp::Client::connect(listener.address(), KEY).unwrap();
        assert_eq!(mp::wait(&[&listener], Some(LONG)).unwrap(), [0]);
        listener.accept().unwrap();
        assert_eq!(mp::wait(&[&listener], Some(LONG)).unwrap(), [0]);
        listener.accept().unwrap();
        assert_eq!(mp::wait(&[&listener], Some(Duration::ZERO)).unwrap(), [0; 0]);
        listener.close();
        assert_eq!(
            mp::wait(&[&listener], None).unwrap(),
            [0],
            "accept says at once that it is closed"
        );
        assert_eq!(listener.accept().unwrap_err().kind(), Closed);
    });
}
