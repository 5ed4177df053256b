//! Handles as futures, polled by hand: who is woken, from where, and what a waker may do.

use crate::gate::{Gate, stop_at};
use crate::support::{repeat, with_busy_cores};
use crate::watched;
use mp::{AsyncResult, Pool};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

#[mp::task]
fn next(x: u32) -> u32 {
    x + 1
}

#[mp::task]
fn stop(gate: &str) -> u32 {
    stop_at(gate);
    7
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Does something when it is woken.
struct Then<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Then<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn then(what: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Then(what)))
}

fn poll(handle: &mut AsyncResult<u32>, waker: &Waker) -> Poll<mp::Result<u32>> {
    pin!(handle).poll(&mut Context::from_waker(waker))
}

#[mp::test]
fn fut_01_a_hand_written_executor_is_woken() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let round = |_| {
            let sum = async {
                let (one, two) = (pool.submit(next, 1), pool.submit(next, 2));
                one.await.unwrap() + two.await.unwrap()
            };
            assert_eq!(block_on(sum), 5);
            // One that others wait for, too, by their own means.
            let handle = pool.apply_async(next, 3, drop);
            thread::scope(|scope| {
                scope.spawn(|| assert_eq!(handle.get().unwrap(), 4));
                scope.spawn(|| assert_eq!(mp::wait_any([&handle], None).done.len(), 1));
            });
            assert_eq!(block_on(handle).unwrap(), 4);
        };
        repeat(200, round);
        with_busy_cores(|| repeat(20, round));
    });
}

#[mp::test]
fn fut_01_a_waker_that_panics_costs_nothing() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        for others_lead in [false, true] {
            let mut handle = pool.submit(stop, gate.name());
            let waker = then(|| panic!("a waker"));
            assert!(poll(&mut handle, &waker).is_pending());
            gate.next().release();
            if others_lead {
                pool.apply(next, 1).unwrap();
            }
            assert_eq!(block_on(&mut handle).unwrap(), 7);
        }
        assert_eq!(pool.map(next, 0..3).unwrap(), [1, 2, 3]);
    });
}

#[mp::test]
fn fut_01_a_waker_may_use_pools_and_wait() {
    watched(|| {
        let pools = Arc::new([Pool::new(2).unwrap(), Pool::new(1).unwrap()]);
        let gate = Gate::new();
        for which in [1, 0] {
            // Woken by a thread of the pool, and by one that waits for something else.
            for others_lead in [false, true] {
                let (tell, told): (Sender<_>, _) = channel();
                let theirs = Arc::clone(&pools);
                let waker = then(move || {
                    tell.send(theirs[which].apply(next, 1).unwrap()).unwrap();
                });
                let mut handle = pools[0].submit(stop, gate.name());
                assert!(poll(&mut handle, &waker).is_pending());
                let guest = gate.next();
                thread::scope(|scope| {
                    let leader = Gate::new();
                    if others_lead {
                        let name = leader.name().to_owned();
                        scope.spawn(|| pools[0].apply(stop, &{ name }).unwrap());
                        let second = leader.next();
                        guest.release();
                        assert_eq!(told.recv().unwrap(), 2);
                        second.release();
                    } else {
                        guest.release();
                        assert_eq!(told.recv().unwrap(), 2);
                    }
                });
                assert_eq!(handle.get().unwrap(), 7);
            }
        }
        for pool in &*pools {
            assert_eq!(pool.map(next, 0..3).unwrap(), [1, 2, 3]);
        }
    });
}

#[mp::test]
fn fut_01_only_the_last_waker_of_a_future_is_woken_and_kept() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let mut handle = pool.submit(stop, gate.name());
        let woken = Arc::new(AtomicUsize::new(0));
        for _ in 0..1000 {
            let woken = Arc::clone(&woken);
            let waker = then(move || {
                woken.fetch_add(1, Ordering::SeqCst);
            });
            assert!(poll(&mut handle, &waker).is_pending());
        }
        assert_eq!(Arc::strong_count(&woken), 2, "one waker is kept");
        gate.next().release();
        handle.wait();
        assert_eq!(block_on(handle).unwrap(), 7);
        assert!(woken.load(Ordering::SeqCst) <= 1);
    });
}
