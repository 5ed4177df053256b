//! `Barrier`: nobody before the last, and what breaks it.

use crate::support::{repeat, wait_until};
use crate::tally::Tally;
use crate::{BOUNDED, SHORT, assert_ran_out, kill, timed, watched};
use mp::{Barrier, ErrorKind, Lock};
use std::thread;
use std::time::Duration;

fn is_broken<T>(outcome: mp::Result<T>) -> bool {
    outcome.is_err_and(|error| error.kind() == ErrorKind::Broken)
}

#[mp::task]
fn step(barrier: Barrier, lock: Lock, tally: Tally, rounds: u64) -> Vec<u32> {
    let parties = u64::from(barrier.parties());
    let mut places = Vec::new();
    for round in 1..=rounds {
        {
            let _guard = lock.lock().unwrap();
            tally.add(0);
        }
        places.push(barrier.wait().unwrap());
        let arrived = tally.get(0);
        assert!((parties * round..=parties * (round + 1)).contains(&arrived), "{arrived}");
    }
    places
}

fn keep_step(parties: u32, rounds: u64) -> Vec<Vec<u32>> {
    let barrier = Barrier::new(parties).unwrap();
    let (lock, tally) = (Lock::new().unwrap(), Tally::new());
    let start = || (barrier.clone(), lock.clone(), tally.clone(), rounds);
    let others: Vec<_> = (1..parties).map(|_| mp::spawn(step, start()).unwrap()).collect();
    let mine = step(barrier.clone(), lock.clone(), tally.clone(), rounds);
    let others = others.into_iter().map(|other| other.result().unwrap());
    let places = others.chain([mine]).collect();
    assert_eq!((barrier.n_waiting(), barrier.broken()), (0, false));
    assert_eq!(tally.get(0), u64::from(parties) * rounds);
    places
}

#[mp::test]
fn sync_22_nobody_passes_before_the_fifth() {
    watched(|| {
        keep_step(5, 10);
    });
}

#[mp::test]
fn sync_22_a_thousand_rounds_in_step() {
    watched(|| {
        keep_step(2, 1_000);
    });
}

#[mp::test]
fn sync_22_waiting_ones_are_counted() {
    watched(|| {
        let barrier = Barrier::new(3).unwrap();
        assert_eq!((barrier.parties(), barrier.n_waiting()), (3, 0));
        thread::scope(|scope| {
            for waiting in 1..=2 {
                scope.spawn(|| barrier.wait().unwrap());
                wait_until(BOUNDED, "it waits", || barrier.n_waiting() == waiting);
            }
            assert_eq!(
                format!("{barrier:?}"),
                "Barrier { parties: 3, n_waiting: 2, broken: false, .. }"
            );
            assert_eq!(barrier.wait().unwrap(), 2);
        });
        assert_eq!(barrier.n_waiting(), 0);
    });
}

#[mp::test]
fn sync_23_each_gets_a_different_number() {
    watched(|| {
        let places = keep_step(5, 5);
        for round in 0..5 {
            let mut numbers: Vec<u32> = places.iter().map(|party| party[round]).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, [0, 1, 2, 3, 4]);
        }
    });
}

/// Where the action counts; it has no arguments, so it is found by its name.
fn noted() -> std::path::PathBuf {
    std::env::temp_dir().join("mp-barrier-action")
}

#[mp::task]
fn note() {
    use std::io::Write;
    let mut file = std::fs::File::options().append(true).create(true).open(noted()).unwrap();
    writeln!(file, "{}", std::process::id()).unwrap();
}

#[mp::task]
fn pass_and_count(barrier: Barrier) -> Vec<usize> {
    let count = || {
        barrier.wait().unwrap();
        std::fs::read_to_string(noted()).unwrap().lines().count()
    };
    (0..3).map(|_| count()).collect()
}

#[mp::test]
fn sync_24_the_action_runs_once_a_round_before_anyone_is_let_go() {
    let program = crate::support::scenario!(|| {
        let barrier = Barrier::new(3).unwrap().with_action(note);
        let others = [(); 2].map(|()| mp::spawn(pass_and_count, barrier.clone()).unwrap());
        let mine = pass_and_count(barrier);
        let counts = others.map(|other| other.result().unwrap());
        for counts in counts.iter().chain([&mine]) {
            // The next round's may have run, if this one was slow to look.
            for (round, count) in (1..).zip(counts) {
                assert!((round..=round + 1).contains(count), "{counts:?}");
            }
            assert_eq!(counts[2], 3);
        }
        std::fs::remove_file(noted()).unwrap();
    });
    program.run().assert_success();
}

#[mp::task]
fn fail() -> Result<(), String> {
    Err("no".to_owned())
}

#[mp::task]
fn explode() {
    panic!("as planned");
}

#[mp::test]
fn sync_24_a_failing_action_breaks_it() {
    watched(|| {
        let plain = Barrier::new(2).unwrap();
        let failing = [plain.clone().with_action(fail), plain.with_action(explode)];
        for (barrier, text) in failing.into_iter().zip(["returned an error", "as planned"]) {
            barrier.reset().unwrap();
            let errors = thread::scope(|scope| {
                let other = scope.spawn(|| barrier.wait().unwrap_err());
                [barrier.wait().unwrap_err(), other.join().unwrap()]
            });
            assert!(errors.iter().all(|error| error.kind() == ErrorKind::Broken));
            assert!(errors.iter().any(|error| error.to_string().contains(text)), "{errors:?}");
            assert!(barrier.broken());
        }
    });
}

