//! Everything that a pool can do, at random, for a while, with workers killed at random moments: every handle has one
//! outcome, values are right, callbacks run once, and nothing is left. How long is in MP_TEST_SOAK_SECONDS, the choices in
//! MP_TEST_SOAK_SEED.

use crate::support::{self, Footprint, Scenario, scenario_main};
use crate::{Random, seed, variable};
use mp::{AsyncResult, ErrorKind, Pool};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

static OUTCOMES: AtomicU64 = AtomicU64::new(0);
static VALUES: AtomicU64 = AtomicU64::new(0);
static KILLS: AtomicU64 = AtomicU64::new(0);

#[mp::task]
fn work(x: u64, how: u64) -> u64 {
    match how {
        0 => panic!("{x} was to panic"),
        1 => thread::sleep(Duration::from_millis(x % 7)), // work: some tasks take longer
        2 => drop((0..x % 20_000).map(std::hint::black_box).sum::<u64>()),
        _ => {}
    }
    3 * x
}

#[mp::task]
fn large(x: u64) -> Vec<u8> {
    vec![x.to_le_bytes()[0]; usize::try_from(x % 200_000).unwrap_or(0)]
}

/// A handle, what its value should be, what else may become of it, and how often its callback ran.
struct Given {
    handle: AsyncResult<u64>,
    value: u64,
    why: Vec<ErrorKind>,
    called: Arc<AtomicU32>,
}

/// Counts an outcome, which is right, or a death of its worker, or as `why` allows.
fn check<R>(outcome: mp::Result<R>, why: &[ErrorKind], is_right: impl FnOnce(R) -> bool) {
    OUTCOMES.fetch_add(1, Relaxed);
    match outcome {
        Ok(value) => {
            VALUES.fetch_add(1, Relaxed);
            assert!(is_right(value), "a wrong value");
        }
        Err(error) => {
            let kind = error.kind();
            assert!(kind == ErrorKind::WorkerDied || why.contains(&kind), "{error:?}");
        }
    }
}

fn submit(pool: &Pool, random: &mut Random) -> Given {
    let (x, how) = (random.below(1 << 40), random.below(12));
    let called = Arc::new(AtomicU32::new(0));
    let own = Arc::clone(&called);
    let panics = random.below(10) == 0;
    let callback = move |_| {
        own.fetch_add(1, Relaxed);
        assert!(!panics, "a callback that was to panic");
    };
    let call = pool.call(work, (x, how)).callback(callback);
    let mut why = Vec::new();
    if how == 0 {
        why.push(ErrorKind::Panicked);
    }
    let call = match random.below(6) {
        0 => {
            why.push(ErrorKind::Timeout);
            call.timeout(Duration::from_millis(4))
        }
        1 => call.retries(2),
        _ => call,
    };
    Given { handle: call.submit(), value: 3 * x, why, called }
}

/// One thread's part of a round.
fn use_pool(pool: &Pool, mut random: Random) -> Vec<Given> {
    let mut given = Vec::new();
    for _ in 0..random.below(120) {
        match random.below(14) {
            0 => {
                let count = random.below(300);
                let items = (0..count).map(|x| (x, 9));
                let right = |values: Vec<u64>| values.iter().zip(0..).all(|(v, x)| *v == 3 * x);
                check(pool.map(work, items), &[], |values| {
                    values.len() as u64 == count && right(values)
                });
            }
            1 => {
                let most = usize::try_from(random.below(50)).unwrap_or(0);
                for (x, result) in (0..).zip(pool.imap(work, (0..).map(|x| (x, 9))).take(most)) {
                    check(result, &[], |value| value == 3 * x);
                }
            }
            2 => check(pool.apply(work, (5, 9)), &[], |value| value == 15),
            3 => {
                let x = random.below(1 << 20);
                let len = (x % 200_000) as usize;
                let is_right = |bytes: Vec<u8>| bytes == vec![x.to_le_bytes()[0]; len];
                check(pool.apply(large, x), &[], is_right);
            }
            4 | 5 if !given.is_empty() => {
                let at = usize::try_from(random.below(given.len() as u64)).unwrap_or(0);
                let Given { handle, why, .. }: &mut Given = &mut given[at];
                let cancelled =
                    if random.below(2) == 0 { handle.cancel() } else { handle.cancel_running() };
                if cancelled {
                    why.push(ErrorKind::Cancelled);
                }
            }
            6 => {
                let handles = given.iter().map(|given| &given.handle);
                let waited = mp::wait_any(handles, Some(Duration::from_millis(2)));
                assert!(waited.done.iter().all(|handle| handle.ready()));
            }
            7 => {
                let handle = pool.batch(work, (0..40).map(|x| (x, 9))).submit(drop);
                check(handle.get(), &[], |values| values.len() == 40);
            }
            8 => pool.resize(1 + usize::try_from(random.below(3)).unwrap_or(0)).expect("in range"),
            _ => given.push(submit(pool, &mut random)),
        }
    }
    given
}

