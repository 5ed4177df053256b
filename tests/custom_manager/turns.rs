//! Who is let in to an object, and when: several that share it, one that changes it, and nobody waits for ever.

use crate::support::wait_until;
use crate::{PROMPT, watched};
use mp::{Barrier, Event, Manager};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

struct Room {
    inside: AtomicU32,
    changes: u32,
}

#[mp::manager]
impl Room {
    fn new() -> Self {
        Self { inside: AtomicU32::new(0), changes: 0 }
    }

    /// Comes back when as many are inside as the barrier has parties.
    pub fn meet(&self, barrier: Barrier) -> u32 {
        self.inside.fetch_add(1, SeqCst);
        barrier.wait().expect("all of them come");
        let inside = self.inside.load(SeqCst);
        barrier.wait().expect("all of them go");
        self.inside.fetch_sub(1, SeqCst);
        inside
    }

    /// How many others were inside.
    pub fn change(&mut self) -> u32 {
        let before = self.inside.fetch_add(1, SeqCst);
        for _ in 0..100 {
            thread::yield_now();
        }
        self.changes += 1;
        before + self.inside.fetch_sub(1, SeqCst) - 1
    }

    /// Takes so many milliseconds.
    pub fn look(&self, time: u64) -> u32 {
        thread::sleep(Duration::from_millis(time)); // work: others come meanwhile
        self.changes
    }

    pub fn stay(&self, inside: Event, end: Event) {
        inside.set();
        end.wait();
    }

    pub fn stay_alone(&mut self, inside: Event, end: Event) {
        self.stay(inside, end);
    }

    pub fn threads(&self) -> usize {
        std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
    }
}

#[mp::test]
fn mgr_13_methods_that_share_run_at_once() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let room = manager.create::<Room>(()).expect("an object");
        let barrier = Barrier::new(5).expect("a barrier");
        thread::scope(|scope| {
            let meet = || room.meet(barrier.clone()).expect("a number");
            let threads: Vec<_> = (0..5).map(|_| scope.spawn(meet)).collect();
            for thread in threads {
                assert_eq!(thread.join().expect("no panic"), 5);
            }
        });
    });
}

#[mp::test]
fn mgr_14_methods_that_change_run_alone() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let room = manager.create::<Room>(()).expect("an object");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert_eq!(room.change().expect("a number"), 0);
                    }
                });
            }
        });
        assert_eq!(room.look(1).expect("a number"), 200);
    });
}

#[mp::test]
fn mgr_13_a_method_that_waits_holds_up_nobody_else() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let (room, other) = (manager.create::<Room>(()), manager.create::<Room>(()));
        let (room, other) = (room.expect("an object"), other.expect("an object"));
        let dict = manager.dict().expect("a dictionary");
        let (inside, end) = (Event::new().expect("an event"), Event::new().expect("an event"));
        thread::scope(|scope| {
            let stay = scope.spawn(|| room.stay(inside.clone(), end.clone()));
            inside.wait();
            assert_eq!(other.change().expect("a number"), 0);
            assert_eq!(room.look(1).expect("they share it"), 0);
            assert_eq!(dict.insert(1, 2).expect("a call"), None);
            let change = scope.spawn(|| room.change());
            end.set();
            stay.join().expect("no panic").expect("a unit");
            assert_eq!(change.join().expect("no panic").expect("a number"), 0);
        });
    });
}

#[mp::test]
fn mgr_13_one_that_changes_comes_in_between_those_that_share() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let room = manager.create::<Room>(()).expect("an object");
        let (changed, looks) = (AtomicBool::new(false), AtomicU32::new(0));
        // Of different lengths, so that there is no moment without one.
        let look = |time| {
            while !changed.load(SeqCst) && looks.load(SeqCst) < 100 {
                room.look(time).expect("a number");
                looks.fetch_add(1, SeqCst);
            }
        };
        thread::scope(|scope| {
            for time in [19, 23, 29, 31] {
                scope.spawn(move || look(time));
            }
            wait_until(PROMPT, "they are at it", || looks.load(SeqCst) > 4);
            room.change().expect("a number");
            changed.store(true, SeqCst);
        });
        let looks = looks.load(SeqCst);
        assert!(looks < 100, "its turn came only when they were done");
    });
}

#[mp::test]
fn mgr_13_one_that_shares_comes_in_between_those_that_change() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let room = manager.create::<Room>(()).expect("an object");
        let seen = AtomicBool::new(false);
        let changes = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !seen.load(SeqCst) {
                        room.change().expect("a number");
                        changes.fetch_add(1, SeqCst);
                    }
                });
            }
            wait_until(PROMPT, "they are at it", || changes.load(SeqCst) > 20);
            assert!(room.look(1).expect("it has its turn") > 20);
            seen.store(true, SeqCst);
        });
    });
}

#[mp::task]
fn stay_there(room: RoomProxy, inside: Event, end: Event) {
    room.stay_alone(inside, end).expect("a unit");
}

#[mp::test]
fn mgr_13_the_next_one_comes_in_after_a_killed_caller() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let room = manager.create::<Room>(()).expect("an object");
        let (inside, end) = (Event::new().expect("an event"), Event::new().expect("an event"));
        let caller = mp::spawn(stay_there, (room.clone(), inside.clone(), end.clone()));
        let caller = caller.expect("a process");
        inside.wait();
        thread::scope(|scope| {
            let next = scope.spawn(|| room.change());
            caller.kill().expect("it is a child");
            caller.join().expect("it was started");
            assert!(!next.is_finished(), "its method runs to its end");
            end.set();
            assert_eq!(next.join().expect("no panic").expect("a number"), 0);
        });
    });
}

#[mp::test]
fn mgr_13_threads_are_used_again() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let room = manager.create::<Room>(()).expect("an object");
        let first = room.threads().expect("a number");
        for _ in 0..200 {
            room.change().expect("a number");
        }
        let last = room.threads().expect("a number");
        assert!(last <= first + 1, "{first} threads, then {last}");
    });
}
