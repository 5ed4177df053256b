//! What goes over a connection: bytes and values, how long one waits for them, and how an end is seen.

use super::{KEY, LONG, Raw, connected, own_path, watched};
use crate::support::wait_until;
use mp::ErrorKind::{
    Broken, BufferTooShort, Closed, Decode, Disconnected, Empty, Encode, Timeout, Truncated,
};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(100);

fn pair() -> (mp::Client, mp::Client) {
    connected(&mp::Listener::bind("abstract:", KEY).expect("it listens"))
}

fn pairs() -> [(mp::Client, mp::Client); 2] {
    [pair(), connected(&mp::Listener::bind("tcp://127.0.0.1:0", KEY).expect("it listens"))]
}

/// One end, and the other one after its handshake, which says what a test wants.
fn with_raw(most: usize) -> (mp::Client, Raw) {
    let path = own_path();
    let listener = mp::Listener::builder().max_message(most).bind(path.as_path(), KEY).unwrap();
    let ours = mp::Client::connect(path.as_path(), KEY).unwrap();
    let theirs = listener.accept().unwrap();
    let socket = std::os::fd::AsFd::as_fd(&ours).try_clone_to_owned().unwrap();
    (theirs, Raw(socket.into()))
}

#[mp::test]
fn conn_03_conn_04_messages_keep_their_borders() {
    watched(|| {
        for (ours, theirs) in pairs() {
            let messages: [&[u8]; 5] = [b"a", b"", b"b", b"", b"cd"];
            for message in messages {
                ours.send_bytes(message).unwrap();
            }
            for message in messages {
                assert!(theirs.poll(LONG).unwrap());
                assert_eq!(theirs.recv_bytes().unwrap(), message);
            }
            assert!(!theirs.poll(Duration::ZERO).unwrap());
        }
    });
}

