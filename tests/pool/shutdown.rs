//! Handles and ends as `concurrent.futures` has them: what a handle says of itself, closing without waiting, and everything
//! that may go wrong on the way of an argument and a result.

use crate::gate::Gate;
use crate::support::{kill, process_exists, repeat, scenario_main, wait_until};
use crate::tasks::{fail, plus_100, stop};
use crate::{BOUNDED, own_pid, watched};
use mp::{ErrorKind, Pool};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

#[mp::test]
fn fut_03_a_handle_says_how_it_stands() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let [waiting, cancelled] = [1, 2].map(|i| pool.submit(plus_100, i));
        let failing = pool.submit(fail, "on purpose");
        let guest = gate.next();
        assert!(held.running() && !held.ready());
        assert!(!waiting.running() && !waiting.ready());
        assert!(cancelled.cancel());
        assert_eq!(cancelled.get().unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(cancelled.ready() && !cancelled.running());
        guest.release();
        assert_eq!(failing.get().unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(waiting.get().unwrap(), 101);
        held.get().unwrap();
        for (ready, running) in
            [(held.ready(), held.running()), (failing.ready(), failing.running())]
        {
            assert!(ready && !running);
        }
        assert!(waiting.successful().unwrap() && !failing.successful().unwrap());
    });
}

#[mp::test]
fn fut_09_closing_does_not_wait_and_everything_still_ends() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let workers: Vec<_> = pool.workers().iter().map(mp::WorkerInfo::pid).collect();
        let gate = Gate::new();
        let held: Vec<_> = (0..2).map(|_| pool.submit(stop, gate.name())).collect();
        let accepted: Vec<_> = (0..20).map(|i| pool.submit(plus_100, i)).collect();
        let guests = gate.guests(2);
        pool.close();
        assert!(held.iter().all(|handle| !handle.ready()), "close has not waited for them");
        assert_eq!(pool.submit(plus_100, 1).get().unwrap_err().kind(), ErrorKind::NotRunning);
        drop(guests);
        held.iter().for_each(|handle| assert!(handle.get().is_ok()));
        for (i, handle) in (0..).zip(&accepted) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
        // Nobody joins it.
        wait_until(BOUNDED, "the workers end", || {
            workers.iter().all(|pid| !process_exists(pid.cast_signed()))
        });
    });
}

#[mp::test]
fn fut_12_cancelling_closing_and_joining_at_once_does_not_hang() {
    watched(|| {
        repeat(100, |round| {
            let pool = Pool::new(1 + round % 2).unwrap();
            let handles: Vec<_> =
                (0..round as i64 % 50).map(|i| pool.submit(plus_100, i)).collect();
            let cancelled: Vec<_> =
                handles.iter().step_by(2).map(|handle| handle.cancel()).collect();
            pool.close();
            pool.join().unwrap();
            for (i, handle) in handles.iter().enumerate() {
                let was_cancelled = i % 2 == 0 && cancelled[i / 2];
                match handle.get_timeout(BOUNDED) {
                    Ok(value) => assert!(value == i as i64 + 100 && !was_cancelled),
                    Err(error) => assert!(was_cancelled, "{error}"),
                }
            }
        });
    });
}

#[mp::test]
fn fut_12_a_worker_that_crashes_after_close_fails_its_own_handle() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let after: Vec<_> = (0..5).map(|i| pool.submit(plus_100, i)).collect();
        let guest = gate.next();
        pool.close();
        crate::kill(guest.pid);
        assert_eq!(held.get().unwrap_err().kind(), ErrorKind::WorkerDied);
        for (i, handle) in (0..).zip(&after) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
        pool.join().unwrap();
    });
}

static KEPT: OnceLock<Pool> = OnceLock::new();

