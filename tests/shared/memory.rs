//! How long the memory of values and arrays lives, and who dies with it. What they are for is in `values`.

use std::thread;

use mp::{Array, Queue, Value};

use crate::support::{Footprint, kill, scenario, watchdog};
use crate::{LONG, own_pid};

/// Bytes of the memory that processes share which the system has given.
fn shared_bytes() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let files = crate::support::open_descriptors(own_pid());
    let commons = files.iter().find(|(_, link)| link.contains("memfd:mp-commons"));
    let (number, _) = commons.expect("there is one");
    std::fs::metadata(format!("/proc/self/fd/{number}")).expect("it is open").blocks() * 512
}

#[mp::test]
fn val_11_all_memory_comes_back() {
    let program = scenario!(|| {
        // A fixed sequence of lengths that looks like none.
        let len = |round: usize| (round * 7919 + 13) % 5_003;
        let mut kept: Vec<Array<u64>> = Vec::new();
        let mut most = 0;
        for round in 0..5_000 {
            let array = Array::<u64>::zeroed(len(round)).expect("memory");
            assert!(array.lock().expect("free").as_ptr().addr().is_multiple_of(8));
            let quads = Array::<u128>::zeroed(round % 5).expect("memory");
            assert!(quads.lock().expect("free").as_ptr().addr().is_multiple_of(16));
            if let Some(last) = array.len().checked_sub(1) {
                array.set(last, u64::MAX).expect("in range");
            }
            kept.push(array);
            if kept.len() > 20 {
                drop(kept.swap_remove(round % 20));
            }
            most = most.max(shared_bytes());
        }
        drop(kept);
        let before = Footprint::now();
        let now = shared_bytes();
        // At most 20 of at most 40 KB at a time, and what small objects are cut from.
        assert!(most < 4 << 20, "{most} bytes at a time");
        assert!(now < 2 << 20, "{now} bytes stay");
        before.assert_restored(LONG);
    });
    program.limit(LONG * 3).run().assert_success();
}

#[mp::task]
fn keep(value: Value<u64>, array: Array<u8>) -> (Value<u64>, Array<u8>, Value<i8>) {
    *value.lock().expect("free") += 1;
    array.lock().expect("free")[0] += 1;
    (value, array, Value::new(-3).expect("memory"))
}

#[mp::test]
fn val_12_memory_lives_as_long_as_a_handle() {
    let program = scenario!(|| {
        let before = crate::support::shm_entries();
        let (value, array) =
            (Value::new(1).expect("memory"), Array::from_slice(&[0; 100]).expect("memory"));
        let process = mp::spawn(keep, (value, array)).expect("it starts");
        process.join().expect("it was started");
        // The maker has let go of them, the child has ended: the result has them, and what the child made.
        let (value, array, made) = process.result().expect("it returns");
        assert_eq!(value.get().expect("free"), 2);
        assert_eq!(array.get(0).expect("free"), 1);
        assert_eq!(made.get().expect("free"), -3);
        let new: Vec<_> = crate::support::shm_entries().difference(&before).cloned().collect();
        assert!(!new.iter().any(|name| name.contains(&own_pid().to_string())), "{new:?}");
    });
    program.run().assert_success();
}

#[mp::test]
fn val_12_nothing_has_a_name_when_all_are_killed() {
    #[mp::task]
    fn stays(array: Array<u64>) {
        array.lock().expect("free").fill(1);
        println!("filled");
        loop {
            thread::park();
        }
    }
    let program = scenario!(|| {
        let array = Array::<u64>::zeroed(100_000).expect("memory");
        let _processes = [mp::spawn(stays, array.clone()), mp::spawn(stays, array.clone())];
        array.lock().expect("free").fill(2);
        thread::park();
    });
    let running = program.start();
    running.wait_line("filled");
    running.wait_line("filled");
    running.kill_group(libc::SIGKILL);
    running.finish();
}

/// What the next ones that make objects find is given back: that of a process which had made it and died with it.
#[mp::test]
fn val_12_what_killed_processes_have_made_comes_back() {
    #[mp::task]
    fn makes(len: usize, kept: Vec<Array<u64>>) -> (Array<u64>, Queue<Array<u64>>) {
        let queue = Queue::new().expect("memory");
        queue.put(Array::from_slice(&[7; 100]).expect("memory")).expect("it is open");
        kept.iter().for_each(|array| assert_eq!(array.get(9).expect("in range"), 9));
        let array = Array::<u64>::zeroed(len).expect("memory");
        array.set(9, 9).expect("in range");
        (array, queue)
    }
    #[mp::task]
    fn makes_and_dies(len: usize, kept: Vec<Array<u64>>) {
        let _made = (mp::Event::new().expect("memory"), makes(len, kept));
        kill(own_pid(), libc::SIGKILL).expect("it is there");
    }
    let program = scenario!(|| {
        let mut kept = Vec::new();
        let mut queues = Vec::new();
        for round in 0..30 {
            // 4 MiB each.
            let process = mp::spawn(makes_and_dies, (1 << 19, kept.clone())).expect("it starts");
            process.join().expect("it was started");
            assert_eq!(process.exit_code(), Some(-9));
            if round % 6 == 0 {
                let process = mp::spawn(makes, (1000, kept.clone())).expect("it starts");
                let (array, queue) = process.result().expect("it returns");
                kept.push(array);
                queues.push(queue);
            }
        }
        for (array, queue) in kept.iter().zip(&queues) {
            assert_eq!(array.get(9).expect("in range"), 9);
            assert_eq!(queue.get().expect("one is in it").get(99).expect("in range"), 7);
        }
        println!("bytes {}", shared_bytes()); // of the last ones, and of those kept
    });
    let finished = program.run();
    finished.assert_success();
    let bytes: u64 = finished.value("bytes ").parse().expect("a number");
    assert!(bytes < 24 << 20, "{bytes} bytes of 120 MiB are left");
}

/// A process that dies with the lock: the next one is told, and has the value.
#[mp::test]
fn bey_04_the_next_guard_is_told_of_a_dead_owner() {
    #[mp::task]
    fn dies_inside(value: Value<i32>, array: Array<u8>) {
        let mut guard = value.lock().expect("free");
        let mut slice = array.lock().expect("free");
        (*guard, slice[0]) = (7, 8);
        kill(own_pid(), libc::SIGKILL).expect("it is there");
    }
    watchdog(LONG, || {
        let (one, many) =
            (Value::new(1).expect("memory"), Array::from_slice(&[0; 2]).expect("memory"));
        let process = mp::spawn(dies_inside, (one.clone(), many.clone())).expect("it starts");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(-libc::SIGKILL));
        let (guard, slice) = (one.lock().expect("taken over"), many.lock().expect("taken over"));
        assert!(guard.owner_died() && slice.owner_died());
        assert_eq!((*guard, slice[0]), (7, 8));
        drop((guard, slice));
        assert!(!one.lock().expect("free").owner_died());
        assert_eq!(many.to_vec().expect("free"), [8, 0]);
    });
}
