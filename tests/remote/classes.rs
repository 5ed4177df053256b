//! MGR-22, MGR-23, MGR-24: types of one's own, called from another program.

use std::time::Duration;

use mp::{ErrorKind, ListProxy, Manager};

use crate::support::scenario;
use crate::{ADDRESS, KEY, address_of, at, connected, watched};

struct Ledger {
    lines: Vec<u32>,
    kept: Option<ListProxy<u32>>,
}

#[mp::manager]
impl Ledger {
    pub fn new(first: u32) -> Result<Self, String> {
        match first {
            0 => Err("a ledger begins with something".to_owned()),
            13 => panic!("thirteen"),
            _ => Ok(Self { lines: vec![first], kept: None }),
        }
    }

    pub fn add(&mut self, line: u32) -> usize {
        assert_ne!(line, 13, "thirteen");
        self.lines.push(line);
        self.lines.len()
    }

    /// A managed object that the server makes itself.
    pub fn copy(&self) -> mp::Result<ListProxy<u32>> {
        Manager::current()?.list_from(self.lines.iter().copied())
    }

    /// One that a client has made.
    pub fn keep(&mut self, list: ListProxy<u32>) -> mp::Result<usize> {
        list.push(99)?;
        let len = list.len()?;
        self.kept = Some(list);
        Ok(len)
    }

    pub fn kept(&self) -> Option<ListProxy<u32>> {
        self.kept.clone()
    }

    pub fn wait(&self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(milliseconds)); // work: what it is told
    }
}

#[mp::test]
fn mgr_22_mgr_23_another_program_calls_methods() {
    let program = scenario!(|| {
        let remote = connected();
        let ledger: LedgerProxy = remote.lookup("ledger").unwrap();
        assert_eq!(ledger.add(2).unwrap(), 2);
        assert_eq!(ledger.copy().unwrap().unwrap().to_vec().unwrap(), [1, 2]);
        let panicked = ledger.add(13).unwrap_err();
        assert_eq!(panicked.kind(), ErrorKind::Panicked);
        assert!(panicked.panic().unwrap().message().contains("thirteen"));
        let own = remote.create::<Ledger>(7).unwrap().unwrap();
        assert_eq!(own.add(8).unwrap(), 2);
        assert_eq!(
            remote.create::<Ledger>(0).unwrap().unwrap_err(),
            "a ledger begins with something"
        );
        assert_eq!(remote.create::<Ledger>(13).unwrap_err().kind(), ErrorKind::Panicked);
        let list = remote.list_from([5]).unwrap();
        assert_eq!(ledger.keep(list.clone()).unwrap().unwrap(), 2);
        assert!(ledger.kept().unwrap().unwrap().is_same(&list));
        assert_eq!(list.to_vec().unwrap(), [5, 99]);
    });
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        let ledger = manager.create::<Ledger>(1).unwrap().unwrap();
        manager.publish("ledger", &ledger).unwrap();
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
        // It has what the other program gave to it, and is held by nothing of that one's.
        let kept = ledger.kept().unwrap().unwrap();
        assert_eq!(kept.to_vec().unwrap(), [5, 99]);
        assert_eq!(ledger.add(3).unwrap(), 3);
    });
}

#[mp::test]
fn mgr_13_a_method_that_takes_long_holds_up_no_other_program() {
    watched(|| {
        let manager = at("abstract:");
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        let ledger = remote.create::<Ledger>(1).unwrap().unwrap();
        std::thread::scope(|scope| {
            let long = scope.spawn(|| ledger.wait(300));
            let list = remote.list::<u32>().unwrap();
            let mut calls = 0;
            while !long.is_finished() {
                list.push(calls).unwrap();
                calls += 1;
            }
            assert!(calls > 10, "{calls}");
        });
    });
}

#[mp::task]
fn add(number: Option<u64>, more: u64) -> Option<u64> {
    Some(number.unwrap_or(0) + more)
}

#[mp::task]
fn square(number: u64) -> u64 {
    number * number
}

#[mp::test]
fn mgr_25_tasks_are_run_for_the_server_s_own_program_only() {
    watched(|| {
        let manager = at("abstract:");
        let pool = manager.pool(1).unwrap();
        manager.publish("pool", &pool).unwrap();
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        let refused = |result: mp::Result<()>| {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        };
        refused(remote.pool(1).map(drop));
        let found: mp::PoolProxy = remote.lookup("pool").unwrap();
        refused(found.apply(square, 2).map(drop));
        refused(found.close());
        let dict = remote.dict::<u64, u64>().unwrap();
        refused(dict.update_by(&1, add, 1).map(drop));
        // Sums are no tasks.
        dict.fetch_add(&1, 2).unwrap();
        assert_eq!(dict.fetch_add(&1, 3).unwrap(), 2);
        assert_eq!(dict.get(&1).unwrap(), Some(5));
        assert_eq!(pool.apply(square, 3).unwrap(), 9);
    });
}
