//! What queues and channels cost beside memory, which is nothing, and that the memory comes back.

use crate::support::{Footprint, open_descriptors, scenario, thread_count};
use crate::tasks::put_range;
use crate::{BOUNDED, MIB};
use mp::Queue;
use std::fs;

/// How much memory this program's files without a name take, in bytes.
pub fn shared_memory() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let descriptors = open_descriptors(std::process::id().cast_signed());
    let commons = descriptors.iter().filter(|(_, name)| name.contains("mp-commons"));
    commons
        .map(|(number, _)| fs::metadata(format!("/proc/self/fd/{number}")).unwrap().blocks() * 512)
        .sum()
}

#[mp::test]
fn queue_22_a_queue_starts_no_thread() {
    let program = scenario!(|| {
        let before = thread_count();
        let queue = Queue::new().unwrap();
        (0..100).for_each(|number| queue.put(number).unwrap());
        assert!((0..100).all(|number| queue.get().unwrap() == number));
        assert_eq!(thread_count(), before);
        queue.close();
        assert_eq!(thread_count(), before);
    });
    program.run().assert_success();
}

#[mp::test]
fn queue_23_bey_49_queues_come_and_go_without_a_descriptor() {
    let program = scenario!(|| {
        drop(Queue::<u64>::new().unwrap());
        let before = Footprint::now();
        let all: Vec<_> = (0..200)
            .map(|number| {
                let queue = Queue::new().unwrap();
                queue.put(number).unwrap();
                queue
            })
            .collect();
        before.assert_restored(BOUNDED);
        mp::spawn(put_range, (all[3].clone(), 4..6)).unwrap().join().unwrap();
        assert_eq!([0; 3].map(|_| all[3].get().unwrap()), [3, 4, 5]);
        drop(all);
        before.assert_restored(BOUNDED);
    });
    program.run().assert_success();
}

#[mp::test]
fn queue_23_memory_comes_back_as_items_are_taken_and_with_the_last_handle() {
    let program = scenario!(|| {
        let queue = Queue::new().unwrap();
        let fill = || (0..600).for_each(|_| queue.put(vec![1u8; 100_000]).unwrap());
        let limit = 20 * MIB as u64;
        fill();
        assert!(shared_memory() > 50 * MIB as u64);
        for _ in 0..600 {
            queue.get().unwrap();
        }
        assert!(shared_memory() < limit, "{} after all were taken", shared_memory());
        fill();
        drop(queue);
        assert!(shared_memory() < limit, "{} after the last handle", shared_memory());
        let queue = Queue::new().unwrap();
        for round in 0..5 {
            (0..100_000u64).for_each(|number| queue.put(number).unwrap());
            (0..100_000u64).for_each(|number| assert_eq!(queue.get().unwrap(), number));
            assert!(shared_memory() < limit, "{} in round {round}", shared_memory());
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn queue_23_channels_give_their_memory_back_when_nobody_can_receive() {
    let program = scenario!(|| {
        for _ in 0..300 {
            let (sender, receiver) = mp::channel().unwrap();
            sender.send(vec![1u8; MIB]).unwrap();
            drop(receiver);
            assert!(shared_memory() < 10 * MIB as u64, "{}", shared_memory());
            drop(sender);
        }
    });
    program.run().assert_success();
}
