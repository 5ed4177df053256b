//! Messages over TLS, and somebody between the two who reads, changes, delays or ends what is sent.

use super::{AUTHORITY, KEY, LONG, SHORT, joined, listener, pair, trusts, watched};
use crate::support::{repeat, wait_until};
use mp::ErrorKind::{Broken, Closed, Decode, Disconnected, Empty, Encode, Timeout, Truncated};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Goes between a client and a listener; what it does to the bytes of each way, a test says.
struct Between {
    address: String,
    thread: thread::JoinHandle<()>,
}

impl Between {
    fn new(
        listener: &mp::Listener,
        there: impl FnMut(&mut Vec<u8>) -> bool + Send + 'static,
        back: impl FnMut(&mut Vec<u8>) -> bool + Send + 'static,
    ) -> Self {
        let port = listener.address().port().expect("it is an address of TCP");
        let middle = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = format!("tcp://{}", middle.local_addr().expect("it has one"));
        let thread = thread::spawn(move || {
            let client = middle.accept().expect("it comes").0;
            let server = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            let one = pump(&client, &server, there);
            let other = pump(&server, &client, back);
            one.join().expect("it does not panic");
            other.join().expect("it does not panic");
        });
        Self { address, thread }
    }
}

/// Carries bytes until they end, or until it is told that they have.
fn pump(
    from: &TcpStream,
    to: &TcpStream,
    mut change: impl FnMut(&mut Vec<u8>) -> bool + Send + 'static,
) -> thread::JoinHandle<()> {
    let mut from = from.try_clone().expect("there are descriptors");
    let mut to = to.try_clone().expect("there are descriptors");
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let mut bytes = buffer[..count].to_vec();
            if !change(&mut bytes) || to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    })
}

fn passes(_: &mut Vec<u8>) -> bool {
    true
}

#[mp::test]
fn conn_01_conn_03_conn_04_messages_go_both_ways_under_tls() {
    watched(|| {
        let (ours, theirs) = pair();
        for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
            let messages: [&[u8]; 5] = [b"a", b"", b"b", &[7; 100_000], b"cd"];
            for message in messages {
                from.send_bytes(message).unwrap();
            }
            for message in messages {
                assert!(to.poll(LONG).unwrap());
                assert_eq!(mp::wait(&[to], Some(LONG)).unwrap(), [0]);
                assert_eq!(to.recv_bytes().unwrap(), message);
            }
            assert!(!to.poll(Duration::ZERO).unwrap(), "nothing but messages is sent");
        }
        let (ours, theirs) = (ours.typed::<u32, String>(), theirs.typed::<String, u32>());
        ours.send(7).unwrap();
        theirs.send(theirs.recv().unwrap().to_string()).unwrap();
        assert_eq!(ours.recv().unwrap(), "7");
        assert_eq!(ours.try_recv().unwrap_err().kind(), Empty);
    });
}

#[mp::test]
fn conn_05_large_messages_go_both_ways_at_once_under_tls() {
    watched(|| {
        let (ours, theirs) = pair();
        let large: Vec<u8> = (0..64 << 20).map(|at: u32| (at % 251) as u8).collect();
        thread::scope(|scope| {
            for end in [&ours, &theirs] {
                scope.spawn(|| end.send_bytes(&large).unwrap());
                scope.spawn(|| assert!(end.recv_bytes().unwrap() == large));
            }
        });
    });
}

#[mp::test]
fn conn_22_messages_of_several_threads_are_not_mixed_under_tls() {
    watched(|| {
        let (ours, theirs) = pair();
        thread::scope(|scope| {
            for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
                for number in 0..3_u8 {
                    scope.spawn(move || {
                        for len in 0..300 {
                            from.send_bytes(&vec![number; len * 37 + 1]).unwrap();
                        }
                    });
                    scope.spawn(move || {
                        for _ in 0..300 {
                            let message = to.recv_bytes().unwrap();
                            assert!(message.iter().all(|byte| *byte == message[0]));
                        }
                    });
                }
            }
        });
    });
}

