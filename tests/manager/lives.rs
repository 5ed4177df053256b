//! The server's start and end, and what clients see of its death.

use std::thread;
use std::time::{Duration, Instant};

use mp::{ErrorKind, ListProxy, Manager};

use crate::support::{
    Footprint, kill, process_exists, scenario, scenario_main, state_of, wait_until,
};
use crate::{LONG, manager, watched};

fn pid_of(manager: &Manager) -> i32 {
    i32::try_from(manager.pid().expect("it was started")).unwrap()
}

fn lost(error: &mp::Error) {
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert!(error.to_string().contains("server has ended"), "{error}");
}

#[mp::test]
fn mgr_01_a_manager_serves_at_once_in_a_process_of_its_own() {
    let program = scenario!(|| {
        let manager = manager();
        assert_eq!(manager.list_from([1]).unwrap().len().unwrap(), 1);
        let other = Manager::builder().name("vault").start().unwrap();
        let mut children: Vec<_> = mp::active_children()
            .iter()
            .map(|child| (child.name().to_owned(), child.daemon()))
            .collect();
        children.sort();
        assert_eq!(children, [("SyncManager-1".to_owned(), true), ("vault".to_owned(), true)]);
        assert_ne!(manager.pid(), other.pid());
    });
    program.run().assert_success();
}

#[mp::test]
fn mgr_15_shutdown_ends_the_server_and_can_be_repeated() {
    watched(|| {
        let manager = manager();
        let list = manager.list_from([1]).unwrap();
        assert_eq!(manager.exit_code(), None);
        manager.shutdown().unwrap();
        assert_eq!(manager.exit_code(), Some(0));
        manager.shutdown().unwrap();
        lost(&list.len().unwrap_err());
        lost(&list.push(2).unwrap_err());
        lost(&manager.dict::<u8, u8>().unwrap_err());
        assert_eq!(format!("{list:?}").matches("server has ended").count(), 1);
    });
}

#[mp::test]
fn mgr_17_leaving_the_scope_ends_the_server_and_leaves_nothing() {
    let program = scenario!(|| {
        drop(manager());
        let before = Footprint::now();
        let pid = {
            let manager = manager();
            let list = manager.list_from(0..100).unwrap();
            mp::spawn(len_of, list).unwrap().result().unwrap();
            pid_of(&manager)
        };
        assert!(!process_exists(pid));
        before.assert_restored(LONG);
    });
    program.run().assert_success();
}

#[mp::task]
fn len_of(list: ListProxy<i32>) -> usize {
    list.len().expect("it serves")
}

#[mp::test]
fn mgr_18_a_server_that_does_not_hear_is_killed() {
    watched(|| {
        let timeout = Duration::from_millis(200);
        let manager = Manager::builder().shutdown_timeout(timeout).start().unwrap();
        kill(pid_of(&manager), libc::SIGSTOP).expect("it is there");
        let start = Instant::now();
        manager.shutdown().unwrap();
        assert!(start.elapsed() >= timeout * 2, "it was asked, and sent SIGTERM, before");
        assert_eq!(manager.exit_code(), Some(-libc::SIGKILL));
    });
}

#[mp::test]
fn mgr_19_nothing_is_left_by_whoever_forgets_a_manager() {
    let forgets = scenario_main!(|| {
        let manager = Box::leak(Box::new(manager()));
        println!("server {}", pid_of(manager));
    });
    let killed = scenario_main!(|| {
        let manager = manager();
        println!("server {}", pid_of(&manager));
        loop {
            thread::park();
        }
    });
    let finished = forgets.run();
    finished.assert_success();
    assert!(!process_exists(finished.value("server ").parse().unwrap()));

    let running = killed.start();
    let server = running.wait_line("server ").parse().unwrap();
    running.kill(libc::SIGKILL);
    running.finish();
    assert!(!process_exists(server));
}

#[mp::test]
fn exit_12_a_server_serves_on_after_an_interrupt() {
    watched(|| {
        let manager = manager();
        let list = manager.list_from([1]).unwrap();
        kill(pid_of(&manager), libc::SIGINT).expect("it is there");
        assert_eq!(list.len().unwrap(), 1);
    });
    let interrupted = scenario_main!(|| {
        let manager = manager();
        println!("server {}", pid_of(&manager));
        loop {
            thread::park();
        }
    });
    let running = interrupted.start();
    let server = running.wait_line("server ").parse().unwrap();
    running.kill_group(libc::SIGINT);
    let finished = running.finish();
    assert_eq!(finished.signal, Some(libc::SIGINT), "the parent ends as ever");
    assert!(!process_exists(server));
}

#[mp::task]
fn ask_for_ever(list: ListProxy<u8>, asking: mp::Event) -> (String, bool) {
    asking.set();
    loop {
        if let Err(error) = list.len() {
            return (error.to_string(), error.kind() == ErrorKind::Disconnected);
        }
    }
}

#[mp::test]
fn mgr_29_clients_of_a_killed_server_get_an_error() {
    watched(|| {
        let manager = manager();
        let (list, asking) = (manager.list::<u8>().unwrap(), mp::Event::new().unwrap());
        let process = mp::spawn(ask_for_ever, (list.clone(), asking.clone())).unwrap();
        asking.wait();
        let server = pid_of(&manager);
        // One call at least is under way when it dies.
        kill(server, libc::SIGSTOP).expect("it is there");
        wait_until(LONG, "it stops", || state_of(server) == Some('T'));
        // The first has a link from before, the others ask for one that the server will not hear of.
        let blocked: Vec<_> = (0..3)
            .map(|_| {
                let list = list.clone();
                thread::spawn(move || list.push(1))
            })
            .collect();
        let start = Instant::now();
        kill(server, libc::SIGKILL).expect("it is there");
        for blocked in blocked {
            lost(&blocked.join().unwrap().unwrap_err());
        }
        let (text, is_disconnected) = process.result().unwrap();
        assert!(is_disconnected && text.contains("server has ended"), "{text}");
        lost(&list.len().unwrap_err());
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(manager.exit_code(), Some(-libc::SIGKILL));
        manager.shutdown().unwrap();
    });
}
