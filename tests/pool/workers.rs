//! What workers are like: set up, replaced after so much work, bound and limited, started when they are needed.

use crate::gate::Gate;
use crate::support::{process_exists, wait_until};
use crate::tasks::{plus_100, stop};
use crate::{BOUNDED, watched};
use mp::{ErrorKind, Pool, PoolBuilder};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

static LOADED: AtomicU64 = AtomicU64::new(0);

struct Numbers(Vec<u64>);

fn append(file: &str, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[mp::task]
fn load(value: u64, file: &str) {
    LOADED.fetch_add(value, Relaxed);
    mp::set_worker_state(Numbers(vec![value]));
    append(file, "i");
}

#[mp::task]
fn unload(file: &str) {
    append(file, "f");
}

#[mp::task]
fn state_after(more: u64) -> (u32, u64, Vec<u64>) {
    let numbers = mp::with_worker_state(|numbers: &mut Numbers| {
        numbers.0.push(more);
        numbers.0.clone()
    });
    (process::id(), LOADED.load(Relaxed), numbers.unwrap())
}

#[mp::task]
fn who() -> u32 {
    process::id()
}

#[mp::task]
fn panic_at_once(text: &str) {
    panic!("{text}");
}

#[mp::task]
fn park() {
    loop {
        std::thread::park();
    }
}

#[mp::task]
fn exit(code: i32) {
    process::exit(code);
}

fn builder(workers: usize) -> PoolBuilder {
    Pool::builder().processes(workers)
}

#[mp::test]
fn pool_38_pool_40_the_initializer_runs_once_in_each_worker_before_its_first_task() {
    watched(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let name = file.path().to_str().unwrap();
        let pool = builder(2).initializer(load, (7, name)).finalizer(unload, name).build().unwrap();
        let mut seen: HashMap<u32, usize> = HashMap::new();
        for _ in 0..40 {
            let (pid, loaded, numbers) = pool.apply(state_after, 1).unwrap();
            assert_eq!(loaded, 7);
            let count = seen.entry(pid).or_default();
            *count += 1;
            assert_eq!((numbers[0], numbers.len()), (7, *count + 1));
        }
        let killed = pool.apply(exit, 3).unwrap_err();
        assert_eq!(killed.worker().unwrap().exit_code(), 3);
        let begun = fs::read_to_string(name).unwrap();
        assert_eq!(begun.matches('f').count(), 0, "{begun}");
        // The replacement runs it, too.
        wait_until(BOUNDED, "three initializers have run", || {
            fs::read_to_string(name).unwrap().matches('i').count() == 3
        });
        pool.close();
        pool.join().unwrap();
        let text = fs::read_to_string(name).unwrap();
        assert_eq!((text.matches('i').count(), text.matches('f').count()), (3, 2), "{text}");
    });
}

