//! Waiting for several handles: inside callbacks, over two pools, and for what cannot come.

use crate::gate::{Gate, stop_at};
use crate::support::{repeat, with_busy_cores};
use crate::watched;
use mp::{AsyncResult, ErrorKind, Pool};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};

#[mp::task]
fn next(x: u32) -> u32 {
    x + 1
}

#[mp::task]
fn stop(gate: &str) -> u32 {
    stop_at(gate);
    7
}

#[mp::test]
fn fut_17_a_callback_that_waits_for_its_own_handle_is_not_kept() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let own: Arc<OnceLock<AsyncResult<u32>>> = Arc::default();
        let (tell, told) = channel();
        let (known, gate) = (Arc::clone(&own), Gate::new());
        let handle = pool.apply_async(stop, gate.name(), move |_| {
            let own = known.wait();
            let any = mp::wait_any([own], None);
            let all = mp::wait_all([own], None);
            let completed: Vec<_> = mp::as_completed([own], None).collect();
            let kind = completed[0].as_ref().unwrap_err().kind();
            let pending = (any.pending.len(), all.pending.len(), completed.len());
            tell.send((pending, kind)).unwrap();
        });
        assert!(own.set(handle).is_ok());
        gate.next().release();
        assert_eq!(told.recv().unwrap(), ((1, 1, 1), ErrorKind::Timeout));
        assert_eq!(own.wait().get().unwrap(), 7);
    });
}

#[mp::test]
fn fut_17_a_callback_waits_for_handles_of_its_own_pool_and_of_another() {
    watched(|| {
        let pools = [Pool::new(1).unwrap(), Pool::new(1).unwrap()];
        let pools = Arc::new(pools);
        let gate = Gate::new();
        let (tell, told) = channel();
        let (theirs, name) = (Arc::clone(&pools), gate.name().to_owned());
        let handle = pools[0].apply_async(next, 1, move |_| {
            // Pending for as long as the gate is closed, and given first.
            let other = theirs[1].submit(stop, &name);
            // Its own callback stands behind this one.
            let own = theirs[0].apply_async(next, 2, drop);
            let handles = [other, own];
            let any = mp::wait_any(&handles, None);
            assert_eq!((any.done.len(), any.done[0].get().unwrap()), (1, 3));
            tell.send(()).unwrap();
            let all = mp::wait_all(&handles, None);
            assert_eq!((all.done.len(), all.pending.len()), (2, 0));
            tell.send(()).unwrap();
        });
        let guest = gate.next();
        told.recv().unwrap();
        guest.release();
        told.recv().unwrap();
        handle.get().unwrap();
    });
}

#[mp::test]
fn fut_17_callbacks_nested_deeply_still_wait_for_several() {
    watched(|| {
        let pool = Arc::new(Pool::new(1).unwrap());
        let deepest: Arc<Mutex<u32>> = Arc::default();
        descend(&pool, &deepest, 1).get().unwrap();
        assert_eq!(*deepest.lock().unwrap(), 50);
    });
}

fn descend(pool: &Arc<Pool>, deepest: &Arc<Mutex<u32>>, depth: u32) -> AsyncResult<u32> {
    let (own, deepest) = (Arc::clone(pool), Arc::clone(deepest));
    pool.apply_async(next, depth, move |_| {
        *deepest.lock().unwrap() = depth;
        if depth < 50 {
            let deeper = descend(&own, &deepest, depth + 1);
            assert_eq!(mp::wait_all([&deeper], None).done.len(), 1);
            assert_eq!(own.map(next, 0..3).unwrap(), [1, 2, 3]);
        }
    })
}

#[mp::test]
fn fut_17_fut_18_two_pools_wake_one_waiter() {
    watched(|| {
        let pools = [Pool::new(1).unwrap(), Pool::new(1).unwrap()];
        let round = |round: usize| {
            let handles: Vec<_> =
                (0..6).map(|x| pools[(x as usize + round) % 2].submit(next, x)).collect();
            assert!(!mp::wait_any(&handles, None).done.is_empty());
            let mut values: Vec<_> = mp::as_completed(handles.iter().chain(&handles), None)
                .map(|handle| handle.unwrap().get().unwrap())
                .collect();
            values.sort_unstable();
            assert_eq!(values, [1, 2, 3, 4, 5, 6]);
            assert_eq!(mp::wait_all(&handles, None).done.len(), 6);
        };
        repeat(500, round);
        with_busy_cores(|| repeat(50, round));
    });
}
