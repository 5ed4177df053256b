//! Blocks and lists that go together. Each by itself is tested in `blocks` and `lists`.

use mp::{ErrorKind, ShareableList, SharedMemory, SharedMemoryManager};

use crate::support::{scenario, watchdog};
use crate::{LONG, attach_and_exit, is_there};

#[mp::test]
fn shm_14_what_a_manager_has_made_goes_with_it() {
    watchdog(LONG, || {
        let manager = SharedMemoryManager::new();
        let block = manager.shared_memory(64).expect("a block");
        let list = manager.shareable_list(["one", "two"]).expect("a list");
        let gone = manager.shared_memory(1).expect("a block");
        gone.unlink().expect("it is there");
        let names = [block.name().to_owned(), list.name().to_owned()];
        assert!(names.iter().all(|name| is_there(name)));
        manager.shutdown().expect("one that is gone already is no error");
        assert!(!names.iter().any(|name| is_there(name)));
        block.write(0, b"still mapped").expect("in range");
        assert_eq!(list.get(1).expect("still mapped"), "two".into());
        let attached = ShareableList::attach(&names[1]).unwrap_err();
        assert_eq!(attached.kind(), ErrorKind::NotFound);

        let again = manager.shared_memory(8).expect("it can be used again").name().to_owned();
        assert!(is_there(&again) && format!("{manager:?}").contains(&again));
        drop(manager);
        assert_eq!(SharedMemory::attach(&again).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[mp::test]
fn shm_14_a_panic_leaves_the_scope_too() {
    let program = scenario!(|| {
        let name = std::thread::spawn(|| {
            let manager = SharedMemoryManager::new();
            let block = manager.shared_memory(64).expect("a block");
            std::panic::panic_any(block.name().to_owned());
        });
        let name = name.join().expect_err("as planned");
        assert!(!is_there(name.downcast_ref::<String>().expect("the name")));
    });
    program.run().assert_success();
}

#[mp::test]
fn shm_15_a_clean_run_says_nothing() {
    let program = scenario!(|| {
        let manager = SharedMemoryManager::new();
        for _ in 0..3 {
            let block = manager.shared_memory(64).expect("a block");
            let list = manager.shareable_list([1, 2, 3]).expect("a list");
            for name in [block.name(), list.name()] {
                let process = mp::spawn(attach_and_exit, (name, 0)).expect("it starts");
                process.join().expect("it was started");
                assert_eq!(process.exit_code(), Some(0));
            }
        }
    });
    let finished = program.run();
    finished.assert_success();
    assert!(!finished.stderr.contains("leaked"), "{}", finished.stderr);
}
