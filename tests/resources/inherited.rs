//! What children have open: what they were given, and nothing of their parent's.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;

use crate::gate::Gate;
use crate::support::{open_descriptors, scenario};
use crate::{descriptors_at, kernel, own_pid};

/// Its own three, and beside them nothing but what has no name: the library's channels, a few. The
/// gate's socket is the test's own.
fn assert_few(held: &BTreeMap<i32, String>) {
    assert_eq!(held[&0], "/dev/null");
    let parents = open_descriptors(own_pid());
    assert_eq!((&held[&1], &held[&2]), (&parents[&1], &parents[&2]));
    let others: Vec<&String> = held.range(3..).map(|(_, link)| link).collect();
    assert!(others.len() <= 6, "{held:?}");
    // One socket to the parent.
    let sockets = others.iter().filter(|link| link.starts_with("socket:")).count();
    assert_eq!(sockets, 1, "{held:?}");
    let ours =
        |link: &&String| ["/memfd:", "pipe:", "socket:"].iter().any(|kind| link.starts_with(kind));
    assert!(others.iter().all(ours), "{held:?}");
}

#[mp::test]
fn res_02_a_child_has_only_what_it_was_given() {
    let program = scenario!(|| {
        // Numbers below, between and above the library's own, close-on-exec or not.
        let files: Vec<_> = (0..10).map(|_| tempfile::tempfile().expect("a file")).collect();
        let inheritable: Vec<_> = (3..600)
            .step_by(40)
            .map(|lowest| kernel::inheritable(files[0].as_fd(), lowest))
            .collect();
        let gate = Gate::new();
        let process = mp::spawn(descriptors_at, gate.name()).expect("it starts");
        drop(gate.arrival());
        assert_few(&process.result().expect("it returns"));
        let pool = mp::Pool::new(2).expect("it starts");
        let handle = pool.submit(descriptors_at, gate.name());
        drop(gate.arrival());
        assert_few(&handle.get().expect("it returns"));
        drop((files, inheritable));
        pool.close();
        pool.join().expect("it is closed");
    });
    program.run().assert_success();
}

/// Also, its end is seen: no child holds it open.
#[mp::test]
fn res_02_a_high_numbered_socket_is_closed_in_children() {
    let program = scenario!(|| {
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let high = kernel::inheritable(ours.as_fd(), 700);
        let number = high.as_raw_fd();
        drop(ours);
        let gate = Gate::new();
        let process = mp::spawn(descriptors_at, gate.name()).expect("it starts");
        let pool = mp::Pool::new(1).expect("it starts");
        let handle = pool.submit(descriptors_at, gate.name());
        let waiting = [gate.arrival(), gate.arrival()];
        for child in mp::active_children() {
            let held = open_descriptors(child.pid().cast_signed());
            assert!(!held.is_empty(), "it runs");
            assert!(!held.contains_key(&number), "{held:?}");
        }
        let mut high = UnixStream::from(high);
        high.write_all(b"last").expect("the peer is open");
        drop(high);
        let mut text = String::new();
        peer.read_to_string(&mut text).expect("it is text");
        assert_eq!(text, "last", "and then the end, while the children run");
        drop(waiting);
        assert!(!process.result().expect("it returns").contains_key(&number));
        assert!(!handle.get().expect("it returns").contains_key(&number));
        pool.close();
        pool.join().expect("it is closed");
    });
    program.run().assert_success();
}

/// How many descriptors the last of `count` children at once has, and the last worker of such a pool.
fn counts(count: usize) -> (usize, usize) {
    let gate = Gate::new();
    let start = |_| mp::spawn(descriptors_at, gate.name()).expect("it starts");
    let mut processes: Vec<_> = (0..count).map(start).collect();
    let waiting: Vec<_> = (0..count).map(|_| gate.arrival()).collect();
    drop(waiting);
    let last = processes.pop().expect("one at least").result().expect("it returns").len();
    for process in processes {
        assert_eq!(process.result().expect("it returns").len(), last);
    }
    let pool = mp::Pool::new(count).expect("it starts");
    let handles: Vec<_> = (0..count).map(|_| pool.submit(descriptors_at, gate.name())).collect();
    // Each worker has a task, since none ends before all have come.
    let waiting: Vec<_> = (0..count).map(|_| gate.arrival()).collect();
    drop(waiting);
    let held = handles.iter().map(|handle| handle.get().expect("it returns").len());
    let most = held.max().expect("one at least");
    pool.close();
    pool.join().expect("it is closed");
    (last, most)
}

#[mp::test]
fn res_03_descriptors_in_a_child_do_not_grow_with_its_siblings() {
    let program = scenario!(|| {
        let alone = counts(1);
        assert_eq!(counts(12), alone);
    });
    program.run().assert_success();
}