fn round(random: &mut Random) {
    let builder = Pool::builder().processes(1 + usize::try_from(random.below(3)).unwrap_or(0));
    let builder = match random.below(6) {
        0 => builder.max_tasks_per_child(1 + random.below(20)),
        1 => builder.idle_timeout(Duration::from_millis(5)),
        2 => builder.on_demand(true),
        3 => builder.max_pending(40),
        _ => builder,
    };
    let pool = builder.build().expect("a pool starts");
    let over = AtomicBool::new(false);
    let given = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let users: Vec<_> = (0..1 + random.below(3))
            .map(|_| {
                let (own, given, pool) = (random.fork(), &given, &pool);
                scope.spawn(move || {
                    let own = use_pool(pool, own);
                    given.lock().unwrap().extend(own);
                })
            })
            .collect();
        let mut own = random.fork();
        let (pool, over) = (&pool, &over);
        scope.spawn(move || {
            while !over.load(Relaxed) {
                thread::sleep(Duration::from_micros(200 + own.below(20_000))); // work: until the next kill
                let workers = pool.workers();
                let at = own.below(workers.len().max(1) as u64 * 2);
                if let Some(worker) = workers.get(usize::try_from(at).unwrap_or(0)) {
                    // It may have ended by itself, and is not reaped before the pool looks.
                    let killed = support::kill(worker.pid().cast_signed(), libc::SIGKILL).is_ok();
                    KILLS.fetch_add(u64::from(killed), Relaxed);
                }
            }
        });
        let users: Vec<_> = users.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Relaxed);
        users.into_iter().for_each(|user| user.expect("a user of the pool does not panic"));
    });
    let terminated = random.below(4) == 0;
    match random.below(3) {
        _ if terminated => pool.terminate(),
        0 => {
            pool.close();
            pool.join().expect("it is closed");
        }
        _ => {}
    }
    drop(pool);
    for Given { handle, value, mut why, called } in given.into_inner().unwrap() {
        if terminated {
            why.push(ErrorKind::Terminated);
        }
        let outcome = handle.get();
        let ran = called.load(Relaxed);
        assert!(ran == u32::from(outcome.is_ok()), "called {ran} times: {outcome:?}");
        let again = handle.get();
        let texts = [&outcome, &again].map(|outcome| outcome.as_ref().map_err(ToString::to_string));
        assert_eq!(texts[0], texts[1], "one outcome, however often one asks");
        check(outcome, &why, |got| got == value);
    }
}

fn soak(seconds: u64, seed: u64) {
    let before = Footprint::now();
    let mut random = Random(seed);
    let begun = Instant::now();
    let mut rounds = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        round(&mut random);
        rounds += 1;
    }
    println!("rounds {rounds}");
    println!("outcomes {}", OUTCOMES.load(Relaxed));
    println!("values {}", VALUES.load(Relaxed));
    println!("kills {}", KILLS.load(Relaxed));
    before.assert_restored(Duration::from_secs(20));
}

fn in_scenario() {
    let told = |name| variable(name).expect("it was told");
    soak(told("SECONDS"), told("SEED"));
}

fn run(program: Scenario, seconds: u64) {
    let seed = seed();
    let program = program.env("SECONDS", seconds.to_string()).env("SEED", seed.to_string());
    // Panics that were to be are on its standard error.
    let finished = program.limit(Duration::from_secs(seconds + 60)).run();
    finished.assert_success();
    let count = |what| finished.value(what).parse::<u64>().expect("a number");
    assert!(2 * count("values ") > count("outcomes "), "most of it gives values");
    for what in ["rounds", "outcomes", "values", "kills"] {
        println!("{what} {}", finished.value(&format!("{what} ")));
    }
}

#[mp::test]
fn bey_13_a_soak_loses_nothing_and_leaves_nothing() {
    let program = scenario_main!(|| in_scenario());
    run(program, 5);
}

#[mp::test]
#[ignore = "a minute, or as many seconds as MP_TEST_SOAK_SECONDS says"]
fn bey_13_a_long_soak_loses_nothing_and_leaves_nothing() {
    let program = scenario_main!(|| in_scenario());
    run(program, variable("MP_TEST_SOAK_SECONDS").unwrap_or(60));
}