#[mp::test]
fn auth_17_nobody_between_reads_what_is_sent() {
    watched(|| {
        let listener = listener();
        let seen = Arc::new(AtomicBool::new(false));
        let looks = |seen: Arc<AtomicBool>| {
            move |bytes: &mut Vec<u8>| {
                let plain = [&b"a secret"[..], b"CHALLENGE", b"sha256"];
                if plain.iter().any(|text| bytes.windows(text.len()).any(|part| part == *text)) {
                    seen.store(true, Ordering::Relaxed);
                }
                true
            }
        };
        let between = Between::new(&listener, looks(Arc::clone(&seen)), looks(Arc::clone(&seen)));
        let (ours, theirs) = joined(&listener, &between.address);
        ours.send_bytes(b"a secret").unwrap();
        theirs.send_bytes(&theirs.recv_bytes().unwrap()).unwrap();
        assert_eq!(ours.recv_bytes().unwrap(), b"a secret");
        drop((ours, theirs));
        between.thread.join().unwrap();
        assert!(!seen.load(Ordering::Relaxed));
    });
}

#[mp::test]
fn auth_17_what_is_changed_on_its_way_is_an_error() {
    watched(|| {
        let listener = listener();
        let changes = Arc::new(AtomicBool::new(false));
        let armed = Arc::clone(&changes);
        let there = move |bytes: &mut Vec<u8>| {
            if armed.load(Ordering::Relaxed) {
                *bytes.last_mut().unwrap() ^= 1;
            }
            true
        };
        let between = Between::new(&listener, there, passes);
        let (ours, theirs) = joined(&listener, &between.address);
        ours.send_bytes(b"as it is").unwrap();
        assert_eq!(theirs.recv_bytes().unwrap(), b"as it is");
        changes.store(true, Ordering::Relaxed);
        ours.send_bytes(b"not as it was").unwrap();
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Decode);
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Broken);
        assert_eq!(theirs.send_bytes(b"x").unwrap_err().kind(), Broken);
        // The other side is told.
        assert_eq!(ours.recv_bytes().unwrap_err().kind(), Truncated);
        drop((ours, theirs));
        between.thread.join().unwrap();
    });
}

#[mp::test]
fn conn_06_conn_18_an_end_that_was_said_is_told_from_one_that_was_cut() {
    watched(|| {
        let (ours, theirs) = pair();
        ours.send_bytes(b"last").unwrap();
        drop(ours);
        assert_eq!(theirs.recv_bytes().unwrap(), b"last");
        for _ in 0..2 {
            assert!(theirs.poll(LONG).unwrap(), "an end is ready");
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
        }
        wait_until(LONG, "the system has heard of it", || theirs.send_bytes(b"x").is_err());
        assert_eq!(theirs.send_bytes(b"x").unwrap_err().kind(), Disconnected);

        // Somebody between ends it after the first message.
        let listener = listener();
        let cut = Arc::new(AtomicBool::new(false));
        let armed = Arc::clone(&cut);
        let between =
            Between::new(&listener, move |_: &mut Vec<u8>| !armed.load(Ordering::Relaxed), passes);
        let (ours, theirs) = joined(&listener, &between.address);
        ours.send_bytes(b"whole").unwrap();
        assert_eq!(theirs.recv_bytes().unwrap(), b"whole");
        cut.store(true, Ordering::Relaxed);
        ours.send_bytes(b"never comes").unwrap();
        let error = theirs.recv_bytes().unwrap_err();
        assert_eq!(error.kind(), Truncated);
        assert!(error.to_string().contains("has not said so"), "{error}");
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
        drop((ours, theirs));
        between.thread.join().unwrap();
    });
}

#[mp::test]
fn auth_04_conn_06_race_one_who_sends_and_goes_at_once_is_heard_under_tls() {
    watched(|| {
        let listener = listener();
        repeat(50, |_| {
            let ours = trusts(AUTHORITY).connect(listener.address(), KEY).unwrap();
            ours.send_bytes(&[7; 50_000]).unwrap();
            drop(ours);
            let theirs = listener.accept_timeout(LONG).unwrap();
            assert_eq!(theirs.recv_bytes().unwrap(), [7; 50_000]);
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
        });
    });
}

/// Connects, sends, and does nothing more until it is killed.
#[mp::task]
fn hang_on(address: String) {
    let client = trusts(AUTHORITY).connect(address, KEY).expect("it lets us in");
    client.send_bytes(b"here").expect("it is there");
    thread::sleep(2 * LONG); // work: it is killed meanwhile
}

#[mp::test]
fn conn_18_one_who_is_killed_has_not_said_that_it_goes() {
    watched(|| {
        let listener = listener();
        let child = mp::spawn(hang_on, listener.address().to_string()).unwrap();
        let theirs = listener.accept_timeout(LONG).unwrap();
        assert_eq!(theirs.recv_bytes().unwrap(), b"here");
        child.kill().unwrap();
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Truncated);
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
    });
}

