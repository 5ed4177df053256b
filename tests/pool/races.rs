//! Rounds of what can go wrong between threads and processes, many times over, on a free machine and on a busy one.
//! Each round is short; what a thing does in itself is shown elsewhere.

use crate::gate::Gate;
use crate::support::{repeat, with_busy_cores};
use crate::tasks::{Random, plus_100, spin_for, square_slowly, stop, worker_pid};
use crate::{BOUNDED, watched};
use mp::{ErrorKind, Pool};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

/// 200 times on the machine as it is, and some more when it has other things to do.
fn free_and_busy(mut round: impl FnMut(usize)) {
    watched(|| repeat(200, &mut round));
    watched(|| with_busy_cores(|| repeat(40, &mut round)));
}

fn pause(random: &mut Random, micros: u64) {
    spin_for(Duration::from_micros(random.below(micros)));
}

/// Counts waits that lasted so long that a wake-up was lost, and someone looked again by the clock.
#[derive(Default)]
struct Late(u32);

impl Late {
    fn watch<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let waited = wait();
        self.0 += u32::from(begun.elapsed() > Duration::from_secs(2));
        waited
    }

    /// A machine may stand still for a while, but not again and again.
    fn assert_rare(&self) {
        assert!(self.0 <= 2, "{} wake-ups were lost", self.0);
    }
}

#[mp::test]
fn pool_33_bey_13_create_submit_terminate() {
    let mut random = Random(1);
    free_and_busy(|_| {
        let pool = Pool::new(2).unwrap();
        let handles: Vec<_> = (0..50).map(|i| pool.submit(plus_100, i)).collect();
        pause(&mut random, 3000);
        pool.terminate();
        for (i, handle) in (0..).zip(&handles) {
            match handle.get() {
                Ok(value) => assert_eq!(value, i + 100),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Terminated),
            }
        }
        pool.join().unwrap();
    });
}

#[mp::test]
fn pool_33_terminate_while_threads_get_and_callbacks_run() {
    let mut random = Random(2);
    free_and_busy(|_| {
        let pool = Pool::new(2).unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for i in 0.. {
                        let runs = Arc::clone(&runs);
                        let count = move |_| _ = runs.fetch_add(1, SeqCst);
                        match pool.apply_async(plus_100, i, count).get() {
                            Ok(value) => assert_eq!(value, i + 100),
                            Err(error) => {
                                let kinds = [ErrorKind::Terminated, ErrorKind::NotRunning];
                                assert!(kinds.contains(&error.kind()), "{error}");
                                break;
                            }
                        }
                    }
                });
            }
            pause(&mut random, 4000);
            pool.terminate();
        });
        pool.join().unwrap();
    });
}

#[mp::test]
fn pool_29_close_while_threads_submit() {
    let mut random = Random(3);
    free_and_busy(|_| {
        let pool = Pool::new(1).unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let accepted: u32 = thread::scope(|scope| {
            let submit = || {
                let mut accepted = 0;
                loop {
                    let runs = Arc::clone(&runs);
                    let handle =
                        pool.apply_async(plus_100, 1, move |_| _ = runs.fetch_add(1, SeqCst));
                    match handle.get() {
                        Ok(_) => accepted += 1,
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::NotRunning);
                            break accepted;
                        }
                    }
                }
            };
            let threads = [scope.spawn(submit), scope.spawn(submit)];
            pause(&mut random, 4000);
            pool.close();
            pool.join().unwrap();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(runs.load(SeqCst), accepted);
    });
}

#[mp::test]
fn pool_10_workers_about_to_sleep_hear_of_every_call() {
    let pool = Pool::new(2).unwrap();
    let (mut random, mut late) = (Random(4), Late::default());
    free_and_busy(|_| {
        for _ in 0..20 {
            assert!(pool.apply(worker_pid, ()).is_ok());
            pause(&mut random, 200);
            let handle = pool.submit(plus_100, 1);
            assert_eq!(late.watch(|| handle.get_timeout(BOUNDED)).unwrap(), 101);
        }
        late.assert_rare();
    });
}

#[mp::test]
fn pool_10_two_calls_at_any_moment_run_at_once_on_two_workers() {
    let pool = Pool::new(2).unwrap();
    let gate = Gate::new();
    let mut random = Random(5);
    free_and_busy(|_| {
        for _ in 0..10 {
            assert!(pool.apply(worker_pid, ()).is_ok());
            pause(&mut random, 150);
            let handles = [0, 1].map(|_| pool.submit(stop, gate.name()));
            // Neither goes on before both are there.
            let guests = gate.guests(2);
            assert_ne!(guests[0].pid, guests[1].pid);
            drop(guests);
            handles.iter().for_each(|handle| assert!(handle.get().is_ok()));
        }
    });
}

