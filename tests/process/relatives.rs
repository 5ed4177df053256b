//! What can be done with processes that one holds no handle of: this one, its parent, its children.

use std::time::{Duration, Instant};

use crate::gate::{Gate, wait_at};
use crate::support::watchdog;
use crate::{LONG, stays};
use mp::ErrorKind::InvalidArgument;

const SHORT: Duration = Duration::from_millis(100);

#[mp::task]
fn waits(gate: &str) {
    wait_at(gate);
}

fn info_of(pid: Option<u32>) -> mp::ProcessInfo {
    let mut active = mp::active_children().into_iter();
    active.find(|child| Some(child.pid()) == pid).expect("it is among the active children")
}

#[mp::test]
fn proc_07_a_child_is_joined_without_its_handle() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(waits, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        let info = info_of(process.pid());
        drop(process);
        assert!(!info.join_timeout(SHORT).expect("it is a child"));
        assert!(info.is_alive());
        drop(waiting);
        info.join().expect("it is a child");
        assert!(info.join_timeout(Duration::ZERO).expect("it is a child"));
        assert_eq!((info.is_alive(), info.exit_code()), (false, Some(0)));
    });
}

#[mp::test]
fn proc_12_a_child_is_ended_without_its_handle() {
    watchdog(LONG, || {
        type End = fn(&mp::ProcessInfo) -> mp::Result<()>;
        let ends: [(End, i32); 3] = [
            (mp::ProcessInfo::terminate, -15),
            (mp::ProcessInfo::kill, -9),
            (mp::ProcessInfo::interrupt, -2),
        ];
        for (end, code) in ends {
            let process = mp::spawn(stays, ()).expect("it starts");
            let info = info_of(process.pid());
            end(&info).expect("it is a child");
            info.join().expect("it is a child");
            assert_eq!((info.exit_code(), process.exit_code()), (Some(code), Some(code)));
            end(&info).expect("nothing is sent to one that has ended");
        }
    });
}

/// How long it has waited for its parent in vain, in milliseconds.
#[mp::task]
fn waits_for_its_parent(limit: u64) -> u128 {
    let parent = mp::parent_process().expect("a child has one");
    let begun = Instant::now();
    let ended = parent.join_timeout(Duration::from_millis(limit)).expect("it is the parent");
    assert!(!ended && parent.is_alive());
    for refused in [parent.terminate(), parent.kill(), parent.interrupt()] {
        assert_eq!(refused.expect_err("a child does not end its parent").kind(), InvalidArgument);
    }
    assert_eq!(parent.exit_code(), None);
    begun.elapsed().as_millis()
}

#[mp::test]
fn proc_25_a_wait_for_the_parent_runs_out() {
    watchdog(LONG, || {
        let process = mp::spawn(waits_for_its_parent, 100).expect("it starts");
        assert!(process.result().expect("it returns") >= 100);
    });
}

#[mp::test]
fn proc_09_a_process_does_not_wait_for_itself() {
    let current = mp::current_process();
    for refused in [current.join(), current.join_timeout(SHORT).map(drop), current.kill()] {
        assert_eq!(refused.expect_err("it would be itself").kind(), InvalidArgument);
    }
}
