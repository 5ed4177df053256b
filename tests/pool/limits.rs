//! Calls that are cancelled, take too long, or are run again.

use crate::gate::Gate;
use crate::support::{repeat, with_busy_cores};
use crate::tasks::{plus_100, stop};
use crate::{BOUNDED, watched};
use mp::{ErrorKind, Pool};
use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_millis(100);

#[mp::task]
fn park() {
    loop {
        std::thread::park();
    }
}

#[mp::task]
fn park_through_sigterm() {
    #[expect(unsafe_code, reason = "a task that will not be terminated")]
    // SAFETY: ignoring a signal runs no code.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN)
    };
    loop {
        std::thread::park();
    }
}

#[mp::task]
fn park_if(slow: bool, value: u32) -> u32 {
    if slow {
        park();
    }
    value
}

#[mp::task]
fn pid() -> u32 {
    std::process::id()
}

#[mp::task]
fn fail_until(times: u64, file: &str, how: &str) -> u64 {
    let mut file = fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(b"x").unwrap();
    let runs = file.metadata().unwrap().len();
    match how {
        _ if runs > times => runs,
        "panic" => panic!("run {runs}"),
        "die" => std::process::abort(),
        _ => loop {
            std::thread::park();
        },
    }
}

#[mp::test]
fn fut_02_a_waiting_task_is_cancelled_and_never_runs() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let guest = gate.next();
        let (tell, told) = channel();
        let other = Gate::new();
        // One in a slot, and one behind more calls than there are slots.
        let near = pool.submit(stop, other.name());
        let many: Vec<_> = (0..3000).map(|i| pool.submit(plus_100, i)).collect();
        let far = pool
            .call(stop, other.name())
            .callback(|_| unreachable!())
            .error_callback(move |error| tell.send(error.kind()).unwrap())
            .submit();
        for handle in [&near, &far] {
            assert!(!handle.running() && handle.cancel() && handle.cancel());
            assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Cancelled);
            assert!(handle.ready() && !handle.successful().unwrap());
        }
        assert_eq!(told.recv().unwrap(), ErrorKind::Cancelled);
        assert!(held.running() && !held.cancel());
        guest.release();
        held.get().unwrap();
        assert!(!held.cancel() && !held.running());
        for (i, handle) in (0..).zip(&many) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::test]
fn fut_10_cancelling_all_that_wait_leaves_the_others_to_finish() {
    watched(|| {
        let pool = Pool::new(5).unwrap();
        let gate = Gate::new();
        let handles: Vec<_> = (0..50).map(|_| pool.submit(stop, gate.name())).collect();
        let guests = gate.guests(5);
        let cancelled = handles.iter().filter(|handle| handle.cancel()).count();
        pool.close();
        drop((guests, gate));
        pool.join().unwrap();
        let kinds = handles.iter().map(|handle| handle.get().map_err(|error| error.kind()));
        let failed = kinds.filter(|kind| kind.is_err()).inspect(|kind| {
            assert_eq!(kind.as_ref().unwrap_err(), &ErrorKind::Cancelled);
        });
        assert_eq!((failed.count(), cancelled), (45, 45));
    });
}

#[mp::test]
fn fut_22_a_running_task_is_cancelled_on_request_and_its_worker_replaced() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let other = pool.submit(stop, gate.name());
        let guest = gate.next();
        let handle = pool.submit(park, ());
        while !handle.running() {
            std::thread::yield_now();
        }
        assert!(!handle.cancel());
        assert!(handle.cancel_running());
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(handle.cancel_running() && handle.cancel());
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
        guest.release();
        other.get().unwrap();
        assert!(!other.cancel_running());
    });
}

#[mp::test]
fn fut_21_bey_23_a_task_that_takes_too_long_is_ended_and_its_worker_replaced() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let before = pool.apply(pid, ()).unwrap();
        let begun = Instant::now();
        let handle = pool.call(park, ()).timeout(LIMIT).submit();
        let next = pool.submit(pid, ());
        let error = handle.get().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!((LIMIT..BOUNDED).contains(&begun.elapsed()));
        assert_ne!(next.get().unwrap(), before);
    });
}

#[mp::test]
fn fut_21_waiting_does_not_count() {
    watched(|| {
        let pool = Pool::builder().processes(1).task_timeout(LIMIT * 5).build().unwrap();
        let gate = Gate::new();
        let held = pool.call(stop, gate.name()).timeout(BOUNDED).submit();
        let guest = gate.next();
        let waiting = pool.submit(plus_100, 1);
        assert!(!waiting.wait_timeout(LIMIT * 6));
        guest.release();
        assert_eq!(waiting.get().unwrap(), 101);
        held.get().unwrap();
        assert_eq!(pool.apply(park, ()).unwrap_err().kind(), ErrorKind::Timeout);
    });
}

#[mp::test]
fn fut_23_a_task_that_ignores_sigterm_is_killed() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let handle = pool.call(park_through_sigterm, ()).timeout(LIMIT).submit();
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[mp::test]
fn fut_24_a_limit_of_a_batch_counts_for_each_item() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for chunk in [1, 3, 100] {
            let items = (0..12).map(|x| (x == 5 || x == 7, x));
            let batch = pool.batch(park_if, items).chunksize(chunk).timeout(LIMIT);
            let results: Vec<_> = batch.iter().collect();
            for (x, result) in (0..).zip(results) {
                match result {
                    Ok(value) => assert_eq!(value, x),
                    Err(error) => {
                        assert!(x == 5 || x == 7);
                        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
                    }
                }
            }
        }
    });
}

