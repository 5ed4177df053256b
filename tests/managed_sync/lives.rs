//! MGR-15, MGR-29, MGR-21: what becomes of calls when the server ends, and of objects when clients do.

use crate::support::{kill as signal, wait_until};
use crate::{BOUNDED, PROMPT, elsewhere, kill, managed, stay, timed, wait_until_asleep};
use mp::{
    BarrierProxy, ConditionProxy, ErrorKind, EventProxy, LockProxy, Manager, Process, QueueProxy,
    RLockProxy, SemaphoreProxy,
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// One of each, which block whoever comes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Blocking {
    empty: QueueProxy<u32>,
    full: QueueProxy<u32>,
    lock: LockProxy,
    rlock: RLockProxy,
    none: SemaphoreProxy,
    event: EventProxy,
    condition: ConditionProxy,
    barrier: BarrierProxy,
}

impl Blocking {
    /// The locks are the calling thread's.
    fn of(manager: &Manager) -> Self {
        let all = Self {
            empty: manager.queue().unwrap(),
            full: manager.bounded_queue(1).unwrap(),
            lock: manager.lock().unwrap(),
            rlock: manager.rlock().unwrap(),
            none: manager.semaphore(0).unwrap(),
            event: manager.event().unwrap(),
            condition: manager.condition().unwrap(),
            barrier: manager.barrier(20).unwrap(),
        };
        all.full.put(1).unwrap();
        all.lock.acquire().unwrap();
        all.rlock.acquire().unwrap();
        all
    }

    /// One of all calls that block; none if there are not so many.
    fn call(&self, which: usize) -> Option<mp::Result<()>> {
        const LONG: Duration = Duration::from_secs(60);
        Some(match which {
            0 => self.empty.get().map(drop),
            1 => self.empty.get_timeout(LONG).map(drop),
            2 => self.full.put(2),
            3 => self.full.put_timeout(2, LONG).map_err(mp::Error::from),
            4 => self.full.join(),
            5 => self.full.join_timeout(LONG).map(drop),
            6 => self.lock.acquire(),
            7 => self.lock.lock_timeout(LONG).map(drop),
            8 => self.rlock.acquire(),
            9 => self.rlock.acquire_timeout(LONG).map(drop),
            10 => self.none.acquire(),
            11 => self.none.acquire_timeout(LONG).map(drop),
            12 => self.event.wait(),
            13 => self.event.wait_timeout(LONG).map(drop),
            14 => self.barrier.wait().map(drop),
            15 => self.barrier.wait_timeout(LONG).map(drop),
            16 => self.condition.lock().and_then(|mut guard| self.condition.wait(&mut guard)),
            17 => self.condition.lock().and_then(|mut guard| {
                self.condition.wait_for_timeout(&mut guard, LONG, || false).map(drop)
            }),
            18 => {
                // What could be waited for is ready then, and says so.
                mp::wait(&[&self.empty, &self.event], None)
                    .and_then(|ready| {
                        assert_eq!(ready, [0, 1]);
                        self.empty.try_get()
                    })
                    .map(drop)
            }
            _ => return None,
        })
    }

    /// Those that do not block.
    fn quick(&self) -> Vec<(&'static str, mp::Result<()>)> {
        vec![
            ("len", self.empty.len().map(drop)),
            ("put", self.empty.put(1)),
            ("try_put", self.empty.try_put(1).map_err(mp::Error::from)),
            ("try_get", self.empty.try_get().map(drop)),
            ("close_all", self.empty.close_all()),
            ("task_done", self.empty.task_done()),
            ("try_acquire", self.lock.try_acquire().map(drop)),
            ("is_locked", self.lock.is_locked().map(drop)),
            ("rlock", self.rlock.try_acquire().map(drop)),
            ("semaphore", self.none.release()),
            ("value", self.none.value().map(drop)),
            ("set", self.event.set()),
            ("is_set", self.event.is_set().map(drop)),
            ("condition", self.condition.lock().map(drop)),
            ("abort", self.barrier.abort()),
            ("n_waiting", self.barrier.n_waiting().map(drop)),
            ("release", self.lock.release()),
            ("clone", self.event.clone().wait()),
        ]
    }

