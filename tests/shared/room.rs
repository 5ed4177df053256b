//! Where there is no room for a block: an error when it is made, and none later.

use mp::{ErrorKind, SharedMemory};

use crate::support::{scenario, watchdog};
use crate::{LONG, kernel};

/// What a small /dev/shm holds.
const SMALL: usize = 1 << 20;

#[mp::test]
fn shm_20_more_than_there_is_is_an_error() {
    watchdog(LONG, || {
        for len in [1 << 45, usize::MAX / 2, usize::MAX] {
            assert_eq!(SharedMemory::create(None, len).unwrap_err().kind(), ErrorKind::Io, "{len}");
        }
    });
}

#[mp::test]
fn shm_20_bey_38_a_full_dev_shm_is_an_error_at_once() {
    let program = scenario!(|| {
        if !kernel::shrink_shm(SMALL) {
            return;
        }
        assert_eq!(SharedMemory::create(None, 2 * SMALL).unwrap_err().kind(), ErrorKind::Io);
        let half = SharedMemory::create(None, SMALL / 2).expect("there is room");
        assert_eq!(SharedMemory::create(None, SMALL).unwrap_err().kind(), ErrorKind::Io);
        let rest = SharedMemory::create(None, SMALL / 4).expect("what failed has taken nothing");
        std::fs::write("/dev/shm/filler", vec![1; SMALL]).unwrap_err();
        for block in [half, rest] {
            block.write(0, &vec![1; block.len()]).expect("it was taken before");
            block.unlink().expect("it has its name");
        }
        println!("tried");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.values("tried").len(), usize::from(kernel::user() == 0));
    assert_eq!(finished.stderr, "", "nothing was left in there");
}

#[mp::test]
fn shm_20_a_limit_of_files_is_an_error_too() {
    let program = scenario!(|| {
        kernel::limit_files(1 << 20);
        assert_eq!(SharedMemory::create(None, 2 << 20).unwrap_err().kind(), ErrorKind::Io);
        SharedMemory::create(None, 1 << 20).expect("within it").unlink().expect("it has its name");
    });
    program.run().assert_success();
}

#[mp::task]
fn put_square(queue: mp::Queue<Vec<u8>>, number: u8) -> u8 {
    queue.put(vec![number; SMALL]).expect("there is memory");
    number * number
}

/// Everything but blocks with names is in memory that needs no file system.
#[mp::test]
fn bey_54_a_full_dev_shm_is_nothing_to_all_else() {
    let program = scenario!(|| {
        if !kernel::shrink_shm(4096) {
            return;
        }
        std::fs::write("/dev/shm/filler", [1; 4096]).expect("so much room there is");
        assert_eq!(SharedMemory::create(None, 4096).unwrap_err().kind(), ErrorKind::Io);
        let queue = mp::Queue::new().expect("there is memory");
        let process = mp::spawn(put_square, (queue.clone(), 3)).expect("it starts");
        assert_eq!(process.result().expect("it returns"), 9);
        let pool = mp::Pool::new(2).expect("it starts");
        assert_eq!(pool.apply(put_square, (queue.clone(), 4)).expect("it returns"), 16);
        let lens = [queue.get(), queue.get()].map(|item| item.expect("it was put").len());
        assert_eq!(lens, [SMALL, SMALL]);
        let array = mp::Array::from_slice(&[1.5; 100_000]).expect("there is memory");
        assert_eq!(array.lock().expect("nobody has it").len(), 100_000);
        let manager = mp::Manager::new().expect("it starts");
        manager.list_from([1]).expect("it serves").push(2).expect("it serves");
        println!("tried");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.values("tried").len(), usize::from(kernel::user() == 0));
}