#[mp::test]
fn pool_39_bey_18_a_panicking_initializer_breaks_the_pool_with_its_message() {
    watched(|| {
        let pool = builder(2).initializer(panic_at_once, "no licence").build().unwrap();
        let error = pool.apply(plus_100, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Broken);
        assert!(error.to_string().contains("no licence"), "{error}");
        assert_eq!(pool.apply(plus_100, 1).unwrap_err().kind(), ErrorKind::Broken);
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::test]
fn fut_26_an_initializer_and_a_finalizer_may_not_take_too_long() {
    watched(|| {
        let limit = Duration::from_millis(200);
        let slow = builder(1).initializer(park, ()).initializer_timeout(limit).build().unwrap();
        let error = slow.apply(plus_100, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Broken);
        assert!(error.to_string().contains("initializer of PoolWorker"), "{error}");
        let slow = builder(2).finalizer(park, ()).finalizer_timeout(limit).build().unwrap();
        assert_eq!(slow.apply(plus_100, 1).unwrap(), 101);
        slow.close();
        let error = slow.join().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("finalizer of PoolWorker"), "{error}");
        slow.join().unwrap();
        let failing = builder(1).finalizer(panic_at_once, "cannot save").build().unwrap();
        failing.close();
        let error = failing.join().unwrap_err();
        assert_eq!(error.panic().unwrap().message(), "cannot save");
    });
}

#[mp::test]
fn pool_41_pool_42_fut_16_workers_are_replaced_after_so_many_tasks() {
    watched(|| {
        for (workers, most, tasks) in [(3, 10, 100), (1, 2, 6), (2, 2, 8), (1, 1, 6), (2, 3, 50)] {
            let pool = builder(workers).max_tasks_per_child(most).build().unwrap();
            let handles: Vec<_> = (0..tasks).map(|_| pool.submit(who, ())).collect();
            let mut counts: HashMap<u32, u64> = HashMap::new();
            for handle in &handles {
                *counts.entry(handle.get().unwrap()).or_default() += 1;
                assert!(pool.workers().len() <= workers);
            }
            assert!(counts.values().all(|count| *count <= most), "{counts:?}");
            assert!(counts.len() as u64 >= tasks / most);
            pool.close();
            pool.join().unwrap();
        }
        let pool = builder(1).max_tasks_per_child(3).build().unwrap();
        let pids: Vec<_> = (0..4).map(|_| pool.apply(who, ()).unwrap()).collect();
        assert!(pids[0] == pids[1] && pids[1] == pids[2] && pids[2] != pids[3]);
    });
}

#[mp::test]
fn bey_16_replacing_workers_loses_nothing_however_the_pool_ends() {
    watched(|| {
        for workers in 1..=3 {
            for most in 1..=4 {
                for end in ["close", "drop", "terminate"] {
                    let pool = builder(workers).max_tasks_per_child(most).build().unwrap();
                    let handles: Vec<_> = (0..50).map(|i| pool.submit(plus_100, i)).collect();
                    match end {
                        "close" => pool.close(),
                        "drop" => drop(pool),
                        _ => pool.terminate(),
                    }
                    for (i, handle) in (0..).zip(&handles) {
                        match handle.get() {
                            Ok(value) => assert_eq!(value, i + 100),
                            Err(error) => {
                                assert_eq!(end, "terminate");
                                assert_eq!(error.kind(), ErrorKind::Terminated);
                            }
                        }
                    }
                }
            }
        }
    });
}

#[mp::test]
fn pool_03_values_out_of_range_are_refused() {
    watched(|| {
        let zero = Duration::ZERO;
        for builder in [
            builder(1).max_tasks_per_child(0),
            builder(1).max_memory_growth(0),
            builder(1).memory_limit(0),
            builder(1).idle_timeout(zero),
            builder(1).initializer_timeout(zero),
            builder(1).finalizer_timeout(zero),
            builder(1).nice(20),
            builder(1).nice(-21),
            builder(1).env("a=b", "c"),
        ] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
        let pool = Pool::new(1).unwrap();
        assert_eq!(pool.resize(0).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(pool.resize(2000).unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::task]
fn take(mebibytes: usize) -> usize {
    let bytes = vec![1_u8; mebibytes << 20];
    bytes.iter().map(|byte| usize::from(*byte)).sum()
}

static KEPT: std::sync::Mutex<Vec<Vec<u8>>> = std::sync::Mutex::new(Vec::new());

#[mp::task]
fn leak(mebibytes: usize) -> u32 {
    KEPT.lock().unwrap().push(vec![1; mebibytes << 20]);
    process::id()
}

#[mp::test]
fn bey_50_memory_is_limited_and_growth_ends_a_worker_after_its_task() {
    watched(|| {
        let pool = builder(1).memory_limit(200 << 20).build().unwrap();
        assert_eq!(pool.apply(take, 20).unwrap(), 20 << 20);
        let error = pool.apply(take, 400).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
        assert_eq!(pool.apply(take, 20).unwrap(), 20 << 20);
        let pool = builder(1).max_memory_growth(50 << 20).build().unwrap();
        let pids: Vec<_> = (0..6).map(|_| pool.apply(leak, 20).unwrap()).collect();
        // 20 and 40 MiB are within it, 60 are not.
        assert!(pids[0] == pids[1] && pids[1] == pids[2] && pids[2] != pids[3], "{pids:?}");
        assert!(pids[3] == pids[4] && pids[4] == pids[5], "{pids:?}");
    });
}

#[mp::test]
fn fut_27_idle_workers_end_and_come_back() {
    watched(|| {
        let pool = builder(2).idle_timeout(Duration::from_millis(50)).build().unwrap();
        for round in 0..3 {
            assert_eq!(pool.apply(plus_100, round).unwrap(), round + 100);
            wait_until(BOUNDED, "no worker is left", || pool.workers().is_empty());
        }
        // Submitting at about the time at which they end never fails.
        for round in 0..40 {
            std::thread::sleep(Duration::from_millis(30 + round)); // work: idle for about that long
            assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
        }
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::test]
fn fut_15_workers_are_started_on_demand() {
    watched(|| {
        let pool = builder(4).on_demand(true).build().unwrap();
        assert!(pool.workers().is_empty());
        let pids: HashSet<_> = (0..3).map(|_| pool.apply(who, ()).unwrap()).collect();
        assert_eq!(pids.len(), 1);
        let gate = Gate::new();
        let handles: Vec<_> = (0..60).map(|_| pool.submit(stop, gate.name())).collect();
        let guests = gate.guests(4);
        // A worker may run a task before it is on the list.
        wait_until(BOUNDED, "all are listed", || pool.workers().len() == 4);
        drop((guests, gate));
        handles.iter().for_each(|handle| assert!(handle.get().is_ok()));
        pool.close();
        pool.join().unwrap();
        let unused = builder(4).on_demand(true).build().unwrap();
        unused.close();
        unused.join().unwrap();
    });
}

#[mp::task]
fn about_itself() -> (String, Option<String>, i32, usize) {
    #[expect(unsafe_code, reason = "asks for this process's nice value")]
    // SAFETY: the call takes integers.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    let name = mp::current_process().name().to_owned();
    let cpus = fs::read_to_string("/proc/self/status").unwrap();
    let cpus = cpus.lines().find(|line| line.starts_with("Cpus_allowed_list:")).unwrap();
    let cpus = cpus.split_once('\t').unwrap().1.split([',', '-']).count();
    (name, std::env::var("MP_TEST_OF_WORKERS").ok(), nice, cpus)
}

#[mp::test]
fn bey_50_workers_have_names_variables_nice_values_and_cpus_of_their_own() {
    watched(|| {
        let pool = builder(2)
            .worker_name("renderer")
            .env("MP_TEST_OF_WORKERS", "yes")
            .nice(5)
            .cpu_affinity(true)
            .build()
            .unwrap();
        for _ in 0..4 {
            let (name, variable, nice, cpus) = pool.apply(about_itself, ()).unwrap();
            assert!(name.starts_with("renderer-"), "{name}");
            assert_eq!((variable.as_deref(), nice, cpus), (Some("yes"), 5, 1));
        }
        assert!(std::env::var("MP_TEST_OF_WORKERS").is_err());
    });
}

#[mp::test]
fn bey_50_workers_can_be_looked_at() {
    watched(|| {
        let pool = builder(2).build().unwrap();
        let gate = Gate::new();
        (0..10).for_each(|i| assert_eq!(pool.apply(plus_100, i).unwrap(), i + 100));
        let held = pool.submit(stop, gate.name());
        let guest = gate.next();
        // The other one may have given its last result, and not be back from that.
        wait_until(BOUNDED, "one is busy", || {
            pool.workers().iter().filter(|worker| worker.busy_for().is_some()).count() == 1
        });
        let workers = pool.workers();
        assert_eq!(workers.len(), 2);
        assert_eq!(workers.iter().map(mp::WorkerInfo::tasks_done).sum::<u64>(), 10);
        for worker in &workers {
            let busy = worker.pid() == guest.pid;
            assert_eq!(worker.busy_for().is_some(), busy);
            assert!(worker.name().starts_with("PoolWorker-"));
            assert!(worker.memory().is_some_and(|bytes| (1..1 << 30).contains(&bytes)));
        }
        guest.release();
        held.get().unwrap();
    });
}

#[mp::test]
fn bey_50_a_pool_is_resized_while_it_runs() {
    watched(|| {
        let pool = builder(1).build().unwrap();
        let gate = Gate::new();
        let first = pool.submit(stop, gate.name());
        let guest = gate.next();
        pool.resize(4).unwrap();
        let more: Vec<_> = (0..3).map(|_| pool.submit(stop, gate.name())).collect();
        let guests = gate.guests(3);
        wait_until(BOUNDED, "all are listed", || pool.workers().len() == 4);
        pool.resize(1).unwrap();
        let pids: Vec<_> = guests.iter().map(|guest| guest.pid.cast_signed()).collect();
        drop(guests);
        more.iter().for_each(|handle| assert!(handle.get().is_ok()));
        wait_until(BOUNDED, "three workers have ended", || pool.workers().len() == 1);
        assert!(!pids.iter().all(|pid| process_exists(*pid)));
        guest.release();
        first.get().unwrap();
        assert_eq!(pool.map(plus_100, 0..100).unwrap(), (100..200).collect::<Vec<_>>());
    });
}

#[mp::task]
fn sum_of_shared() -> (usize, u64) {
    let (name, bytes): &(&str, &[u8]) = mp::shared().unwrap();
    assert!(std::ptr::eq(*bytes, mp::shared::<(&str, &[u8])>().unwrap().1));
    assert_eq!(mp::shared::<u64>().unwrap_err().kind(), ErrorKind::Decode);
    (name.len(), bytes.iter().map(|byte| u64::from(*byte)).sum())
}

#[mp::task]
fn no_shared() -> ErrorKindName {
    ErrorKindName(format!("{:?}", mp::shared::<u64>().unwrap_err().kind()))
}

#[derive(serde::Serialize, serde::Deserialize)]
struct ErrorKindName(String);

#[mp::test]
fn bey_34_a_shared_value_is_mapped_once_for_all_tasks() {
    watched(|| {
        let bytes = vec![3_u8; 32 << 20];
        let pool = builder(2).shared(&("table", &bytes[..])).build().unwrap();
        for _ in 0..20 {
            assert_eq!(pool.apply(sum_of_shared, ()).unwrap(), (5, 3 * (32 << 20)));
        }
        // The workers have no copy of it.
        assert!(pool.workers().iter().all(|worker| worker.memory().unwrap() < 24 << 20));
        let plain = builder(1).build().unwrap();
        assert_eq!(plain.apply(no_shared, ()).unwrap().0, "NotFound");
    });
}
