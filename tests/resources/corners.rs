//! The whole tree killed at once, objects in statics, no descriptor left: nothing stays, nothing panics.
//! Counts after ordinary ends are in the other modules.

use std::error::Error;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use crate::kernel::{DESCRIPTORS, set_limit};
use crate::support::{
    Footprint, process_exists, scenario, scenario_main, shm_entries, wait_until, without_servers,
};
use crate::{LONG, VERY_LONG, echo};

#[mp::task]
fn says_and_stays(more: u32) {
    let pool = (more > 0).then(|| {
        mp::spawn(says_and_stays, more - 1).expect("it starts");
        let pool = mp::Pool::new(2).expect("it starts");
        pool.submit(says_and_stays, 0);
        pool
    });
    println!("here");
    loop {
        std::thread::park();
        assert!(pool.is_some() || more == 0);
    }
}

#[mp::test]
fn res_11_nothing_is_left_of_a_tree_killed_at_once() {
    let program = scenario_main!(|| {
        mp::spawn(says_and_stays, 2).expect("it starts");
        let pool = mp::Pool::new(2).expect("it starts");
        pool.submit(says_and_stays, 0);
        says_and_stays(0);
    });
    let names = shm_entries();
    let running = program.start();
    // The processes at three depths, a worker of each one's pool and of main's, and main.
    for _ in 0..7 {
        running.wait_line("here");
    }
    // What was just forked is called as its server is, until it has begun.
    wait_until(LONG, "three pools have an idle worker, too", || {
        without_servers(&running.members()).len() == 10
    });
    let members = running.members();
    running.kill_group(libc::SIGKILL);
    // Looks at processes, at who holds the output, and at names in TMPDIR.
    let finished = running.finish();
    assert!(finished.gone_after < Duration::from_secs(5), "{:?}", finished.gone_after);
    assert!(!members.into_iter().any(process_exists));
    assert_eq!(finished.stderr, "");
    assert!(shm_entries().is_subset(&names), "{:?}", shm_entries());
}

static SHARED: OnceLock<mp::Pool> = OnceLock::new();

/// Whether this process has the pool, and how many children.
#[mp::task]
fn looks_at_static() -> (bool, usize) {
    (SHARED.get().is_some(), mp::active_children().len())
}

#[mp::test]
fn res_12_an_object_in_a_static_is_not_made_again_by_children() {
    let program = scenario_main!(|| {
        let pool = SHARED.get_or_init(|| mp::Pool::new(2).expect("it starts"));
        for _ in 0..5 {
            let process = mp::spawn(looks_at_static, ()).expect("it starts");
            assert_eq!(process.result().expect("it returns"), (false, 0));
            assert_eq!(pool.apply(looks_at_static, ()).expect("it returns"), (false, 0));
        }
        assert_eq!(mp::active_children().len(), 2, "its workers, and nobody else");
    });
    program.run().assert_success();
}

fn is_out_of_descriptors(error: &mp::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return error.kind() == mp::ErrorKind::Io && io.raw_os_error() == Some(libc::EMFILE);
        }
        cause = inner.source();
    }
    false
}

/// With one more descriptor each time, so that each place that wants one goes without it once.
#[mp::test]
fn res_13_out_of_descriptors_is_an_error_everywhere() {
    let program = scenario!(|| {
        // What is opened once in a program is open from now on.
        mp::spawn(echo, 5).expect("it starts").join().expect("it was started");
        let before = Footprint::now();
        let usual = set_limit(DESCRIPTORS, 3);
        let (mut refused, mut limit) = ([0, 0], 3);
        for round in 0.. {
            set_limit(DESCRIPTORS, limit);
            let process = mp::spawn(echo, round);
            let pool = mp::Pool::new(2);
            set_limit(DESCRIPTORS, usual);
            match &process {
                Ok(process) => assert_eq!(process.result().expect("it returns"), round),
                Err(error) => {
                    assert!(is_out_of_descriptors(error), "{error:?}");
                    refused[0] += 1;
                }
            }
            match &pool {
                Ok(pool) => {
                    assert_eq!(pool.apply(echo, round).expect("it returns"), round);
                    pool.close();
                    pool.join().expect("it is closed");
                }
                Err(error) => {
                    assert!(is_out_of_descriptors(error), "{error:?}");
                    refused[1] += 1;
                }
            }
            let both = process.is_ok() && pool.is_ok();
            drop((process, pool));
            before.assert_restored(LONG);
            if both {
                break;
            }
            limit += 1;
        }
        assert!(refused.iter().all(|times| *times > 2), "{refused:?}");
        println!("refused {refused:?}");
    });
    let finished = program.limit(VERY_LONG).run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}