#[mp::task]
fn wait(barrier: Barrier) -> bool {
    is_broken(barrier.wait())
}

#[mp::test]
fn sync_25_abort_breaks_it_for_who_waits_and_who_comes() {
    watched(|| {
        let barrier = Barrier::new(3).unwrap();
        let others = [(); 2].map(|()| mp::spawn(wait, barrier.clone()).unwrap());
        wait_until(BOUNDED, "both wait", || barrier.n_waiting() == 2);
        barrier.abort().unwrap();
        assert!(others.into_iter().all(|other| other.result().unwrap()));
        assert!(barrier.broken() && is_broken(barrier.wait()));
        assert_eq!(barrier.n_waiting(), 0);
        barrier.reset().unwrap();
        assert!(!barrier.broken());
        let others = [(); 2].map(|()| mp::spawn(wait, barrier.clone()).unwrap());
        assert!(!is_broken(barrier.wait()));
        assert!(others.into_iter().all(|other| !other.result().unwrap()));
    });
}

#[mp::test]
fn sync_26_reset_breaks_for_who_waits_and_works_again() {
    watched(|| {
        let barrier = Barrier::new(5).unwrap();
        let others = [(); 4].map(|()| mp::spawn(wait, barrier.clone()).unwrap());
        wait_until(BOUNDED, "four wait", || barrier.n_waiting() == 4);
        barrier.reset().unwrap();
        assert!(!barrier.broken());
        assert!(others.into_iter().all(|other| other.result().unwrap()));
        let others = [(); 4].map(|()| mp::spawn(wait, barrier.clone()).unwrap());
        assert!(barrier.wait().is_ok());
        assert!(others.into_iter().all(|other| !other.result().unwrap()));
    });
}

#[mp::test]
fn sync_27_a_timeout_in_one_party_breaks_it_for_all() {
    watched(|| {
        let barrier = Barrier::new(3).unwrap();
        let other = mp::spawn(wait, barrier.clone()).unwrap();
        wait_until(BOUNDED, "it waits", || barrier.n_waiting() == 1);
        let (outcome, took) = timed(|| barrier.wait_timeout(SHORT));
        assert!(is_broken(outcome));
        assert_ran_out(took, SHORT);
        assert!(other.result().unwrap());
        assert!(barrier.broken());
    });
}

#[mp::test]
fn sync_27_a_default_timeout_travels_with_the_handle() {
    watched(|| {
        let barrier = Barrier::new(2).unwrap().with_timeout(SHORT);
        let (broken, took) = timed(|| mp::spawn(wait, barrier.clone()).unwrap().result().unwrap());
        assert!(broken);
        assert_ran_out(took, SHORT);
        assert!(is_broken(barrier.wait()));
    });
}

#[mp::test]
fn sync_28_one_party_never_blocks_and_none_is_refused() {
    watched(|| {
        let barrier = Barrier::new(1).unwrap();
        for _ in 0..3 {
            assert_eq!(barrier.wait().unwrap(), 0);
        }
        assert_eq!(Barrier::new(0).unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::test]
fn sync_33_a_killed_party_breaks_it() {
    watched(|| {
        let barrier = Barrier::new(3).unwrap();
        let killed = mp::spawn(wait, barrier.clone()).unwrap();
        let other = mp::spawn(wait, barrier.clone()).unwrap();
        wait_until(BOUNDED, "both wait", || barrier.n_waiting() == 2);
        kill(&killed);
        // Without a timeout of its own: it looks.
        assert!(other.join_timeout(BOUNDED).unwrap() && other.result().unwrap());
        assert!(barrier.broken());
    });
}

#[mp::test]
fn sync_33_the_last_to_arrive_does_not_pass_with_the_dead() {
    watched(|| {
        let barrier = Barrier::new(2).unwrap();
        let killed = mp::spawn(wait, barrier.clone()).unwrap();
        wait_until(BOUNDED, "it waits", || barrier.n_waiting() == 1);
        kill(&killed);
        assert!(is_broken(barrier.wait()));
    });
}

#[mp::test]
fn sync_33_bey_05_with_a_timeout_parties_get_broken() {
    watched(|| {
        let barrier = Barrier::new(3).unwrap();
        let killed = mp::spawn(wait, barrier.clone()).unwrap();
        wait_until(BOUNDED, "it waits", || barrier.n_waiting() == 1);
        kill(&killed);
        assert!(is_broken(barrier.wait_timeout(Duration::from_millis(10))));
    });
}

#[mp::task]
fn pass_for_ever(barrier: Barrier) {
    while barrier.wait().is_ok() {}
}

#[mp::test]
fn sync_33_race_parties_killed_anywhere() {
    watched(|| {
        repeat(20, |round| {
            let barrier = Barrier::new(2).unwrap();
            let other = mp::spawn(pass_for_ever, barrier.clone()).unwrap();
            for _ in 0..round {
                barrier.wait().unwrap();
            }
            kill(&other);
            // At most the round that it was in is whole.
            let outcomes = [barrier.wait_timeout(SHORT), barrier.wait_timeout(SHORT)];
            assert!(outcomes.into_iter().any(is_broken));
        });
    });
}