#[mp::test]
fn conn_05_large_messages_go_both_ways_at_once() {
    watched(|| {
        for (ours, theirs) in pairs() {
            let large: Vec<u8> = (0..64 << 20).map(|at: u32| (at % 251) as u8).collect();
            thread::scope(|scope| {
                for end in [&ours, &theirs] {
                    scope.spawn(|| end.send_bytes(&large).unwrap());
                    scope.spawn(|| assert!(end.recv_bytes().unwrap() == large));
                }
            });
        }
    });
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Order {
    Nothing,
    Take { what: String, how_many: Vec<i64> },
}

#[mp::test]
fn conn_01_values_go_both_ways_and_what_is_none_is_refused() {
    watched(|| {
        for (ours, theirs) in pairs() {
            let ours = ours.typed::<Order, Result<u8, String>>();
            let theirs = theirs.typed::<Result<u8, String>, Order>();
            let order = Order::Take { what: "eggs".into(), how_many: vec![-1, 12] };
            for order in [order, Order::Nothing] {
                ours.send(order.clone()).unwrap();
                assert_eq!(theirs.recv().unwrap(), order);
            }
            theirs.send_timeout(Err("none left".into()), LONG).unwrap();
            assert_eq!(ours.recv_timeout(LONG).unwrap(), Err("none left".to_owned()));
            assert_eq!(ours.try_recv().unwrap_err().kind(), Empty);
            // What Python's send makes is a pickle.
            for bytes in [&b"\x80\x04K\x07."[..], b"", b"mp1\n", b"mp1\n\xff"] {
                theirs.send_bytes(bytes).unwrap();
                assert_eq!(ours.recv_timeout(LONG).unwrap_err().kind(), Decode);
            }
            theirs.send(Ok(3)).unwrap();
            assert_eq!(ours.recv().unwrap(), Ok(3), "the next one is read rightly");
        }
    });
}

#[mp::test]
fn conn_01_a_value_with_a_handle_cannot_leave_its_tree() {
    watched(|| {
        let (ours, theirs) = pair();
        let lock = mp::Lock::new().unwrap();
        let ours = ours.typed::<(u8, mp::Lock), ()>();
        let error = ours.send((1, lock)).unwrap_err();
        assert_eq!(error.kind(), Encode);
        assert!(error.to_string().contains("a handle in it cannot travel here"), "{error}");
        let ours = pair().0.typed::<mp::Fd<std::fs::File>, ()>();
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(ours.send(file.into()).unwrap_err().kind(), Encode);
        let ours = pair().0.typed::<mp::Queue<u8>, ()>();
        assert_eq!(ours.send(mp::Queue::new().unwrap()).unwrap_err().kind(), Encode);
        assert!(!theirs.poll(Duration::ZERO).unwrap_or(false));
    });
}

#[mp::test]
fn conn_06_conn_07_an_end_that_is_gone_is_seen_after_what_it_sent() {
    watched(|| {
        for (ours, theirs) in pairs() {
            ours.send_bytes(b"last").unwrap();
            drop(ours);
            assert!(theirs.poll(LONG).unwrap());
            assert_eq!(theirs.recv_bytes().unwrap(), b"last");
            for _ in 0..2 {
                assert!(theirs.poll(LONG).unwrap(), "an end is ready");
                assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
            }
            wait_until(LONG, "the system has heard of it", || theirs.send_bytes(b"x").is_err());
            assert_eq!(theirs.send_bytes(b"x").unwrap_err().kind(), Disconnected);
        }
    });
}

#[mp::test]
fn conn_10_timeouts_are_kept_and_take_nothing_away() {
    watched(|| {
        for (ours, theirs) in pairs() {
            let began = Instant::now();
            assert!(!theirs.poll(SHORT).unwrap());
            assert_eq!(theirs.recv_bytes_timeout(SHORT).unwrap_err().kind(), Empty);
            assert!(began.elapsed() >= 2 * SHORT);
            assert_eq!(mp::wait(&[&ours, &theirs], Some(Duration::ZERO)).unwrap(), [0; 0]);
            ours.send_bytes(b"x").unwrap();
            assert_eq!(mp::wait(&[&ours, &theirs], Some(LONG)).unwrap(), [1]);
            assert!(theirs.poll(Duration::ZERO).unwrap() && theirs.poll(Duration::ZERO).unwrap());
            assert_eq!(theirs.recv_bytes().unwrap(), b"x");
        }
    });
}

#[mp::test]
fn conn_10_half_a_message_waits_for_the_rest() {
    watched(|| {
        let (theirs, mut raw) = with_raw(1 << 20);
        for piece in [&b"\0\0"[..], b"\0\x06ab", b"cd"] {
            raw.0.write_all(piece).unwrap();
            assert_eq!(theirs.recv_bytes_timeout(SHORT / 10).unwrap_err().kind(), Empty);
        }
        raw.0.write_all(b"ef\0\0").unwrap();
        assert_eq!(theirs.recv_bytes_timeout(LONG).unwrap(), b"abcdef");
        raw.0.write_all(b"\0\0").unwrap();
        assert_eq!(theirs.recv_bytes().unwrap(), b"");
    });
}

#[mp::test]
fn conn_12_conn_13_a_message_longer_than_expected() {
    watched(|| {
        let (ours, theirs) = pair();
        ours.send_bytes(b"four").unwrap();
        ours.send_bytes(b"too long").unwrap();
        ours.send_bytes(b"ok").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(theirs.recv_bytes_into(&mut buffer).unwrap(), 4);
        let error = theirs.recv_bytes_into(&mut buffer).unwrap_err();
        assert_eq!((error.kind(), error.bytes()), (BufferTooShort, Some(&b"too long"[..])));
        assert_eq!(theirs.recv_bytes_into(&mut buffer).unwrap(), 2);

        let lies: [(&[u8], mp::ErrorKind); 4] = [
            (b"\0\0\0\x09ninebytes", BufferTooShort),
            (b"\x7f\xff\xff\xff", BufferTooShort),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", BufferTooShort),
            (b"\xff\xff\xff\xfe", Decode),
        ];
        for (bytes, kind) in lies {
            let (theirs, mut raw) = with_raw(8);
            raw.0.write_all(b"\0\0\0\x08as it is").unwrap();
            raw.0.write_all(bytes).unwrap();
            assert_eq!(theirs.recv_bytes().unwrap(), b"as it is");
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), kind);
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Broken);
            theirs.send_bytes(b"can still be sent").unwrap();
        }
    });
}

