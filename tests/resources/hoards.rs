//! Shared memory that killed processes alone had: it comes back while the living make few objects of their own.

use crate::own_pid;
use crate::support::commons::Commons;
use crate::support::{kill, scenario};

const HOARD: usize = 1 << 20;

/// Ends by a signal with a queue that nobody else has any more, which another one has made.
#[mp::task]
fn hoards(_queue: mp::Queue<Vec<u8>>) {
    kill(own_pid(), libc::SIGKILL).expect("one may signal oneself");
}

#[mp::test]
fn res_01_what_killed_processes_hoarded_comes_back() {
    let program = scenario!(|| {
        drop(mp::Lock::new().expect("there is memory"));
        let before = Commons::now();
        for round in 1..=60_u64 {
            let queue = mp::Queue::new().expect("there is memory");
            queue.put(vec![1; HOARD]).expect("there is memory");
            let process = mp::spawn(hoards, queue).expect("it starts");
            process.join().expect("it can be joined");
            assert_eq!(process.exit_code(), Some(-9));
            let left = Commons::now().bytes.saturating_sub(before.bytes) / HOARD as u64;
            assert!(left <= 20, "the memory of {left} is taken in round {round}");
        }
    });
    program.run().assert_success();
}
