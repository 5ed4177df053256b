//! What becomes of blocks that nobody unlinks: they go when the program that made them has ended, however it ended, and
//! not before, and those of others stay. The tracker itself is in `tracker`.

use std::thread;

use mp::SharedMemory;

use crate::support::{scenario, scenario_main, wait_until};
use crate::{LONG, attach_and_exit, is_there, make_block, own_name};

const SIGTERM: i32 = libc::SIGTERM;
const SIGKILL: i32 = libc::SIGKILL;

/// Makes two blocks, says how they are called, and stays.
fn make_two_and_stay() -> ! {
    let blocks = [None, Some(&*own_name())].map(|name| SharedMemory::create(name, 4096));
    let blocks = blocks.map(|block| block.expect("a block"));
    println!("blocks {} {}", blocks[0].name(), blocks[1].name());
    stay()
}

fn stay() -> ! {
    loop {
        thread::park();
    }
}

#[mp::test]
fn shm_09_a_killed_programs_blocks_go() {
    let program = scenario_main!(|| make_two_and_stay());
    for signal in [SIGTERM, SIGKILL] {
        let running = program.start();
        let line = running.wait_line("blocks ");
        let names: Vec<&str> = line.split(' ').collect();
        assert!(names.len() == 2 && names.iter().all(|name| is_there(name)));
        running.kill(signal);
        let finished = running.finish();
        assert_eq!(finished.signal, Some(signal));
        assert!(!names.iter().any(|name| is_there(name)), "{names:?}");
        assert!(finished.stderr.contains("2 leaked shared_memory"), "{}", finished.stderr);
        assert!(names.iter().all(|name| finished.stderr.contains(name)), "{}", finished.stderr);
    }
}

#[mp::test]
fn shm_09_a_program_that_forgets_its_blocks_is_told() {
    let program = scenario_main!(|| {
        let block = SharedMemory::create(None, 1).expect("a block");
        println!("block {}", block.name());
    });
    let finished = program.run();
    finished.assert_success();
    assert!(finished.elapsed < LONG / 4, "it waits for no more than that: {:?}", finished.elapsed);
    assert!(!is_there(finished.value("block ")));
    assert!(finished.stderr.contains("1 leaked shared_memory"), "{}", finished.stderr);
}

#[mp::test]
fn shm_09_a_panicking_or_exiting_program_leaves_none() {
    let panics = scenario_main!(|| {
        println!("block {}", SharedMemory::create(None, 1).expect("a block").name());
        panic!("as planned");
    });
    let exits = scenario_main!(|| {
        println!("block {}", SharedMemory::create(None, 1).expect("a block").name());
        std::process::exit(3);
    });
    let aborts = scenario_main!(|| {
        println!("block {}", SharedMemory::create(None, 1).expect("a block").name());
        std::process::abort();
    });
    for program in [panics, exits, aborts] {
        let finished = program.run();
        assert!(!is_there(finished.value("block ")));
        assert!(finished.stderr.contains("1 leaked shared_memory"), "{}", finished.stderr);
    }
}

#[mp::test]
fn shm_09_blocks_of_a_killed_child_go_with_the_program() {
    #[mp::task]
    fn in_a_child() {
        make_two_and_stay();
    }
    let program = scenario_main!(|| {
        let process = mp::spawn(in_a_child, ()).expect("it starts");
        println!("pid {}", process.pid().expect("it was started"));
        process.join().expect("it was started");
    });
    let running = program.start();
    let line = running.wait_line("blocks ");
    let pid: i32 = running.wait_line("pid ").parse().expect("a pid");
    crate::support::kill(pid, SIGKILL).expect("it is there");
    let finished = running.finish();
    finished.assert_success();
    assert!(!line.split(' ').any(is_there), "{line}");
    assert!(finished.stderr.contains("2 leaked shared_memory"), "{}", finished.stderr);
}