#[mp::test]
fn fut_25_slow_tasks_time_out_and_fast_ones_succeed() {
    watched(|| {
        let pool = Pool::new(3).unwrap();
        let handles: Vec<_> =
            (0..6).map(|x| pool.call(park_if, (x % 2 == 0, x)).timeout(LIMIT).submit()).collect();
        for (x, handle) in (0..).zip(&handles) {
            match handle.get() {
                Ok(value) => assert!(value == x && x % 2 == 1),
                Err(error) => assert_eq!((x % 2, error.kind()), (0, ErrorKind::Timeout)),
            }
        }
    });
}

#[mp::test]
fn fut_21_a_limit_of_nothing_is_refused() {
    watched(|| {
        let refused = Pool::builder().processes(1).task_timeout(Duration::ZERO).build();
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);
        let pool = Pool::new(1).unwrap();
        let handle = pool.call(plus_100, 1).timeout(Duration::ZERO).submit();
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::InvalidArgument);
        let batch = pool.batch(plus_100, 0..3).timeout(Duration::ZERO);
        assert_eq!(batch.run().unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::test]
fn pool_47_a_task_is_run_again_as_often_as_it_may_be() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        for how in ["panic", "die", "park"] {
            for (fails, retries) in [(0, 0), (2, 2), (2, 5), (3, 2)] {
                let file = tempfile::NamedTempFile::new().unwrap();
                let name = file.path().to_str().unwrap();
                let call = pool.call(fail_until, (fails, name, how)).retries(retries);
                // A crash's report takes its time, too.
                let call = if how == "park" { call.timeout(LIMIT) } else { call };
                let outcome = call.submit().get();
                let runs = file.as_file().metadata().unwrap().len();
                if fails <= u64::from(retries) {
                    assert_eq!(outcome.unwrap(), fails + 1);
                    assert_eq!(runs, fails + 1);
                } else {
                    let kind = outcome.unwrap_err().kind();
                    let expected = match how {
                        "panic" => ErrorKind::Panicked,
                        "die" => ErrorKind::WorkerDied,
                        _ => ErrorKind::Timeout,
                    };
                    assert_eq!((kind, runs), (expected, u64::from(retries) + 1));
                }
            }
        }
    });
}

/// The task that is cancelled ends at that moment: whatever comes of it, nothing else fails.
#[mp::test]
fn fut_22_cancelling_at_the_end_of_a_task_touches_no_other() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let round = |_| {
            let handle = pool.submit(plus_100, 1);
            let others: Vec<_> = (0..4).map(|i| pool.submit(plus_100, i)).collect();
            let cancelled = handle.cancel_running();
            match handle.get() {
                Ok(value) => assert_eq!(value, 101),
                Err(error) => assert!(cancelled && error.kind() == ErrorKind::Cancelled, "{error}"),
            }
            for (i, other) in (0..).zip(&others) {
                assert_eq!(other.get().unwrap(), i + 100);
            }
        };
        repeat(200, round);
        with_busy_cores(|| repeat(50, round));
    });
}

/// Items that take about as long as they may: each has its value or its own error, once.
#[mp::test]
fn fut_24_items_near_their_limit_do_not_cost_others() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        repeat(10, |_| {
            let items = (0..40).map(|x| (x, if x % 4 == 0 { 2000 } else { 0 }));
            let batch = pool.batch(sleep_micros, items).chunksize(10);
            let results: Vec<_> = batch.timeout(Duration::from_millis(2)).iter().collect();
            assert_eq!(results.len(), 40);
            for (x, result) in (0..).zip(results) {
                match result {
                    Ok(value) => assert_eq!(value, x),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout, "{error}"),
                }
            }
        });
    });
}

#[mp::task]
fn sleep_micros(x: u64, micros: u64) -> u64 {
    std::thread::sleep(Duration::from_micros(micros)); // work: about as long as it may
    x
}

#[mp::test]
fn fut_17_waiting_for_any_and_for_all() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let handles = [pool.submit(stop, gate.name()), pool.submit(stop, gate.name())];
        let guests = gate.guests(2);
        let all = || handles.iter().chain(&handles);
        let waited = mp::wait_any(all(), Some(LIMIT));
        assert_eq!((waited.done.len(), waited.pending.len()), (0, 2));
        let mut guests = guests.into_iter();
        guests.next().unwrap().release();
        let waited = mp::wait_any(all(), None);
        assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
        assert!(waited.done[0].ready() && !waited.pending[0].ready());
        let waited = mp::wait_all(all(), Some(LIMIT));
        assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
        let mut completed = mp::as_completed(all(), Some(LIMIT));
        assert!(completed.next().unwrap().unwrap().ready());
        let error = completed.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("1 (of 2)"), "{error}");
        assert!(completed.next().is_none());
        guests.next().unwrap().release();
        let waited = mp::wait_all(all(), None);
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 0));
        assert_eq!(mp::as_completed(all(), None).map(Result::unwrap).count(), 2);
        let none: [mp::AsyncResult<u32>; 0] = [];
        assert!(mp::wait_any(&none, None).done.is_empty());
    });
}

#[mp::test]
fn fut_18_as_completed_gives_each_handle_once_as_it_comes() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        repeat(50, |_| {
            let handles: Vec<_> = (0..40).map(|i| pool.submit(plus_100, i)).collect();
            let values: HashSet<_> = mp::as_completed(&handles, None)
                .map(|handle| handle.unwrap().get().unwrap())
                .collect();
            assert_eq!(values, (100..140).collect());
        });
    });
}
