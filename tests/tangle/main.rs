//! A random tree of processes, disturbed at random: every join tells the right end, and nothing is left.
//! Each kind of end by itself is in `tests/process`.

mod dice;
#[path = "../support/mod.rs"]
mod support;
mod ward;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, panic, process, thread};

use dice::Dice;
use support::{
    Footprint, describe, members_of, scenario_main, start_method, wait_until, without_servers,
};
use ward::{Order, WRONG, Ward};

/// For how long new trees are begun.
const SECONDS: &str = "MP_TEST_TANGLE_SECONDS";
/// Where the random numbers begin; without it, somewhere else each time.
const SEED: &str = "MP_TEST_TANGLE_SEED";

/// How deep a tree is below the main program.
const DEPTH: u32 = 4;

/// What no step comes near.
const LONG: Duration = Duration::from_secs(30);

/// A process of the tree: has a tree below itself, and then ends as it was told.
#[mp::task]
fn branch(order: Order) -> u64 {
    println!("depth {}", order.depth);
    // A mistake found below must not be taken for the panic that was ordered.
    let below = panic::catch_unwind(|| tangle(&mut Dice::new(order.seed), order.depth));
    match below {
        Ok(Ok(_)) => order.obey(),
        Ok(Err(wrong)) => report(&wrong),
        Err(_) => report(&format!("a panic in {order:?}")),
    }
}

fn report(wrong: &str) -> ! {
    println!("wrong {wrong}");
    process::exit(WRONG);
}

/// Starts some processes, disturbs them, and waits for all; gives the codes with which they ended,
/// or what was wrong with one.
fn tangle(dice: &mut Dice, depth: u32) -> Result<Vec<i32>, String> {
    if depth == DEPTH {
        return Ok(Vec::new());
    }
    start_method::set();
    let before = Footprint::now();
    let mut wards = Vec::new();
    // The main program has a tree in any case; further down it thins out.
    let count = if depth == 0 { 2 + dice.roll(3) } else { dice.roll(3) };
    for _ in 0..count {
        let mut ward = Ward::start(Order::at_random(dice, depth + 1));
        if dice.roll(4) == 0 {
            ward.disturb(dice);
        }
        wards.push((ward, Dice::new(dice.next())));
    }
    let codes = if dice.roll(2) == 0 {
        wards.into_iter().map(|(ward, dice)| ward.finish(dice)).collect()
    } else {
        at_once(wards)
    };
    before.assert_restored(LONG);
    codes
}

/// Finishes each on a thread of its own.
fn at_once(wards: Vec<(Ward, Dice)>) -> Result<Vec<i32>, String> {
    thread::scope(|scope| {
        let start = |(ward, dice): (Ward, Dice)| scope.spawn(move || ward.finish(dice));
        let threads: Vec<_> = wards.into_iter().map(start).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    })
}

/// The main program: one tree after the other, with nothing left between them.
fn trees(seconds: u64, seed: u64) {
    let begun = Instant::now();
    let mut dice = Dice::new(seed);
    let mut codes = BTreeMap::new();
    let mut trees = 0;
    let own = process::id().cast_signed();
    while begun.elapsed() < Duration::from_secs(seconds) {
        match tangle(&mut dice, 0) {
            Ok(ended) => ended.into_iter().for_each(|code| *codes.entry(code).or_insert(0) += 1),
            Err(wrong) => report(&wrong),
        }
        assert_alone(own);
        trees += 1;
    }
    println!("trees {trees}");
    println!("codes {codes:?}");
}

/// Processes far down, killed by their parent's death, are gone a little later than a join here says.
fn assert_alone(own: i32) {
    let gone =
        || wait_until(LONG, "the tree is gone", || without_servers(&members_of(own)) == [own]);
    if panic::catch_unwind(gone).is_err() {
        let others = members_of(own).into_iter().filter(|pid| *pid != own);
        report(&format!("left: {:?}", others.map(describe).collect::<Vec<_>>()));
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text:?} is not a number")))
}

/// Says how to have the same random numbers again.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("with {SEED}={}", self.0);
        }
    }
}

#[mp::test]
fn tangle_of_processes_leaves_nothing() {
    let program = scenario_main!(|| {
        trees(number(SECONDS).expect("it is set"), number(SEED).expect("it is set"));
    });
    let seconds = number(SECONDS).unwrap_or(5);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let seed = Seed(number(SEED).unwrap_or(u64::from(now.subsec_nanos())));
    let finished = program
        .env(SECONDS, seconds.to_string())
        .env(SEED, seed.0.to_string())
        .env("RUST_BACKTRACE", "0")
        .limit(Duration::from_secs(seconds) + 3 * LONG)
        .run();
    let wrong = finished.values("wrong ");
    assert!(wrong.is_empty(), "{wrong:#?}");
    finished.assert_success();
    let trees: u32 = finished.value("trees ").parse().expect("a number");
    assert!(trees > 0);
    let mut depths = BTreeMap::new();
    for depth in finished.values("depth ") {
        *depths.entry(depth).or_insert(0) += 1;
    }
    let codes = finished.value("codes ");
    println!("{trees} trees, processes by depth {depths:?}, the highest ended with {codes}");
}