#[mp::test]
fn pool_12_leaders_hand_over_at_any_moment() {
    let pool = Pool::new(2).unwrap();
    free_and_busy(|round| {
        thread::scope(|scope| {
            for thread in 0..3u64 {
                let (pool, mut random) = (&pool, Random(round as u64 * 3 + thread));
                scope.spawn(move || {
                    for i in 0..20 {
                        let handle = pool.submit(plus_100, i);
                        let timeout = Duration::from_micros(random.below(100));
                        if handle.get_timeout(timeout).is_err() {
                            assert_eq!(handle.get_timeout(BOUNDED).unwrap(), i + 100);
                        }
                    }
                });
            }
        });
    });
}

#[mp::test]
fn pool_15_results_that_nobody_waits_for_come_in() {
    let pool = Pool::new(1).unwrap();
    let (mut random, mut late) = (Random(6), Late::default());
    free_and_busy(|_| {
        let (tell, told) = std::sync::mpsc::channel();
        for i in 0..20 {
            let tell = tell.clone();
            pool.apply_async(plus_100, i, move |value| tell.send(value).unwrap());
            assert_eq!(late.watch(|| told.recv_timeout(BOUNDED)).unwrap(), i + 100);
            pause(&mut random, 100);
            // A leader comes and goes.
            assert!(pool.apply(worker_pid, ()).is_ok());
        }
        late.assert_rare();
    });
}

#[mp::test]
fn pool_15_callbacks_keep_their_order_whoever_reads_the_results() {
    let pool = Pool::new(1).unwrap();
    let mut random = Random(9);
    free_and_busy(|_| {
        let (tell, told) = std::sync::mpsc::channel();
        let handles: Vec<_> = (0..200)
            .map(|i| {
                let tell = tell.clone();
                pool.apply_async(plus_100, i, move |value| tell.send(value - 100).unwrap())
            })
            .collect();
        drop(tell);
        for handle in &handles {
            // A leader comes and goes, and the collector reads in between.
            handle.wait_timeout(Duration::from_micros(random.below(20)));
        }
        let order: Vec<i64> = told.iter().collect();
        assert!(order.is_sorted() && order.len() == 200, "{order:?}");
    });
}

#[mp::test]
fn pool_49_kills_of_a_worker_that_is_about_to_sleep() {
    let pool = Pool::new(1).unwrap();
    let mut random = Random(7);
    free_and_busy(|_| {
        let worker = pool.apply(worker_pid, ()).unwrap();
        pause(&mut random, 150);
        crate::kill(worker);
        match pool.submit(plus_100, 1).get_timeout(BOUNDED) {
            Ok(value) => assert_eq!(value, 101),
            // It had begun before the signal came through.
            Err(error) => assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}"),
        }
        assert_eq!(pool.submit(plus_100, 2).get_timeout(BOUNDED).unwrap(), 102);
    });
}

#[mp::test]
fn pool_47_a_worker_killed_while_it_rings_silences_no_other() {
    let pool = Pool::new(2).unwrap();
    let gate = Gate::new();
    let (mut random, mut late) = (Random(8), Late::default());
    free_and_busy(|_| {
        let held = pool.submit(stop, gate.name());
        let guest = gate.next();
        let victim = pool.apply(worker_pid, ()).unwrap();
        thread::scope(|scope| {
            // It leads, and each of the small results wakes it.
            let waiting = scope.spawn(|| held.get_timeout(BOUNDED));
            let small: Vec<_> = (0..30).map(|i| pool.submit(square_slowly, (i, 150))).collect();
            pause(&mut random, 3000);
            crate::kill(victim);
            let last = pool.submit(stop, gate.name());
            // By then the death is dealt with, and whoever was to be woken by the dead is.
            gate.next().release();
            let worker = guest.pid;
            guest.release();
            assert_eq!(late.watch(|| waiting.join()).unwrap().unwrap(), worker);
            assert_ne!(last.get().unwrap(), victim);
            let failed = small.iter().filter(|handle| handle.get().is_err()).count();
            assert!(failed <= 1, "{failed}");
        });
        late.assert_rare();
    });
}
