//! Messages of more bytes than 31 bits count.

use crate::tasks::pattern;
use crate::watched;
use mp::{Connection, pipe};

/// 2.2 thousand million.
const HUGE: usize = 2_200_000_000;

/// One stretch of the bytes, all of which begin with their number.
fn stretch(seed: u8) -> Vec<u8> {
    pattern(1 << 20, seed)
}

fn fill(bytes: &mut [u8], seed: u8) {
    let mut stretch = stretch(seed);
    for (number, to) in bytes.chunks_mut(stretch.len()).enumerate() {
        stretch[..8].copy_from_slice(&number.to_le_bytes());
        to.copy_from_slice(&stretch[..to.len()]);
    }
}

/// Whether they are what `fill` makes.
fn is_filled(bytes: &[u8], seed: u8) -> bool {
    let mut stretch = stretch(seed);
    let mut is_right = |(number, bytes): (usize, &[u8])| {
        stretch[..8].copy_from_slice(&number.to_le_bytes());
        *bytes == stretch[..bytes.len()]
    };
    bytes.len() == HUGE && bytes.chunks(1 << 20).enumerate().all(&mut is_right)
}

#[mp::task]
fn take_huge(end: Connection<bool, Vec<u8>>) {
    let value = end.recv().expect("one comes");
    end.send(is_filled(&value, 1)).expect("the other end waits");
    drop(value);
    let bytes = end.recv_bytes().expect("one comes");
    end.send(is_filled(&bytes, 2)).expect("the other end waits");
    drop(bytes);
    let lent = end.recv_loan::<u8>().expect("one comes");
    end.send(is_filled(&lent, 3)).expect("the other end waits");
}

#[mp::test]
#[ignore = "7 GB of memory and half a minute, see docs/testing.md"]
fn conn_05_messages_of_more_than_two_gigabytes_arrive() {
    watched(|| {
        let (own, other) = pipe::<Vec<u8>, bool>().unwrap();
        let process = mp::spawn(take_huge, other).unwrap();
        let mut bytes = vec![0; HUGE];
        fill(&mut bytes, 1);
        own.send(bytes).unwrap();
        assert!(own.recv().unwrap());
        let mut bytes = vec![0; HUGE];
        fill(&mut bytes, 2);
        own.send_bytes(&bytes).unwrap();
        drop(bytes);
        assert!(own.recv().unwrap());
        let mut loan = own.loan::<u8>(HUGE).unwrap();
        fill(&mut loan, 3);
        loan.send().unwrap();
        assert!(own.recv().unwrap());
        process.join().unwrap();
    });
}
