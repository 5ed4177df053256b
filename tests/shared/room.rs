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
fn shm_20_a_full_dev_shm_is_an_error_at_once() {
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
