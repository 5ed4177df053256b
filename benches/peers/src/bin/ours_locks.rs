//! mp: Lock and Event.

use mp::{Event, Lock, Semaphore};
use peers::objects::{contention, delay, nanoseconds, pairs, rounds, setter, waiter};
use peers::{Asked, tell};
use std::hint::black_box;

fn pair(lock: &Lock) {
    drop(black_box(lock.lock().expect("it is whole")));
}

#[mp::task]
fn contender(lock: Lock, [ready, go]: [Semaphore; 2], nanoseconds: u64) -> u64 {
    ready.release().expect("it is whole");
    go.acquire().expect("it is whole");
    pairs(nanoseconds, || pair(&lock))
}

#[mp::task]
fn woken(there: Event, back: Event, rounds: u64) -> Vec<u64> {
    let wait = || {
        there.wait();
        there.clear();
    };
    waiter(rounds, wait, || back.set())
}

fn measure(asked: &Asked) -> mp::Result<Option<f64>> {
    let lock = Lock::new()?;
    Ok(Some(match asked.metric.as_str() {
        "lock" => nanoseconds(asked.count(5_000_000), || pair(&lock)),
        "contended" => {
            let time = contention(asked);
            let all @ [ready, go] = &[Semaphore::new(0)?, Semaphore::new(0)?];
            let start = |_| mp::spawn(contender, (lock.clone(), all.clone(), time));
            let others = (0..2).map(start).collect::<mp::Result<Vec<_>>>()?;
            (0..2).try_for_each(|_| ready.acquire())?;
            (0..2).try_for_each(|_| go.release())?;
            let counts = others.iter().map(|other| other.result()).collect::<mp::Result<Vec<_>>>()?;
            counts.iter().sum::<u64>() as f64 / time as f64 * 1e3
        }
        _ => {
            let Some(rounds) = rounds(asked) else { return Ok(None) };
            let (there, back) = (Event::new()?, Event::new()?);
            let other = mp::spawn(woken, (there.clone(), back.clone(), rounds.0))?;
            let answered = || {
                back.wait();
                back.clear();
            };
            let set = setter(rounds, || there.set(), answered);
            delay(&set, &other.result()?)
        }
    }))
}

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    tell(measure(&Asked::read())?);
    Ok(())
}
