//! MGR-12, MGR-13, MGR-21, MGR-24, MGR-29: a managed pool among others: what goes through it, who waits for it, what is left of it.
//! What it does with tasks is in `pools`.

use crate::pools::{square, wait_for};
use crate::support::{kill as signal, name_of, process_exists, wait_until};
use crate::{BOUNDED, PROMPT, kill, managed, stay, timed};
use mp::{ErrorKind, Event, Manager, PoolProxy, Queue, ResultProxy};
use std::thread;

fn threads_of(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

#[mp::test]
fn mgr_13_a_pools_long_tasks_hold_nobody_up() {
    managed(|manager| {
        let pool = manager.pool(1).unwrap();
        let (go, server) = (manager.event().unwrap(), manager.pid().unwrap());
        let first = pool.submit(wait_for, go.clone()).unwrap();
        wait_until(BOUNDED, "it is run", || first.running().unwrap());
        let threads = threads_of(server);
        let handles: Vec<_> =
            (0..200).map(|_| pool.submit(wait_for, go.clone()).unwrap()).collect();
        thread::scope(|scope| {
            let waiting: Vec<_> =
                handles[..20].iter().map(|handle| scope.spawn(|| handle.get())).collect();
            let dict = manager.dict().unwrap();
            for number in 0..100 {
                dict.insert(number, ()).unwrap();
            }
            let quick = manager.pool(1).unwrap();
            assert_eq!(quick.apply(square, 4).unwrap(), 16);
            drop(quick);
            assert!(waiting.iter().all(|thread| !thread.is_finished()));
            // Those of the second pool are ending, or have a call of their own.
            wait_until(BOUNDED, "no thread waits", || threads_of(server) <= threads + 2);
            go.set().unwrap();
            for thread in waiting {
                assert_eq!(thread.join().unwrap().unwrap(), 5);
            }
        });
        assert!(handles.iter().all(|handle| handle.get().unwrap() == 5));
    });
}

#[mp::task]
fn relay(numbers: Queue<u32>, text: &str, told: Event) -> (Queue<u32>, usize) {
    let number = numbers.get().expect("it was put");
    numbers.put(number + 1).expect("there is room");
    told.set();
    (numbers, text.len())
}

#[mp::task]
fn maybe_queue(number: u32, queue: Option<Queue<u32>>) -> Option<Queue<u32>> {
    queue.iter().for_each(|queue| queue.put(number).expect("there is room"));
    queue.filter(|_| number.is_multiple_of(2))
}

/// Who has given a call need not keep what is in it: the server does, while it waits for a worker.
#[mp::test]
fn mgr_12_objects_go_through_a_managed_pool() {
    managed(|manager| {
        let pool = manager.pool(1).unwrap();
        let go = manager.event().unwrap();
        let busy = pool.submit(wait_for, go.clone()).unwrap();
        wait_until(BOUNDED, "its worker is busy", || busy.running().unwrap());
        let (queue, told) = (Queue::new().unwrap(), Event::new().unwrap());
        queue.put(1).unwrap();
        let relayed = pool.submit(relay, (queue, "abc", told.clone())).unwrap();
        let with = |n: u32| (n % 3 != 1).then(|| Queue::new().unwrap());
        let mapped = pool.map_async(maybe_queue, (0..6).map(|n| (n, with(n)))).unwrap();
        let (sender, receiver) = mp::channel::<u8>().unwrap();
        let dropped = pool.submit(drop_it, sender).unwrap();
        assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Empty, "the call has it");
        assert!(!told.is_set());
        go.set().unwrap();
        let (queue, len) = relayed.get().unwrap();
        assert_eq!((queue.get().unwrap(), len), (2, 3));
        queue.put(3).unwrap();
        drop(queue);
        assert_eq!(relayed.get().unwrap().0.get().unwrap(), 3, "the server still has it");
        let back = mapped.get().unwrap();
        let got = back.iter().map(|queue| queue.as_ref().map(|queue| queue.get().unwrap()));
        assert_eq!(got.collect::<Vec<_>>(), [Some(0), None, Some(2), None, None, None]);
        dropped.get().unwrap();
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::task]
fn drop_it(sender: mp::Sender<u8>) {
    drop(sender);
}

#[mp::task]
fn with_file(_file: mp::Fd) -> u32 {
    0
}

#[mp::task]
fn make_file(_number: u32) -> mp::Fd {
    std::os::fd::OwnedFd::from(std::fs::File::open("/dev/null").expect("it is there")).into()
}

#[mp::test]
fn mgr_24_descriptors_are_refused_with_a_word() {
    managed(|manager| {
        let pool = manager.pool(1).unwrap();
        let file = || mp::Fd::from(std::os::fd::OwnedFd::from(std::fs::File::open("/").unwrap()));
        let none = [
            pool.apply(with_file, file()).map(drop),
            pool.map(with_file, [file()]).map(drop),
            pool.apply(make_file, 1).map(drop),
            pool.map(make_file, [1, 2]).map(drop),
        ];
        for refused in none {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
            assert!(error.to_string().contains("descriptors"), "{error}");
        }
        assert_eq!(pool.apply(square, 2).unwrap(), 4, "it goes on");
    });
}

#[mp::task]
fn get_all(handles: Vec<ResultProxy<u64>>, list: ResultProxy<Vec<u64>>) -> mp::Result<u64> {
    let sum = handles.iter().map(ResultProxy::get).sum::<mp::Result<u64>>()?;
    Ok(sum + list.get()?.iter().sum::<u64>())
}

#[mp::task]
fn submit_and_stay(pool: PoolProxy, ready: Event) {
    let handles: Vec<_> = (0..10).map(|x| pool.submit(square, x).expect("it serves")).collect();
    handles.iter().for_each(|handle| handle.wait().expect("it serves"));
    ready.set();
    stay();
}

#[mp::test]
fn mgr_21_handles_travel_and_outcomes_go_with_the_last() {
    managed(|manager| {
        let pool = manager.pool(2).unwrap();
        let objects = || manager.number_of_objects().unwrap();
        let handles: Vec<_> = (0..5).map(|x| pool.submit(square, x).unwrap()).collect();
        let list = pool.map_async(square, 0..5).unwrap();
        assert_eq!(objects(), 7);
        let process = mp::spawn(get_all, (handles, list)).unwrap();
        assert_eq!(process.result().unwrap().unwrap(), 60);
        wait_until(BOUNDED, "their outcomes are gone", || objects() == 1);
        let ready = Event::new().unwrap();
        let process = mp::spawn(submit_and_stay, (pool.clone(), ready.clone())).unwrap();
        ready.wait();
        assert_eq!(objects(), 11);
        kill(&process);
        wait_until(BOUNDED, "they are gone with it", || objects() == 1);
        assert_eq!(pool.apply(square, 2).unwrap(), 4);
        drop(pool);
        assert_eq!(objects(), 0);
    });
}

#[mp::task]
fn own_pid() -> u32 {
    std::process::id()
}

#[mp::task]
fn tell_and_stay(told: Event) -> u32 {
    told.set();
    stay()
}

#[mp::task]
fn wait_at(handle: ResultProxy<u32>, ready: Event) -> mp::Result<u32> {
    ready.set();
    handle.get()
}

#[mp::test]
fn mgr_29_a_pools_workers_and_calls_end_with_the_server() {
    for by_kill in [false, true] {
        managed(|manager| {
            let pool = manager.pool(2).unwrap();
            let worker = pool.apply(own_pid, ()).unwrap().cast_signed();
            assert_eq!(name_of(worker), name_of(std::process::id().cast_signed()));
            let (told, ready) = (Event::new().unwrap(), Event::new().unwrap());
            let stuck = pool.submit(tell_and_stay, told.clone()).unwrap();
            told.wait();
            let process = mp::spawn(wait_at, (stuck.clone(), ready.clone())).unwrap();
            ready.wait();
            let server = manager.pid().unwrap().cast_signed();
            let (ended, took) = timed(|| {
                if by_kill {
                    signal(server, libc::SIGKILL).map_err(mp::Error::from)
                } else {
                    manager.shutdown()
                }
            });
            ended.unwrap();
            assert!(took < PROMPT, "{took:?}");
            if !by_kill {
                assert_eq!(manager.exit_code(), Some(0), "it was not killed for a task's sake");
            }
            let error = process.result().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
            let errors = [stuck.get().map(drop), pool.apply(square, 1).map(drop), pool.join()];
            for error in errors {
                assert_eq!(error.unwrap_err().kind(), ErrorKind::Disconnected);
            }
            wait_until(BOUNDED, "its workers are gone", || !process_exists(worker));
        });
    }
}

/// A closed pool's last task does not hold up the end, either.
#[mp::test]
fn mgr_15_a_pool_that_nobody_has_any_more_ends_with_the_server() {
    managed(|manager: &Manager| {
        let pool = manager.pool(1).unwrap();
        let told = Event::new().unwrap();
        drop(pool.submit(tell_and_stay, told.clone()).unwrap());
        told.wait();
        drop(pool);
        assert_eq!(manager.number_of_objects().unwrap(), 0);
        let (ended, took) = timed(|| manager.shutdown());
        ended.unwrap();
        assert!(took < PROMPT, "{took:?}");
        assert_eq!(manager.exit_code(), Some(0));
    });
}
