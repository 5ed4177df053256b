//! Ten processes that share queues and locks, and are killed at random moments and replaced: none of the others hangs, no item
//! is lost but one that a dead process was getting, none comes twice, and nothing is left. How many kills is in
//! MP_TEST_SOAK_KILLS.

use crate::mingle::{LINE, Things, check, mingle};
use crate::support::commons::Commons;
use crate::support::{self, Footprint, Scenario, scenario_main, wait_until};
use crate::{Random, seed, variable};
use mp::Process;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

const PROCESSES: usize = 10;
/// Between two kills, on average.
const PAUSE: Duration = Duration::from_millis(15);

struct Living {
    process: Process<mingle>,
    journal: PathBuf,
}

/// What all journals say together.
#[derive(Default)]
struct Books {
    put: HashSet<u64>,
    begun: HashSet<u64>,
    got: HashSet<u64>,
    /// How many may have been got by one who has not said so.
    open: u64,
    gone: u64,
    actions: u64,
}

impl Books {
    fn read(&mut self, journal: &PathBuf) {
        // One that was killed early has none.
        let bytes = fs::read(journal).unwrap_or_default();
        let mut opened = false;
        for line in bytes.chunks_exact(LINE) {
            let item = u64::from_le_bytes(line[1..].try_into().expect("eight"));
            self.actions += 1;
            opened = line[0] == b'g';
            match line[0] {
                b'p' => drop(self.begun.insert(item)),
                b'P' => drop(self.put.insert(item)),
                b'G' => self.got(item),
                b'D' => self.gone += 1,
                _ => {}
            }
        }
        self.open += u64::from(opened);
        let _ = fs::remove_file(journal);
    }

    fn got(&mut self, item: u64) {
        assert!(self.got.insert(item), "item {item:x} came twice");
    }
}

fn start(things: &Things, serial: u64, random: &mut Random) -> Living {
    let journal = std::env::temp_dir().join(format!("journal-{serial}"));
    let path = journal.to_str().expect("a plain path");
    let process = mp::spawn(mingle, (things.clone(), serial, path, random.fork().0));
    Living { process: process.expect("it starts"), journal }
}

fn tangle(kills: u64, seed: u64) {
    let mut random = Random(seed);
    drop(mp::spawn(mingle, (stopped(), 0, "/dev/null", 1)).map(|process| process.join()));
    let (before, footprint) = (look(2_000), Footprint::now());
    let things = Things::new().expect("there is memory");
    let mut serials = 1..;
    let mut next = |random: &mut Random| start(&things, serials.next().expect("endless"), random);
    let mut living: Vec<Living> = (0..PROCESSES).map(|_| next(&mut random)).collect();
    let mut books = Books::default();
    for _ in 0..kills {
        let pause = u64::try_from(2 * PAUSE.as_micros()).expect("it is short");
        thread::sleep(Duration::from_micros(random.below(pause))); // work: until the next kill
        let at = usize::try_from(random.below(PROCESSES as u64)).expect("it is below");
        let dead = std::mem::replace(&mut living[at], next(&mut random));
        kill(&dead.process);
        books.read(&dead.journal);
    }
    // Each of the others goes on.
    let lengths = || -> Vec<u64> {
        living.iter().map(|one| fs::metadata(&one.journal).map_or(0, |file| file.len())).collect()
    };
    let then = lengths();
    wait_until(Duration::from_secs(30), "all go on", || {
        lengths().iter().zip(&then).all(|(now, then)| now > then)
    });
    things.stop.set();
    for Living { process, journal } in living {
        assert!(process.join_timeout(Duration::from_secs(30)).expect("it can be joined"), "a hang");
        assert_eq!(process.exit_code(), Some(0), "{process:?}");
        books.read(&journal);
    }
    finish(things, books, kills);
    footprint.assert_restored(Duration::from_secs(20));
    let after = look(30_000);
    println!("objects {}", after.objects);
    println!("memory {}", after.bytes.saturating_sub(before.bytes));
    assert_eq!(after.objects, before.objects, "{before:?} {after:?} {:#?}", Commons::left());
}

/// Things that are to be stopped at once.
fn stopped() -> Things {
    let things = Things::new().expect("there is memory");
    things.stop.set();
    things
}

fn kill(process: &Process<mingle>) {
    let pid = process.pid().expect("it has begun").cast_signed();
    support::kill(pid, libc::SIGKILL).expect("it is not reaped");
    process.join().expect("it can be joined");
    assert_eq!(process.exit_code(), Some(-9), "it has ended by itself before");
}

/// Takes what is left, and says what is missing.
fn finish(things: Things, mut books: Books, kills: u64) {
    for queue in &things.queues {
        loop {
            match queue.try_get() {
                Ok(item) => books.got(check(item)),
                Err(error) if error.kind() == mp::ErrorKind::Empty => break,
                Err(_) => books.gone += 1,
            }
        }
        assert!(queue.is_empty());
    }
    for lock in &things.locks {
        assert!(lock.acquire_timeout(Duration::from_secs(5)).expect("it is in order"));
        lock.release().expect("it is ours");
    }
    let lost = books.put.difference(&books.got).count() as u64;
    let made_up = books.got.difference(&books.begun).count();
    println!("kills {kills}");
    println!("actions {}", books.actions);
    println!("items {}", books.put.len());
    println!("lost {lost}");
    println!("unsure {}", books.open);
    println!("gone {}", books.gone);
    assert_eq!(made_up, 0, "items that nobody has put");
    // An item that a dead one was getting; or one that was put by one who died before its handle was the message's.
    assert!(lost <= books.open + books.gone, "{lost} items are lost by {} gets", books.open);
    assert!(books.gone <= kills, "{} handles are lost", books.gone);
}

/// What is left when this process has looked for what the dead have held.
fn look(objects: usize) -> Commons {
    drop((0..objects).map(|_| mp::Lock::new().expect("there is memory")).collect::<Vec<_>>());
    Commons::now()
}

fn in_scenario() {
    let told = |name| variable(name).expect("it was told");
    tangle(told("KILLS"), told("SEED"));
}

fn run(program: Scenario, kills: u64) {
    let program = program.env("KILLS", kills.to_string()).env("SEED", seed().to_string());
    let begun = Instant::now();
    let limit = PAUSE * u32::try_from(8 * kills).expect("not so many") + Duration::from_secs(90);
    let finished = program.limit(limit).run();
    finished.assert_success();
    for what in ["kills", "actions", "items", "lost", "unsure", "gone", "objects", "memory"] {
        println!("{what} {}", finished.value(&format!("{what} ")));
    }
    println!("seconds {}", begun.elapsed().as_secs());
}

#[mp::test]
fn bey_03_bey_04_a_tangle_of_queues_and_locks_outlives_its_dead() {
    let program = scenario_main!(|| in_scenario());
    run(program, 60);
}

#[mp::test]
#[ignore = "a thousand kills, or as many as MP_TEST_SOAK_KILLS says"]
fn bey_03_bey_04_a_large_tangle_of_queues_and_locks_outlives_its_dead() {
    let program = scenario_main!(|| in_scenario());
    run(program, variable("MP_TEST_SOAK_KILLS").unwrap_or(1_000));
}