#[mp::test]
fn conn_10_conn_23_timeouts_are_kept_under_tls() {
    watched(|| {
        let (ours, theirs) = pair();
        let began = Instant::now();
        assert!(!theirs.poll(SHORT).unwrap());
        assert_eq!(theirs.recv_bytes_timeout(SHORT).unwrap_err().kind(), Empty);
        assert!(began.elapsed() >= 2 * SHORT);
        let large = vec![7; 64 << 20];
        let began = Instant::now();
        assert_eq!(ours.send_bytes_timeout(&large, SHORT).unwrap_err().kind(), Timeout);
        assert!(began.elapsed() >= SHORT);
        assert_eq!(ours.send_bytes(b"x").unwrap_err().kind(), Broken);
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Truncated);
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
        theirs.send_bytes(b"the other way").unwrap();
        assert_eq!(ours.recv_bytes().unwrap(), b"the other way");

        // A small one of which nothing was taken is as if it had not been sent.
        let (ours, theirs) = pair();
        let mut sent = 0_u32;
        while ours.send_bytes_timeout(&sent.to_be_bytes(), Duration::ZERO).is_ok() {
            sent += 1;
        }
        for number in 0..sent {
            assert_eq!(theirs.recv_bytes().unwrap(), number.to_be_bytes());
        }
        assert_eq!(theirs.recv_bytes_timeout(SHORT).unwrap_err().kind(), Empty);
        ours.send_bytes(b"y").unwrap();
        assert_eq!(theirs.recv_bytes().unwrap(), b"y");
    });
}

#[mp::test]
fn conn_10_half_a_record_waits_for_the_rest() {
    watched(|| {
        let listener = listener();
        let slow = Arc::new(AtomicBool::new(false));
        let (armed, mut kept) = (Arc::clone(&slow), Vec::new());
        // Only all but the last byte of what came goes on, and that one with what comes next.
        let there = move |bytes: &mut Vec<u8>| {
            let mut all = std::mem::take(&mut kept);
            all.append(bytes);
            if armed.load(Ordering::Relaxed) {
                kept.push(all.pop().unwrap());
            }
            *bytes = all;
            true
        };
        let between = Between::new(&listener, there, passes);
        let (ours, theirs) = joined(&listener, &between.address);
        slow.store(true, Ordering::Relaxed);
        ours.send_bytes(b"one").unwrap();
        assert_eq!(theirs.recv_bytes_timeout(SHORT).unwrap_err().kind(), Empty);
        ours.send_bytes(b"two").unwrap();
        assert_eq!(theirs.recv_bytes_timeout(LONG).unwrap(), b"one");
        assert_eq!(theirs.recv_bytes_timeout(SHORT).unwrap_err().kind(), Empty);
        slow.store(false, Ordering::Relaxed);
        ours.send_bytes(b"three").unwrap();
        assert_eq!(theirs.recv_bytes_timeout(LONG).unwrap(), b"two");
        assert_eq!(theirs.recv_bytes_timeout(LONG).unwrap(), b"three");
        drop((ours, theirs));
        between.thread.join().unwrap();
    });
}

#[mp::test]
fn conn_14_closing_wakes_who_waits_under_tls() {
    watched(|| {
        let (ours, theirs) = pair();
        let full = vec![0; 64 << 20];
        thread::scope(|scope| {
            let receiving = scope.spawn(|| ours.recv_bytes().unwrap_err().kind());
            let sending = scope.spawn(|| ours.send_bytes(&full).unwrap_err().kind());
            assert!(theirs.poll(LONG).unwrap());
            ours.close();
            assert_eq!(receiving.join().unwrap(), Closed);
            assert_eq!(sending.join().unwrap(), Closed);
        });
        assert_eq!(ours.send_bytes(b"x").unwrap_err().kind(), Closed);
        assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Truncated);
    });
}

#[mp::test]
fn conn_15_a_connection_with_tls_stays_in_its_process() {
    watched(|| {
        let (ours, _theirs) = pair();
        let (sender, _receiver) = mp::channel::<mp::Client>().unwrap();
        let error = sender.send(ours).unwrap_err();
        assert_eq!(error.kind(), Encode);
        assert!(error.to_string().contains("stays in its process"), "{error}");
    });
}