#[mp::test]
fn shm_10_a_child_that_attached_takes_nothing_away() {
    let program = scenario!(|| {
        let block = SharedMemory::create(None, 4).expect("a block");
        for code in [0, 3] {
            let process = mp::spawn(attach_and_exit, (block.name(), code)).expect("it starts");
            process.join().expect("it was started");
            assert_eq!(process.exit_code(), Some(code));
            assert!(is_there(block.name()));
        }
        let pool = mp::Pool::new(1).expect("a worker");
        pool.submit(attach_and_exit, (block.name(), 0)).get().expect_err("it ends its worker");
        pool.terminate();
        pool.join().expect("it was terminated");
        SharedMemory::attach(block.name()).expect("it is there").unlink().expect("it has its name");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}

#[mp::test]
fn shm_10_what_a_child_has_made_outlives_it() {
    let program = scenario!(|| {
        let process = mp::spawn(make_block, None).expect("it starts");
        let block = process.result().expect("it returns").expect("a block");
        assert!(is_there(block.name()));
        let pool = mp::Pool::new(1).expect("a worker");
        let result = pool.submit(make_block, None);
        result.wait();
        pool.terminate();
        pool.join().expect("it was terminated");
        let other = result.get().expect("it had returned").expect("a block");
        for block in [block, other] {
            block.write(0, b"still on").expect("in range");
            block.unlink().expect("it has its name");
        }
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "", "nothing is left, and whoever unlinks says so");
}

#[mp::test]
fn shm_11_bey_35_another_program_leaves_what_it_attached() {
    let attaches = scenario_main!(|| {
        let name = std::env::var("MP_TEST_BLOCK").expect("given");
        let block = SharedMemory::attach(&name).expect("it is there");
        block.write(0, b"seen").expect("in range");
        println!("{}", block.len());
        if std::env::var_os("MP_TEST_STAYS").is_some() {
            stay();
        }
    });
    let takes_over = scenario_main!(|| {
        let name = std::env::var("MP_TEST_BLOCK").expect("given");
        SharedMemory::attach_tracked(&name).expect("it is there");
    });
    let block = SharedMemory::create(Some(&own_name()), 4).expect("the name is new");
    let finished = attaches.clone().env("MP_TEST_BLOCK", block.name()).run();
    finished.assert_success();
    assert_eq!((&*finished.stdout, &*finished.stderr), ("4\n", ""));
    let stays = attaches.env("MP_TEST_BLOCK", block.name()).env("MP_TEST_STAYS", "1").start();
    stays.wait_line("4");
    stays.kill(SIGKILL);
    stays.finish();
    assert!(is_there(block.name()) && block.to_vec() == b"seen");
    let finished = takes_over.env("MP_TEST_BLOCK", block.name()).run();
    finished.assert_success();
    assert!(!is_there(block.name()), "this one has chosen to");
    assert!(finished.stderr.contains("1 leaked shared_memory"), "{}", finished.stderr);
    block.unlink().unwrap_err();
}

#[mp::test]
fn res_11_a_whole_tree_killed_at_once_leaves_no_block_either() {
    #[mp::task]
    fn stays_with_one(deeper: u32) {
        let block = SharedMemory::create(None, 4096).expect("a block");
        let _child =
            (deeper > 0).then(|| mp::spawn(stays_with_one, deeper - 1).expect("it starts"));
        println!("block {}", block.name());
        stay();
    }
    let program = scenario_main!(|| {
        let _children = [mp::spawn(stays_with_one, 1), mp::spawn(stays_with_one, 1)];
        stay();
    });
    let running = program.start();
    let names: Vec<String> = (0..4).map(|_| running.wait_line("block ")).collect();
    assert!(names.iter().all(|name| is_there(name)));
    running.kill_group(SIGKILL);
    let finished = running.finish();
    assert!(!names.iter().any(|name| is_there(name)), "{names:?}");
    assert!(finished.stderr.contains("4 leaked shared_memory"), "{}", finished.stderr);
    wait_until(LONG, "the tracker says nothing more", || finished.left.is_empty());
}