#[mp::test]
fn fut_20_what_waits_at_the_programs_end_is_done_and_nothing_more_is_taken() {
    let program = scenario_main!(|| {
        let pool = KEPT.get_or_init(|| Pool::new(1).expect("it starts"));
        for i in 0..50 {
            pool.apply_async(plus_100, i, |value| println!("value {value}"));
        }
        mp::at_exit(-1, || {
            let late = KEPT.get().expect("it is kept").submit(plus_100, 1).get();
            println!("late {:?}", late.map_err(|error| error.kind()));
        });
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.values("value ").len(), 50);
    assert_eq!(finished.value("late "), "Err(NotRunning)");
}

#[derive(Clone, Copy, Debug)]
enum Harm {
    None,
    Error,
    Panic,
    Exit,
    Segfault,
}

const HARMS: [Harm; 5] = [Harm::None, Harm::Error, Harm::Panic, Harm::Exit, Harm::Segfault];

/// Does it, where it is to be done: in a worker, or in the process that has the pool.
fn harm(number: u8, in_worker: bool) -> Result<(), &'static str> {
    if mp::parent_process().is_some() != in_worker {
        return Ok(());
    }
    match HARMS[usize::from(number)] {
        Harm::None => Ok(()),
        Harm::Error => Err("harm was to be done"),
        Harm::Panic => panic!("harm was to be done"),
        Harm::Exit => std::process::exit(7),
        Harm::Segfault => {
            kill(own_pid(), libc::SIGSEGV).expect("one may signal oneself");
            Ok(())
        }
    }
}

/// Does harm in a worker that decodes it.
#[derive(Serialize)]
struct Argument(u8);

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(from)?;
        harm(number, true).map_err(de::Error::custom)?;
        Ok(Self(number))
    }
}

/// Does harm in a worker that encodes it, and then in the parent that decodes it.
struct Output(u8, u8);

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        harm(self.0, true).map_err(ser::Error::custom)?;
        (self.0, self.1).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Output {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (first, second) = <(u8, u8)>::deserialize(from)?;
        harm(second, false).map_err(de::Error::custom)?;
        Ok(Self(first, second))
    }
}

#[mp::task]
fn take(argument: Argument) -> u8 {
    argument.0
}

#[mp::task]
fn harm_self(number: u8) {
    harm(number, true).expect("harm that is an error is this task's panic");
}

#[mp::task]
fn give(encoding: u8, decoding: u8) -> Output {
    Output(encoding, decoding)
}

fn kind<R>(outcome: mp::Result<R>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind())
}

#[mp::test]
fn fut_13_bey_15_harm_at_each_step_of_a_call_is_an_error_of_that_call() {
    use ErrorKind::{Decode, Encode, Panicked, WorkerDied};
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for (number, what) in (0..).zip(HARMS) {
            let expected = |error, panic| match what {
                Harm::None => None,
                Harm::Error => Some(error),
                Harm::Panic => Some(panic),
                Harm::Exit | Harm::Segfault => Some(WorkerDied),
            };
            let got = kind(pool.submit(take, Argument(number)).get_timeout(BOUNDED));
            assert_eq!(got, expected(Decode, Panicked), "{what:?} while an argument is decoded");
            let got = kind(pool.submit(harm_self, number).get_timeout(BOUNDED));
            assert_eq!(got, expected(Panicked, Panicked), "{what:?} in the task");
            let got = kind(pool.submit(give, (number, 0)).get_timeout(BOUNDED));
            assert_eq!(got, expected(Encode, Panicked), "{what:?} while a result is encoded");
            assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
        }
        let got = kind(pool.submit(give, (0, 1)).get_timeout(BOUNDED));
        assert_eq!(got, Some(Decode), "an error while a result is decoded");
        // That code is the caller's, and so is its panic.
        let handle = pool.submit(give, (0, 2));
        assert!(catch_unwind(AssertUnwindSafe(|| handle.get_timeout(BOUNDED))).is_err());
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
        wait_until(BOUNDED, "the last one is replaced", || pool.workers().len() == 2);
    });
}
