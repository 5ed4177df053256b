//! The process that removes what is left: when there is one, what it outlives, and what it says. Which blocks it removes is
//! in `tracked`.

use std::sync::OnceLock;
use std::thread;

use mp::SharedMemory;

use crate::support::{
    children_of, kill, process_exists, scenario, scenario_main, wait_until, watchdog,
};
use crate::{LONG, is_there, kernel, make_block, own_name, own_pid, trackers};

#[mp::task]
fn nothing() {}

/// A block of its own, one of a child, and how many trackers it sees.
#[mp::task]
fn make_deep(deeper: u32) -> (Vec<SharedMemory>, usize) {
    let mut blocks = vec![SharedMemory::create(None, 1).expect("a block")];
    if deeper > 0 {
        let child = mp::spawn(make_deep, deeper - 1).expect("it starts");
        blocks.extend(child.result().expect("it returns").0);
    }
    (blocks, trackers().len())
}

#[mp::test]
fn res_08_there_is_no_tracker_without_a_block() {
    let program = scenario!(|| {
        mp::spawn(nothing, ()).expect("it starts").join().expect("it was started");
        let pool = mp::Pool::new(2).expect("workers");
        pool.apply(nothing, ()).expect("it returns");
        pool.close();
        pool.join().expect("it is closed");
        SharedMemory::attach("mp-test-none").unwrap_err();
        assert!(trackers().is_empty());
        let block = SharedMemory::create(None, 1).expect("a block");
        wait_until(LONG, "there is one", || trackers().len() == 1);
        assert_eq!(mp::active_children().len(), 0, "it is none of the program's own");
        block.unlink().expect("it has its name");
        println!("tracker {}", trackers()[0]);
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
    let pid = finished.value("tracker ").parse().expect("a pid");
    assert!(!process_exists(pid), "it has ended before its program");
}

#[mp::test]
fn res_08_one_tracker_serves_the_whole_tree() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(2).expect("workers");
        // The first one is a grandchild's to start, in each of three branches at once.
        let calls: Vec<_> = (0..2).map(|_| pool.submit(make_deep, 1)).collect();
        let process = mp::spawn(make_deep, 2).expect("it starts");
        let mut made = vec![process.result().expect("it returns")];
        made.extend(calls.iter().map(|call| call.get().expect("it returns")));
        let own = SharedMemory::create(None, 1).expect("a block");
        wait_until(LONG, "there is one", || trackers().len() == 1);
        own.unlink().expect("it has its name");
        for (blocks, seen) in &made {
            assert!(*seen <= 1, "{seen} trackers");
            for block in blocks {
                block.unlink().expect("it has its name");
            }
        }
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}

#[mp::test]
fn res_09_the_tracker_ignores_what_people_end_programs_by() {
    let program = scenario_main!(|| {
        let block = SharedMemory::create(None, 1).expect("a block");
        wait_until(LONG, "there is one", || trackers().len() == 1);
        let tracker = trackers()[0];
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            kill(tracker, signal).expect("it is there");
        }
        let other = SharedMemory::create(None, 1).expect("a block");
        assert_eq!(trackers(), [tracker]);
        println!("blocks {} {}", block.name(), other.name());
        thread::park();
    });
    let running = program.start();
    let line = running.wait_line("blocks ");
    // As a terminal does it, to all.
    running.kill_group(libc::SIGINT);
    let finished = running.finish();
    assert_eq!(finished.signal, Some(libc::SIGINT));
    assert!(!line.split(' ').any(is_there));
    assert!(finished.stderr.contains("2 leaked shared_memory"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("another one"), "{}", finished.stderr);
}

#[mp::test]
fn res_09_a_killed_tracker_is_replaced_at_the_next_need() {
    let program = scenario_main!(|| {
        let name = own_name();
        let mut blocks = vec![SharedMemory::create(Some(&name), 1).expect("a block")];
        let child = mp::spawn(make_block, None).expect("it starts");
        blocks.push(child.result().expect("it returns").expect("a block"));
        wait_until(LONG, "there is one", || trackers().len() == 1);
        let first = trackers()[0];
        kill(first, libc::SIGKILL).expect("it is there");
        wait_until(LONG, "it is gone", || trackers().is_empty());
        blocks.push(SharedMemory::create(None, 1).expect("a block"));
        wait_until(LONG, "there is another", || trackers().len() == 1);
        assert_ne!(trackers()[0], first);
        assert!(children_of(own_pid()).contains(&trackers()[0]));
        let unlinked = blocks.remove(1);
        unlinked.unlink().expect("it has its name");
        for block in &blocks {
            println!("left {}", block.name());
        }
        println!("unlinked {}", unlinked.name());
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr.matches("another one is started").count(), 1, "{}", finished.stderr);
    assert!(finished.stderr.contains("2 leaked shared_memory"), "{}", finished.stderr);
    assert_eq!(finished.values("left ").len(), 2);
    assert!(!finished.values("left ").into_iter().any(is_there));
}

/// Also the tracker is killed, together with its program: what it would have removed the next program does.
#[mp::test]
fn res_09_what_a_killed_tracker_has_left_is_swept() {
    let dies = scenario_main!(|| {
        let (fresh, named) =
            (SharedMemory::create(None, 1), SharedMemory::create(Some(&own_name()), 1));
        wait_until(LONG, "there is one", || trackers().len() == 1);
        println!("blocks {} {}", fresh.expect("a block").name(), named.expect("a block").name());
        println!("tracker {}", trackers()[0]);
        thread::park();
    });
    let next = scenario_main!(|| {
        let block = SharedMemory::create(None, 1).expect("a block");
        block.unlink().expect("it has its name");
        println!("{}", block.name());
    });
    let living = SharedMemory::create(None, 1).expect("a block");
    let running = dies.start();
    let line = running.wait_line("blocks ");
    let (fresh, named) = line.split_once(' ').expect("two names");
    let tracker: i32 = running.wait_line("tracker ").parse().expect("a pid");
    kill(tracker, libc::SIGSTOP).expect("it is there");
    running.kill(libc::SIGKILL);
    kill(tracker, libc::SIGKILL).expect("it is there");
    running.finish();
    // The other one may be swept already, by the trackers of other tests.
    assert!(is_there(named));
    let finished = next.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
    assert!(!is_there(fresh), "its name says that its program is gone");
    assert!(is_there(named), "nobody can tell whose this is");
    assert!(is_there(living.name()), "its program is there");
    let named = SharedMemory::attach(named).expect("it is there");
    named.unlink().expect("it has its name");
    living.unlink().expect("it has its name");
}

#[mp::test]
fn res_10_the_report_counts_and_goes_on() {
    let program = scenario_main!(|| {
        let blocks: Vec<_> =
            (0..12).map(|_| SharedMemory::create(Some(&own_name()), 1).expect("a block")).collect();
        for block in &blocks {
            println!("block {}", block.name());
        }
        // By hand, and the second name is somebody else's file now.
        for block in &blocks[..2] {
            std::fs::remove_file(format!("/dev/shm/{}", block.name())).expect("it is there");
        }
        std::fs::write(format!("/dev/shm/{}", blocks[1].name()), b"else").expect("a file");
    });
    let finished = program.run();
    finished.assert_success();
    let names = finished.values("block ");
    assert!(finished.stderr.contains("12 leaked shared_memory"), "{}", finished.stderr);
    assert_eq!(finished.stderr.matches("was gone already").count(), 2, "{}", finished.stderr);
    let left: Vec<_> = names.iter().filter(|name| is_there(name)).collect();
    assert_eq!(left, [&names[1]], "another file of that name stays");
    std::fs::remove_file(format!("/dev/shm/{}", names[1])).expect("it is there");
}

#[mp::test]
fn res_10_the_exit_code_says_whether_something_was_left() {
    let program = scenario_main!(|| {
        let left = std::env::var("MP_TEST_LEAVE").expect("given") == "yes";
        let block = SharedMemory::create(None, 1).expect("a block");
        if !left {
            block.unlink().expect("it has its name");
        }
        wait_until(LONG, "there is one", || trackers().len() == 1);
        println!("tracker {}", trackers()[0]);
        thread::park();
    });
    watchdog(LONG, || {
        kernel::adopt_orphans(true);
        for (leave, code) in [("yes", 1), ("no", 0)] {
            let running = program.clone().env("MP_TEST_LEAVE", leave).start();
            let tracker = running.wait_line("tracker ").parse().expect("a pid");
            running.kill(libc::SIGKILL);
            let finished = running.finish();
            assert_eq!(kernel::exit_code(tracker).expect("it was adopted"), code);
            assert_eq!(finished.stderr.contains("leaked"), leave == "yes", "{}", finished.stderr);
        }
        kernel::adopt_orphans(false);
    });
}

static SHARED: OnceLock<SharedMemory> = OnceLock::new();

fn shared() -> &'static SharedMemory {
    SHARED.get_or_init(|| SharedMemory::create(None, 8).expect("a block"))
}

#[mp::task]
fn has_made_one() -> bool {
    SHARED.get().is_some()
}

#[mp::test]
fn res_12_a_static_is_made_where_it_is_used() {
    let program = scenario!(|| {
        println!("block {}", shared().name());
        let before = crate::own_blocks();
        let pool = mp::Pool::new(2).expect("workers");
        let made = pool.map(has_made_one, [(), (), ()]).expect("they return");
        assert_eq!(made, [false; 3]);
        let process = mp::spawn(has_made_one, ()).expect("it starts");
        assert!(!process.result().expect("it returns"));
        assert_eq!(crate::own_blocks(), before);
    });
    let finished = program.run();
    finished.assert_success();
    assert!(!is_there(finished.value("block ")));
    assert!(finished.stderr.contains("1 leaked shared_memory"), "{}", finished.stderr);
}

#[mp::test]
fn res_10_a_block_unlinked_before_its_maker_was_heard_is_not_left() {
    #[mp::task]
    fn make() -> SharedMemory {
        SharedMemory::create(None, 1).expect("a block")
    }
    let program = scenario_main!(|| {
        let pool = mp::Pool::new(1).expect("a worker");
        SharedMemory::create(None, 1).expect("a block").unlink().expect("it has its name");
        wait_until(LONG, "there is one", || trackers().len() == 1);
        let tracker = trackers()[0];
        // It hears all at once now, this process first, which it knows already.
        kill(tracker, libc::SIGSTOP).expect("it is there");
        let made = pool.apply(make, ()).expect("it returns");
        made.unlink().expect("it has its name");
        kill(tracker, libc::SIGCONT).expect("it is there");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}
