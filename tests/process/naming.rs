//! What processes are called and whom they know: names, parents, children of children.

use crate::gate::{Gate, wait_at};
use crate::support::{Scenario, process_exists, scenario, scenario_main, wait_until};
use crate::{LONG, PROMPT, nothing, stays};

#[mp::task]
fn own_name() -> String {
    mp::current_process().name().to_owned()
}

/// The names of a tree of processes, two children each, as they call themselves.
#[mp::task]
fn names_below(depth: u32) -> Vec<String> {
    let mut names = vec![mp::current_process().name().to_owned()];
    for _ in 0..if depth > 0 { 2 } else { 0 } {
        let process = mp::spawn(names_below, depth - 1).expect("it starts");
        let below = process.result().expect("it returns");
        assert_eq!(below[0], process.name(), "both sides call it the same");
        names.extend(below);
    }
    names
}

#[mp::test]
fn proc_01_unnamed_processes_are_numbered_when_made() {
    let program = scenario!(|| {
        let mut first = mp::Process::new(own_name, ());
        let mut second = mp::Process::new(own_name, ());
        let never_started = mp::Process::new(nothing, ());
        second.start().expect("it starts");
        first.start().expect("it starts");
        let fourth = mp::spawn(own_name, ()).expect("it starts");
        let named = mp::Process::new(nothing, ()).with_name("greeter");
        let sixth = mp::Process::new(nothing, ());
        assert_eq!((first.name(), second.name()), ("Process-1", "Process-2"));
        assert_eq!((never_started.name(), fourth.name()), ("Process-3", "Process-4"));
        assert_eq!((named.name(), sixth.name()), ("greeter", "Process-6"));
        for process in [first, second, fourth] {
            assert_eq!(process.result().expect("it returns"), process.name());
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_02_children_of_a_child_carry_its_numbers() {
    let program = scenario!(|| {
        let names = |depth| {
            let process = mp::spawn(names_below, depth).expect("it starts");
            process.result().expect("it returns")
        };
        let expected = [
            "Process-1",
            "Process-1:1",
            "Process-1:1:1",
            "Process-1:1:2",
            "Process-1:2",
            "Process-1:2:1",
            "Process-1:2:2",
        ];
        assert_eq!(names(2), expected);
        // Its children are counted from 1 again.
        assert_eq!(names(1), ["Process-2", "Process-2:1", "Process-2:2"]);
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_04_the_main_program_knows_itself() {
    let program: Scenario = scenario_main!(|| {
        let current = mp::current_process();
        assert_eq!(current.name(), "MainProcess");
        println!("pid {}", current.pid());
        assert!(current.is_alive());
        assert_eq!(current.exit_code(), None);
        assert!(!current.daemon());
        assert_eq!(current.authkey().as_bytes().len(), 32);
        assert!(mp::parent_process().is_none());
        // A child is not the main program, and does not take itself for it.
        let child = mp::spawn(own_name, ()).expect("it starts");
        assert_eq!(child.result().expect("it returns"), "Process-1");
        assert_eq!(mp::current_process().name(), "MainProcess");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.value("pid "), finished.pid.to_string());
}

/// Tells of its parent, and of that again when the test says so.
#[mp::task]
fn tell_parent(gate: &str) -> (u32, String, bool) {
    let parent = mp::parent_process().expect("a child has one");
    assert!(parent.is_alive());
    wait_at(gate);
    (parent.pid(), parent.name().to_owned(), parent.is_alive())
}

#[mp::task]
fn parent_of_a_grandchild() -> (u32, u32, String) {
    let gate = Gate::new();
    let process = mp::spawn(tell_parent, gate.name()).expect("it starts");
    drop(gate.arrival());
    let (pid, name, alive) = process.result().expect("it returns");
    assert!(alive);
    (std::process::id(), pid, name)
}

#[mp::task]
fn print_pid_and_stay() {
    println!("child {} of {}", std::process::id(), mp::parent_process().expect("one").pid());
    stays();
}

/// In Python the child sees `is_alive` turn false when its parent is killed. Here a child cannot come
/// to see that: it dies with its parent (EXIT-09), so what is shown is that it is gone itself.
#[mp::test]
fn proc_25_a_child_knows_its_parent_while_it_lives() {
    let program = scenario_main!(|| {
        mp::spawn(print_pid_and_stay, ()).expect("it starts");
        stays();
    });
    let knows = scenario!(|| {
        let gate = Gate::new();
        let process = mp::spawn(tell_parent, gate.name()).expect("it starts");
        drop(gate.arrival());
        let told = process.result().expect("it returns");
        assert_eq!(told, (std::process::id(), "MainProcess".to_owned(), true));
        let child = mp::Process::new(parent_of_a_grandchild, ()).with_name("between");
        let mut child = child;
        child.start().expect("it starts");
        let (own, told, name) = child.result().expect("it returns");
        assert_eq!((Some(own), told, name.as_str()), (child.pid(), own, "between"));
    });
    knows.run().assert_success();
    let running = program.start();
    let line = running.wait_line("child ");
    let (child, parent) = line.split_once(" of ").expect("two pids");
    assert_eq!(parent, running.pid.to_string());
    let child = child.parse().expect("a pid");
    assert!(process_exists(child));
    running.kill(libc::SIGKILL);
    wait_until(LONG, "the child died with its parent", || !process_exists(child));
    assert!(running.finish().gone_after < PROMPT);
}

/// Prints where it is in the tree, then starts its children and waits for each.
#[mp::task]
fn grow(path: Vec<u32>) {
    println!("node {path:?}");
    for branch in 0..if path.len() < 2 { 2 } else { 0 } {
        let mut longer = path.clone();
        longer.push(branch);
        let process = mp::spawn(grow, longer).expect("it starts");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(0));
    }
}

#[mp::test]
fn proc_26_a_task_starts_processes_of_its_own() {
    let program = scenario!(|| {
        let root = mp::spawn(grow, Vec::new()).expect("it starts");
        root.join().expect("it was started");
        assert_eq!(root.exit_code(), Some(0));
    });
    let finished = program.run();
    finished.assert_success();
    let expected = ["[]", "[0]", "[0, 0]", "[0, 1]", "[1]", "[1, 0]", "[1, 1]"];
    assert_eq!(finished.values("node "), expected);
}
