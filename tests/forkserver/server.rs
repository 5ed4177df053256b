//! The server: who sees it, what ends it, what follows when somebody else does.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use mp::StartMethod::ForkServer;

use crate::support::{
    Footprint, children_of, descendants_of, kill, name_of, process_exists, repeat, scenario,
    scenario_main, server_of, start_method, state_of, wait_until, with_busy_cores, zombies_of,
};
use crate::{LONG, PROMPT, its_pid, kernel, own_pid, run, server};

#[mp::task]
fn stays() {
    println!("stays {}", own_pid());
    loop {
        thread::park();
    }
}

fn start_up() -> i32 {
    mp::fork_server::start().expect("it starts");
    wait_until(LONG, "it is up", || server_of(own_pid()).is_some());
    server()
}

#[mp::test]
fn res_01_the_server_is_given_back() {
    let program = scenario!(|| {
        mp::fork_server::stop();
        let before = Footprint::now();
        for _ in 0..20 {
            run(ForkServer, its_pid, ());
            mp::fork_server::stop();
        }
        before.assert_restored(PROMPT);
        assert_eq!(server_of(own_pid()), None);
        mp::fork_server::stop();
    });
    program.run().assert_success();
}

#[mp::test]
fn res_01_the_server_keeps_nothing_of_what_it_has_forked() {
    let program = scenario!(|| {
        run(ForkServer, its_pid, ());
        let (server, own) = (server(), Footprint::now());
        let held = crate::support::open_descriptors(server);
        for _ in 0..50 {
            run(ForkServer, its_pid, ());
        }
        own.assert_restored(PROMPT);
        assert_eq!(crate::support::open_descriptors(server), held);
        assert_eq!(server, crate::server(), "that is the same one");
        // Its input, our outputs, the end of our life, the socket, and the memory of all.
        assert_eq!(held.len(), 6, "{held:?}");
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_28_the_server_is_none_of_the_active_children() {
    let program = scenario!(|| {
        let server = start_up();
        assert!(mp::active_children().is_empty());
        let mut process = mp::Process::new(stays, ()).with_start_method(ForkServer);
        process.start().expect("it starts");
        let pids: Vec<_> = mp::active_children().iter().map(mp::ProcessInfo::pid).collect();
        assert_eq!(pids, [process.pid().expect("it was started")]);
        assert_eq!(name_of(server), start_method::SERVER);
        process.kill().expect("it was started");
    });
    program.run().assert_success();
}

#[mp::test]
fn exit_04_the_server_ends_with_the_program() {
    let program = scenario_main!(|| {
        println!("server {}", start_up());
        run(ForkServer, its_pid, ());
    });
    let finished = program.run();
    finished.assert_success();
    let server: i32 = finished.value("server ").parse().expect("a pid");
    assert!(!process_exists(server));
    assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
}

/// One that the program has forked itself holds the end of its life, too.
#[mp::test]
fn exit_04_the_server_ends_with_the_program_whoever_stays() {
    let program = scenario_main!(|| {
        println!("server {}", start_up());
        println!("copy {}", kernel::fork_one_that_stays());
    });
    let running = program.start();
    let server: i32 = running.wait_line("server ").parse().expect("a pid");
    let copy: i32 = running.wait_line("copy ").parse().expect("a pid");
    let gone = |pid| move || !process_exists(pid);
    wait_until(LONG, "main ends", gone(running.pid));
    wait_until(PROMPT, "the server is gone", gone(server));
    assert!(process_exists(copy));
    kill(copy, libc::SIGKILL).expect("it lives");
    running.finish().assert_success();
}

#[mp::test]
fn exit_08_the_server_and_its_children_die_with_the_parent() {
    let program = scenario_main!(|| {
        start_up();
        let children = [stays, stays].map(|task| {
            let mut process = mp::Process::new(task, ()).with_start_method(ForkServer);
            process.start().expect("it starts");
            process
        });
        drop(children);
        println!("server {}", server());
        // A server that is stopped dies, too.
        if env::var("STOPS").is_ok() {
            kill(server(), libc::SIGSTOP).expect("it lives");
            wait_until(LONG, "it stops", || state_of(server()) == Some('T'));
        }
        println!("ready");
        stays();
    });
    for program in [program.clone(), program.env("STOPS", "1")] {
        let running = program.start();
        running.wait_line("ready");
        let below = descendants_of(running.pid);
        assert_eq!(below.len(), 3, "{below:?}");
        running.kill(libc::SIGKILL);
        let finished = running.finish();
        assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
        assert!(below.iter().all(|pid| !process_exists(*pid)));
    }
}

/// Killed right after a start, also when the server is about to fork.
#[mp::test]
fn exit_09_a_forked_child_that_comes_up_later_dies_too() {
    let program = scenario!(|| {
        for _ in 0..2 {
            let mut process = mp::Process::new(stays, ()).with_start_method(ForkServer);
            process.start().expect("it starts");
        }
        thread::spawn(|| run(ForkServer, stays, ()));
        kill(own_pid(), libc::SIGKILL).expect("that is this process");
    });
    let round = |_| {
        let finished = program.run();
        assert_eq!(finished.signal, Some(libc::SIGKILL));
        assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
    };
    repeat(20, round);
    with_busy_cores(|| repeat(10, round));
}

#[mp::test]
fn exit_10_the_server_disregards_an_interrupt() {
    let program = scenario!(|| {
        let server = start_up();
        kill(server, libc::SIGINT).expect("it lives");
        run(ForkServer, its_pid, ());
        assert_eq!(server, crate::server(), "that is the same one");
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_08_a_killed_server_is_replaced() {
    let program = scenario!(|| {
        for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGHUP, libc::SIGSEGV] {
            let server = start_up();
            let mut child = mp::Process::new(stays, ()).with_start_method(ForkServer);
            child.start().expect("it starts");
            kill(server, signal).expect("it lives");
            wait_until(LONG, "it has ended", || !process_exists(server));
            // What it had forked does not need it.
            assert!(child.is_alive());
            run(ForkServer, its_pid, ());
            assert_ne!(server, start_up());
            child.kill().expect("it was started");
            child.join().expect("it was started");
            assert_eq!(zombies_of(own_pid()), []);
            assert!(children_of(own_pid()).len() <= 1);
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn res_06_no_zombie_of_a_killed_server_once_anything_looks() {
    let program = scenario!(|| {
        let server = start_up();
        kill(server, libc::SIGKILL).expect("it lives");
        wait_until(LONG, "it has ended", || !process_exists(server));
        assert!(mp::active_children().is_empty());
        assert_eq!(zombies_of(own_pid()), []);
    });
    program.run().assert_success();
}

/// For each time that it was run, a byte.
#[mp::task]
fn tells(path: &str) {
    let mut file = OpenOptions::new().append(true).open(path).expect("it is there");
    file.write_all(b"x").expect("there is room");
}

/// While somebody kills one server after the other, every start starts, and starts once.
#[mp::test]
fn proc_08_a_server_killed_in_the_middle_of_a_start() {
    let program = scenario!(|| {
        let path = env::temp_dir().join("told");
        let text = path.to_str().expect("it is text").to_owned();
        fs::write(&path, "").expect("it can be made");
        let stop = AtomicBool::new(false);
        let (mut starts, mut hit, own) = (0, 0, own_pid());
        let killed = thread::scope(|scope| {
            let killer = scope.spawn(|| {
                let mut killed = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Only one that is up by its name, so that no child is hit.
                    let server = server_of(own).filter(|pid| Some(*pid) == server_of(own));
                    if let Some(server) = server {
                        let _ = kill(server, libc::SIGKILL);
                        killed += 1;
                    }
                    thread::yield_now();
                }
                killed
            });
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(3) {
                let process = mp::Process::new(tells, &*text).with_start_method(ForkServer);
                let mut process = process;
                process.start().expect("it starts");
                process.join().expect("it was started");
                let code = process.exit_code();
                // A child that still had the server's name was taken for it.
                match code {
                    Some(0) => starts += 1,
                    Some(-9) => hit += 1,
                    _ => panic!("{code:?}"),
                }
            }
            stop.store(true, Ordering::Relaxed);
            killer.join().expect("it goes well")
        });
        assert!(killed > 20 && starts > 20, "{killed} killed, {starts} starts");
        let told = fs::read(&path).expect("it is there").len();
        fs::remove_file(&path).expect("it is there");
        assert!((starts..=starts + hit).contains(&told), "{told} of {starts} and {hit}");
        mp::fork_server::stop();
        assert_eq!((children_of(own), zombies_of(own)), (vec![], vec![]));
    });
    program.limit(4 * LONG).run().assert_success();
}

#[mp::test]
fn proc_08_a_stopped_server_delays_a_start_and_no_more() {
    let program = scenario!(|| {
        let server = start_up();
        run(ForkServer, its_pid, ());
        kill(server, libc::SIGSTOP).expect("it lives");
        wait_until(LONG, "it stops", || state_of(server) == Some('T'));
        run(ForkServer, its_pid, ());
        assert!(!process_exists(server));
        assert_eq!(zombies_of(own_pid()), []);
    });
    program.limit(4 * LONG).run().assert_success();
}

/// Whatever becomes of the server in a start, there is one child, and it is known.
#[mp::test]
fn proc_08_starts_from_many_threads_at_once() {
    let program = scenario!(|| {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        assert_ne!(run(ForkServer, its_pid, ()), own_pid());
                    }
                });
            }
        });
        assert_eq!(zombies_of(own_pid()), []);
        assert!(mp::active_children().is_empty());
    });
    program.run().assert_success();
}