    #[track_caller]
    fn assert_all_end(&self) {
        for (what, result) in self.quick() {
            assert_eq!(
                result.map_err(|error| error.kind()),
                Err(ErrorKind::Disconnected),
                "{what}"
            );
        }
        for which in 0.. {
            let Some(result) = elsewhere(|| self.call(which)) else { break };
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Disconnected, "call {which}");
        }
    }
}

#[mp::task]
fn block(all: Blocking, which: usize) -> (String, bool) {
    let ended = all.call(which).expect("it is one of them");
    let error = ended.expect_err("nobody lets it through");
    let before = Instant::now();
    // What asks anew is told as well.
    let again = all.empty.len().is_err_and(|error| error.kind() == ErrorKind::Disconnected);
    assert!(before.elapsed() < PROMPT);
    (format!("{:?}", error.kind()), again)
}

/// Clients that block, each in another call.
fn blocked(all: &Blocking) -> Vec<Process<block>> {
    let start = |which| mp::spawn(block, (all.clone(), which)).unwrap();
    let clients: Vec<_> = (0..19).map(start).collect();
    for client in &clients {
        wait_until_asleep(client.pid().unwrap());
    }
    clients
}

#[track_caller]
fn assert_ended(clients: Vec<Process<block>>) {
    for (which, client) in clients.into_iter().enumerate() {
        assert_eq!(client.result().unwrap(), ("Disconnected".to_owned(), true), "call {which}");
    }
}

