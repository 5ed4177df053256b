//! Bytes as messages: their borders, their sizes, memory of the caller's, and values where bytes are expected.

use crate::support::repeat;
use crate::tasks::pattern;
use crate::{MIB, watched};
use mp::{Connection, ErrorKind, Sender, pipe};
use std::time::Duration;

/// Sends all bytes back until the other end is gone.
#[mp::task]
fn echo(end: Connection<(), ()>) {
    while let Ok(bytes) = end.recv_bytes() {
        end.send_bytes(&bytes).expect("the other end waits");
    }
}

#[mp::test]
fn conn_03_messages_keep_their_borders() {
    watched(|| {
        let (own, other) = pipe::<(), ()>().unwrap();
        for text in ["a", "b", "cd"] {
            own.send_bytes(text.as_bytes()).unwrap();
        }
        let received = [0; 3].map(|_| other.recv_bytes().unwrap());
        assert_eq!(received, [&b"a"[..], b"b", b"cd"]);
    });
}

#[mp::test]
fn conn_04_an_empty_message_is_a_message() {
    watched(|| {
        let (own, other) = pipe::<(), ()>().unwrap();
        own.send_bytes(b"").unwrap();
        assert!(other.poll(Duration::ZERO).unwrap());
        assert_eq!(other.recv_bytes().unwrap(), b"");
        assert!(!other.poll(Duration::ZERO).unwrap());
    });
}

#[mp::test]
fn conn_05_bytes_of_every_size_go_round() {
    watched(|| {
        let (own, other) = pipe::<(), ()>().unwrap();
        let _process = mp::spawn(echo, other).unwrap();
        let around = |border: usize| border - 40..border + 40;
        let few = (0..20).chain(around(4096)).chain(around(65_536)).chain([100_000, MIB]);
        for len in few.chain([16 * MIB, 50 * MIB, 5]) {
            let bytes = pattern(len, len as u8);
            own.send_bytes(&bytes).unwrap();
            assert!(own.recv_bytes().unwrap() == bytes, "{len}");
        }
    });
}

type Loaded = (Vec<u8>, Sender<usize>);

#[mp::task]
fn tell_len(end: Connection<(), Loaded>) {
    for message in end.iter() {
        let (bytes, sender) = message.expect("it decodes");
        assert!(bytes == pattern(bytes.len(), 3));
        sender.send(bytes.len()).expect("the receiver is there");
    }
}

#[mp::test]
fn conn_05_a_large_message_may_have_a_handle_in_it() {
    watched(|| {
        let (own, other) = pipe::<Loaded, ()>().unwrap();
        let _process = mp::spawn(tell_len, other).unwrap();
        for len in [16 * MIB, 50 * MIB] {
            let (sender, receiver) = mp::channel().unwrap();
            own.send((pattern(len, 3), sender)).unwrap();
            assert_eq!(receiver.recv().unwrap(), len);
        }
    });
}

#[mp::test]
fn conn_12_a_message_longer_than_the_most_ends_receiving() {
    watched(|| {
        let (own, other) = pipe::<(), ()>().unwrap();
        own.send_bytes(b"1234").unwrap();
        own.send_bytes(b"12345").unwrap();
        own.send_bytes(b"1").unwrap();
        assert_eq!(other.recv_bytes_max(4).unwrap(), b"1234");
        assert_eq!(other.recv_bytes_max(4).unwrap_err().kind(), ErrorKind::BufferTooShort);
        assert_eq!(other.recv_bytes().unwrap_err().kind(), ErrorKind::Closed);
        other.send_bytes(b"what was that?").unwrap();
        assert_eq!(own.recv_bytes().unwrap(), b"what was that?");
    });
}

#[mp::test]
fn conn_13_a_buffer_too_short_gives_the_whole_message() {
    watched(|| {
        let (own, other) = pipe::<(), ()>().unwrap();
        let mut buffer = [0; 10];
        own.send_bytes(b"latin").unwrap();
        assert_eq!(other.recv_bytes_into(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"latin");
        own.send_bytes(&pattern(1000, 1)).unwrap();
        own.send_bytes(b"0123456789").unwrap();
        let error = other.recv_bytes_into(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BufferTooShort);
        assert_eq!(error.bytes(), Some(&*pattern(1000, 1)));
        assert_eq!(other.recv_bytes_into(&mut buffer).unwrap(), 10);
        assert_eq!(&buffer, b"0123456789");
    });
}

#[mp::test]
fn conn_19_what_does_not_decode_is_an_error_and_the_next_message_is_right() {
    watched(|| {
        let (own, other) = pipe::<Vec<u64>, String>().unwrap();
        repeat(3, |_| {
            own.send_bytes(b"no value").unwrap();
            own.send(vec![1, 2]).unwrap();
            own.send(vec![3]).unwrap();
            own.send_bytes(b"bytes").unwrap();
            assert_eq!(other.recv().unwrap_err().kind(), ErrorKind::Decode);
            assert_eq!(other.recv().unwrap(), [1, 2]);
            assert_eq!(other.recv_bytes().unwrap_err().kind(), ErrorKind::Decode);
            assert_eq!(other.recv_bytes().unwrap(), b"bytes");
        });
    });
}
