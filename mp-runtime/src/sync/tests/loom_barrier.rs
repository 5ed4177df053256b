//! The barrier under loom.

use super::model::{Model, explore};
use super::words::BarrierWords;
use crate::sync::me::Me;
use crate::sync::rounds::{Arrival, Broken};
use crate::sync::word::Patience;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::time::Duration;

struct Barrier {
    words: BarrierWords<Model>,
    /// The number of a process that is dead.
    dead: AtomicU32,
    arrived: AtomicU32,
}

impl Barrier {
    fn new(parties: usize) -> Arc<Self> {
        let (dead, arrived) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Self { words: BarrierWords::new(parties), dead, arrived })
    }

    fn as_process<R>(&self, number: u32, f: impl FnOnce(&Me<'_>) -> R) -> R {
        let is_alive = |other| other != self.dead.load(Ordering::SeqCst);
        f(&Me::new(number, 1, &is_alive))
    }

    fn wait(&self, number: u32, mut patience: Patience) -> Result<u32, Broken> {
        self.as_process(number, |me| {
            self.words.with(|rounds| match rounds.arrive(me, &mut patience)? {
                Arrival::Early(party) => {
                    rounds.wait(&party, me, &mut patience).map(|()| party.index())
                }
                Arrival::Last(party) => rounds.finish(&party, me).map(|()| party.index()),
            })
        })
    }
}

fn spawn<R: 'static>(
    barrier: &Arc<Barrier>,
    f: impl FnOnce(&Barrier) -> R + 'static,
) -> thread::JoinHandle<R> {
    let barrier = barrier.clone();
    thread::spawn(move || f(&barrier))
}

fn hasty() -> Patience {
    Patience::of(Duration::from_secs(1))
}

#[test]
fn loom_barrier_nobody_passes_before_the_last() {
    explore(2, || {
        let barrier = Barrier::new(2);
        let party = |number: u32| {
            move |barrier: &Barrier| {
                for round in 1..=2 {
                    barrier.arrived.fetch_add(1, Ordering::Relaxed);
                    let index = barrier.wait(number, Patience::endless()).unwrap();
                    assert!(index < 2);
                    // The order is the barrier's: the count itself gives none.
                    assert!(barrier.arrived.load(Ordering::Relaxed) >= 2 * round);
                }
            }
        };
        let other = spawn(&barrier, party(2));
        party(1)(&barrier);
        other.join().unwrap();
        assert_eq!(barrier.words.with(|rounds| rounds.waiting()), 0);
    });
}

#[test]
fn loom_barrier_a_deadline_breaks_it_for_all_or_none() {
    explore(2, || {
        let barrier = Barrier::new(2);
        let other = spawn(&barrier, |barrier| barrier.wait(2, hasty()));
        barrier.words.turn.expire();
        let mine = barrier.wait(1, Patience::endless());
        let others = other.join().unwrap();
        assert_eq!(mine.is_ok(), others.is_ok());
        assert_eq!(mine.is_err(), barrier.words.with(|rounds| rounds.is_broken()));
    });
}

#[test]
fn loom_barrier_a_dead_party_breaks_it() {
    explore(3, || {
        let barrier = Barrier::new(3);
        let dying = spawn(&barrier, |barrier| {
            let arrival = barrier.as_process(1, |me| {
                barrier.words.with(|rounds| rounds.arrive(me, &mut Patience::endless()).map(drop))
            });
            arrival.unwrap();
            barrier.dead.store(1, Ordering::SeqCst);
            barrier.words.turn.tick(1);
        });
        let other = barrier.wait(2, Patience::endless());
        dying.join().unwrap();
        assert_eq!(other, Err(Broken));
    });
}

#[test]
fn loom_barrier_reset_lets_go_who_waited() {
    explore(3, || {
        let barrier = Barrier::new(2);
        let other = spawn(&barrier, |barrier| barrier.wait(2, hasty()));
        barrier.as_process(1, |me| barrier.words.with(|rounds| rounds.reset(me)));
        barrier.words.turn.expire();
        assert_eq!(other.join().unwrap(), Err(Broken));
    });
}