#[mp::test]
fn conn_14_closing_wakes_who_waits_and_is_told_to_the_other_end() {
    watched(|| {
        for (ours, theirs) in pairs() {
            let full = vec![0; 8 << 20];
            thread::scope(|scope| {
                let receiving = scope.spawn(|| ours.recv_bytes().unwrap_err().kind());
                let sending = scope.spawn(|| ours.send_bytes(&full).unwrap_err().kind());
                // Once the kernel has taken what it takes, and nothing more goes on.
                assert!(theirs.poll(LONG).unwrap());
                ours.close();
                assert_eq!(receiving.join().unwrap(), Closed);
                assert_eq!(sending.join().unwrap(), Closed);
            });
            ours.close();
            assert_eq!(ours.recv_bytes().unwrap_err().kind(), Closed);
            assert_eq!(ours.send_bytes(b"x").unwrap_err().kind(), Closed);
            assert_eq!(ours.poll(LONG).unwrap_err().kind(), Closed);
            let cut = theirs.recv_bytes().unwrap_err().kind();
            assert!(cut == Truncated || cut == Disconnected, "{cut:?}");
        }
    });
}

#[mp::test]
fn conn_18_a_message_that_is_cut_off_is_told_apart_from_an_end() {
    watched(|| {
        for cut in [&b"\0\0"[..], b"\0\0\0\x05", b"\0\0\0\x05abcd", b"\xff\xff\xff\xff\0\0"] {
            let (theirs, mut raw) = with_raw(1 << 20);
            raw.send(b"whole");
            raw.0.write_all(cut).unwrap();
            raw.0.shutdown(std::net::Shutdown::Both).unwrap();
            assert_eq!(theirs.recv_bytes().unwrap(), b"whole");
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Truncated);
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Disconnected);
        }
    });
}

#[mp::test]
fn conn_22_messages_of_several_threads_are_not_mixed() {
    watched(|| {
        for (ours, theirs) in pairs() {
            thread::scope(|scope| {
                for number in 0..4_u8 {
                    let ours = &ours;
                    scope.spawn(move || {
                        for len in 0..500 {
                            ours.send_bytes(&vec![number; len * 7]).unwrap();
                        }
                    });
                }
                let receivers: Vec<_> = (0..2)
                    .map(|_| {
                        scope.spawn(|| {
                            (0..1000)
                                .map(|_| theirs.recv_bytes().unwrap())
                                .inspect(|message| {
                                    assert!(message.iter().all(|byte| *byte == message[0]));
                                })
                                .map(|message| message.len())
                                .sum::<usize>()
                        })
                    })
                    .collect();
                let total: usize = receivers.into_iter().map(|it| it.join().unwrap()).sum();
                assert_eq!(total, 4 * 7 * (0..500).sum::<usize>());
            });
        }
    });
}

#[mp::test]
fn conn_23_a_send_to_one_who_does_not_read_ends_in_time() {
    watched(|| {
        for (ours, theirs) in pairs() {
            let large = vec![7; 64 << 20];
            let began = Instant::now();
            assert_eq!(ours.send_bytes_timeout(&large, SHORT).unwrap_err().kind(), Timeout);
            assert!(began.elapsed() >= SHORT);
            assert_eq!(ours.send_bytes(b"x").unwrap_err().kind(), Broken);
            assert_eq!(theirs.recv_bytes().unwrap_err().kind(), Truncated);
            theirs.send_bytes(b"the other way").unwrap();
            assert_eq!(ours.recv_bytes().unwrap(), b"the other way");

            // A small one of which nothing was taken is as if it had not been sent.
            let (ours, theirs) = pair();
            let mut sent = 0;
            while ours.send_bytes_timeout(b"x", Duration::ZERO).is_ok() {
                sent += 1;
            }
            for _ in 0..sent {
                assert_eq!(theirs.recv_bytes().unwrap(), b"x");
            }
            assert_eq!(theirs.recv_bytes_timeout(Duration::ZERO).unwrap_err().kind(), Empty);
            ours.send_bytes(b"y").unwrap();
            assert_eq!(theirs.recv_bytes().unwrap(), b"y");
        }
    });
}

#[mp::test]
fn conn_10_one_who_waits_shortly_is_not_held_up_by_one_who_waits_long() {
    watched(|| {
        let (ours, theirs) = pair();
        thread::scope(|scope| {
            let long = scope.spawn(|| ours.recv_bytes().unwrap());
            wait_until(LONG, "another thread receives", || {
                ours.recv_bytes_timeout(Duration::ZERO).unwrap_err().kind() == Empty
            });
            let began = Instant::now();
            assert_eq!(ours.recv_bytes_timeout(SHORT).unwrap_err().kind(), Empty);
            assert!(began.elapsed() >= SHORT);
            theirs.send_bytes(b"at last").unwrap();
            assert_eq!(long.join().unwrap(), b"at last");
        });
    });
}
