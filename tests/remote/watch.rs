//! Keys of a dictionary that another program watches.

use std::time::Duration;

use mp::{DictProxy, ErrorKind};

use crate::support::{kill, scenario, wait_until};
use crate::{ADDRESS, LONG, address_of, at, connected, watched};

const SHORT: Duration = Duration::from_millis(10);

#[mp::test]
fn mgr_25_another_program_watches_a_key() {
    let program = scenario!(|| {
        let states: DictProxy<String, u32> = connected().lookup("states").unwrap();
        let mut job = states.watch(&"job".to_owned()).unwrap();
        assert_eq!(job.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        assert_eq!(job.recv_timeout(SHORT).unwrap_err().kind(), ErrorKind::Empty);
        println!("watching");
        while let Some(state) = job.recv().unwrap() {
            println!("state {state}");
        }
        println!("gone");
        let last = job.recv().unwrap_err();
        assert_eq!(last.kind(), ErrorKind::Disconnected, "{last}");
    });
    watched(|| {
        let manager = at("abstract:");
        let states = manager.dict::<String, u32>().unwrap();
        manager.publish("states", &states).unwrap();
        let running = program.clone().env(ADDRESS, address_of(&manager)).start();
        running.wait_line("watching");
        states.insert("another".to_owned(), 9).unwrap();
        for state in [1, 2] {
            states.insert("job".to_owned(), state).unwrap();
            running.wait_line(&format!("state {state}"));
        }
        states.remove(&"job".to_owned()).unwrap();
        running.wait_line("gone");
        manager.shutdown().unwrap();
        running.finish().assert_success();
    });
}

#[mp::test]
fn mgr_21_watchers_of_a_killed_program_are_gone() {
    let program = scenario!(|| {
        let states: DictProxy<u32, u32> = connected().lookup("states").unwrap();
        let mut watchers: Vec<_> = (0..20).map(|key| states.watch(&key).unwrap()).collect();
        println!("watching");
        watchers[0].recv_timeout(LONG).unwrap();
    });
    watched(|| {
        let manager = at("abstract:");
        let states = manager.dict::<u32, u32>().unwrap();
        manager.publish("states", &states).unwrap();
        let running = program.clone().env(ADDRESS, address_of(&manager)).start();
        running.wait_line("watching");
        assert_eq!(manager.number_of_objects().unwrap(), 21);
        kill(running.pid, libc::SIGKILL).unwrap();
        let gone = || manager.number_of_objects().unwrap() == 1;
        wait_until(LONG, "the watchers are gone", gone);
        states.insert(0, 1).unwrap();
    });
}