#[mp::test]
fn mgr_15_shutdown_ends_all_calls() {
    managed(|manager| {
        let all = Blocking::of(manager);
        let clients = blocked(&all);
        let (_, took) = timed(|| manager.shutdown().unwrap());
        assert!(took < PROMPT);
        let ((), took) = timed(|| assert_ended(clients));
        assert!(took < PROMPT, "it took {took:?}");
        all.assert_all_end();
        assert_eq!(manager.exit_code(), Some(0));
        manager.shutdown().unwrap();
        assert_eq!(manager.event().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::task]
fn is_ended(event: EventProxy, ended: mp::Event) -> bool {
    assert!(!event.is_set().unwrap());
    ended.wait();
    event.is_set().is_err()
}

#[mp::test]
fn mgr_15_after_shutdown_other_processes_are_told_at_once() {
    managed(|manager| {
        let (event, ended) = (manager.event().unwrap(), mp::Event::new().unwrap());
        let clients =
            [(); 2].map(|()| mp::spawn(is_ended, (event.clone(), ended.clone())).unwrap());
        for client in &clients {
            wait_until_asleep(client.pid().unwrap());
        }
        manager.shutdown().unwrap();
        ended.set();
        for client in clients {
            assert!(client.result().unwrap());
        }
    });
}

#[mp::test]
fn mgr_29_a_killed_server_ends_all_calls() {
    managed(|manager| {
        let all = Blocking::of(manager);
        let clients = blocked(&all);
        signal(manager.pid().unwrap().cast_signed(), libc::SIGKILL).unwrap();
        let ((), took) = timed(|| assert_ended(clients));
        assert!(took < PROMPT, "it took {took:?}");
        wait_until(PROMPT, "it is seen here", || all.empty.len().is_err());
        all.assert_all_end();
    });
}

#[mp::test]
fn mgr_29_a_stopped_server_holds_up_nobody_until_it_is_killed() {
    managed(|manager| {
        let all = Blocking::of(manager);
        let (queue, lock) = (manager.queue().unwrap(), manager.lock().unwrap());
        let server = manager.pid().unwrap().cast_signed();
        signal(server, libc::SIGSTOP).unwrap();
        wait_until(BOUNDED, "it is stopped", || crate::state_of(server) == Some('T'));
        let clients = blocked(&all);
        queue.put(1).unwrap();
        assert_eq!(queue.get().unwrap(), 1);
        drop(lock.lock().unwrap());
        assert!(!all.event.is_set().unwrap());
        signal(server, libc::SIGKILL).unwrap();
        let ((), took) = timed(|| assert_ended(clients));
        assert!(took < PROMPT, "it took {took:?}");
        wait_until(PROMPT, "it is seen here", || all.empty.len().is_err());
        all.assert_all_end();
    });
}

#[mp::task]
fn wait_with(condition: ConditionProxy) -> (String, bool) {
    let mut guard = condition.lock().unwrap();
    let error = condition.wait(&mut guard).unwrap_err();
    drop(guard);
    (format!("{:?}", error.kind()), condition.lock().is_err())
}

#[mp::test]
fn mgr_29_a_wait_ends_though_another_has_the_lock() {
    managed(|manager| {
        let condition = manager.condition().unwrap();
        let client = mp::spawn(wait_with, condition.clone()).unwrap();
        wait_until_asleep(client.pid().unwrap());
        let guard = condition.lock().unwrap();
        signal(manager.pid().unwrap().cast_signed(), libc::SIGKILL).unwrap();
        let (ended, took) = timed(|| client.result().unwrap());
        assert_eq!(ended, ("Disconnected".to_owned(), true));
        assert!(took < 2 * PROMPT, "it took {took:?}");
        // What was not given to it is not given back by it.
        drop(guard);
    });
}

#[mp::test]
fn mgr_29_a_future_ends() {
    managed(|manager| {
        let event = manager.event().unwrap();
        let set = manager.event().unwrap();
        let future = event.wait_async();
        let also = set.wait_async();
        set.set().unwrap();
        crate::block_on(also).unwrap();
        signal(manager.pid().unwrap().cast_signed(), libc::SIGKILL).unwrap();
        let (ended, took) = timed(|| crate::block_on(future));
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Disconnected);
        assert!(took < PROMPT, "it took {took:?}");
    });
}

#[mp::task]
fn hold(lock: LockProxy, rlock: RLockProxy, holds: EventProxy) {
    lock.acquire().unwrap();
    let _guard = rlock.lock().unwrap();
    holds.set().unwrap();
    stay();
}

#[mp::test]
fn mgr_10_a_killed_client_gives_its_lock_back() {
    managed(|manager| {
        let (lock, rlock) = (manager.lock().unwrap(), manager.rlock().unwrap());
        let holds = manager.event().unwrap();
        let client = mp::spawn(hold, (lock.clone(), rlock.clone(), holds.clone())).unwrap();
        holds.wait().unwrap();
        assert!(!lock.try_acquire().unwrap() && !rlock.try_acquire().unwrap());
        kill(&client);
        assert!(lock.lock().unwrap().owner_died());
        assert!(!lock.lock().unwrap().owner_died());
        assert!(rlock.lock().unwrap().owner_died());
    });
}

#[mp::task]
fn keep(all: Blocking, has: EventProxy) {
    let _kept = all;
    has.set().unwrap();
    stay();
}

#[mp::test]
fn mgr_21_objects_are_gone_with_their_last_proxy() {
    managed(|manager| {
        let has = manager.event().unwrap();
        let all = Blocking::of(manager);
        assert_eq!(manager.number_of_objects().unwrap(), 9);
        let client = mp::spawn(keep, (all.clone(), has.clone())).unwrap();
        has.wait().unwrap();
        drop(all);
        assert_eq!(manager.number_of_objects().unwrap(), 9);
        kill(&client);
        wait_until(BOUNDED, "they are gone", || manager.number_of_objects().unwrap() == 1);
    });
}
