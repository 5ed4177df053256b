//! MGR-29, MGR-21: what becomes of the other side's calls, locks and objects when one side goes.

use std::thread;
use std::time::{Duration, Instant};

use mp::{ErrorKind, LockProxy, Manager, QueueProxy};

use crate::support::{Footprint, kill, scenario, thread_count, wait_until};
use crate::{ADDRESS, KEY, LONG, address_of, at, connected, watched};

/// Much longer than it takes, and much shorter than for ever.
const PROMPT: Duration = Duration::from_secs(5);

#[mp::test]
fn mgr_29_the_server_s_death_ends_the_calls_of_other_programs() {
    let program = scenario!(|| {
        let remote = connected();
        let (list, queue) = (remote.list_from([1]).unwrap(), remote.queue::<u8>().unwrap());
        let (lock, event) = (remote.lock().unwrap(), remote.event().unwrap());
        let barrier = remote.barrier(9).unwrap();
        lock.acquire().unwrap();
        thread::scope(|scope| {
            let waiting = [
                scope.spawn(|| queue.get().map(drop)),
                scope.spawn(|| lock.acquire()),
                scope.spawn(|| event.wait()),
                scope.spawn(|| barrier.wait().map(drop)),
            ];
            println!("waiting");
            for call in waiting {
                let error = call.join().unwrap().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
            }
        });
        let lost = |error: mp::Error| {
            assert_eq!(error.kind(), ErrorKind::Disconnected, "{error:?}");
            let text = error.to_string();
            assert!(text.contains("server"), "{text}");
        };
        for _ in 0..2 {
            let begun = Instant::now();
            lost(list.len().unwrap_err());
            lost(queue.put(1).unwrap_err());
            lost(lock.release().unwrap_err());
            lost(remote.dict::<u8, u8>().unwrap_err());
            lost(list.clone().push(1).unwrap_err());
            assert!(begun.elapsed() < PROMPT);
        }
    });
    watched(|| {
        for address in ["tcp://127.0.0.1:0", "abstract:"] {
            let manager = at(address);
            let running = program.clone().env(ADDRESS, address_of(&manager)).start();
            running.wait_line("waiting");
            kill(i32::try_from(manager.pid().unwrap()).unwrap(), 9).unwrap();
            running.finish().assert_success();
        }
    });
}

#[mp::test]
fn mgr_13_a_server_that_is_held_up_holds_up_no_call_with_a_limit() {
    const SHORT: Duration = Duration::from_millis(100);
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        let (ours, our_lock) = (manager.queue::<u32>().unwrap(), manager.lock().unwrap());
        manager.publish("both", &(ours.clone(), our_lock.clone())).unwrap();
        let connector = Manager::connector().timeout(SHORT * 10);
        let remote = connector.connect(manager.address().unwrap(), KEY).unwrap();
        let (queue, lock): (QueueProxy<u32>, LockProxy) = remote.lookup("both").unwrap();
        ours.put(7).unwrap();
        let pid = i32::try_from(manager.pid().unwrap()).unwrap();
        kill(pid, 19).unwrap();
        let begun = Instant::now();
        let errors = [
            queue.try_get().unwrap_err(),
            queue.get_timeout(SHORT).unwrap_err(),
            lock.try_acquire().unwrap_err(),
        ];
        let took = begun.elapsed();
        kill(pid, 18).unwrap();
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        }
        assert!(took < PROMPT, "{took:?}");
        // What it did of that afterwards was for nobody.
        assert_eq!(ours.get_timeout(LONG).unwrap(), 7);
        assert!(our_lock.lock_timeout(LONG).unwrap().is_some());
    });
}

#[mp::test]
fn mgr_15_shutdown_ends_the_calls_of_other_programs() {
    let program = scenario!(|| {
        let remote = connected();
        let queue = remote.queue::<u8>().unwrap();
        println!("waiting");
        let error = queue.get().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected, "{error:?}");
    });
    watched(|| {
        let manager = at("abstract:");
        let running = program.env(ADDRESS, address_of(&manager)).start();
        running.wait_line("waiting");
        manager.shutdown().unwrap();
        assert_eq!(manager.exit_code(), Some(0));
        running.finish().assert_success();
    });
}

#[mp::test]
fn mgr_21_a_killed_program_gives_back_its_objects_and_locks() {
    let program = scenario!(|| {
        let remote = connected();
        let lock: LockProxy = remote.lookup("lock").unwrap();
        let rlock = remote.lookup::<mp::RLockProxy>("rlock").unwrap();
        let lists: Vec<_> = (0..5).map(|n| remote.list_from([n]).unwrap()).collect();
        lock.acquire().unwrap();
        rlock.acquire().unwrap();
        rlock.acquire().unwrap();
        println!("has");
        loop {
            thread::park();
            assert_eq!(lists.len(), 5);
        }
    });
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        let (lock, rlock) = (manager.lock().unwrap(), manager.rlock().unwrap());
        manager.publish("lock", &lock).unwrap();
        manager.publish("rlock", &rlock).unwrap();
        let running = program.env(ADDRESS, address_of(&manager)).start();
        running.wait_line("has");
        assert_eq!(manager.number_of_objects().unwrap(), 7);
        assert!(!lock.try_acquire().unwrap() && !rlock.try_acquire().unwrap());
        running.kill(9);
        // As whoever comes after a dead process of one's own.
        assert!(lock.lock_timeout(PROMPT).unwrap().expect("it is free").owner_died());
        assert!(rlock.lock_timeout(PROMPT).unwrap().expect("it is free").owner_died());
        assert!(!lock.lock().unwrap().owner_died() && !rlock.lock().unwrap().owner_died());
        assert!(!rlock.is_locked().unwrap());
        wait_until(LONG, "its objects are gone", || manager.number_of_objects().unwrap() == 2);
        assert_eq!(running.finish().signal, Some(9));
    });
}

#[mp::test]
fn mgr_21_a_killed_program_that_waits_takes_nothing() {
    let program = scenario!(|| {
        let remote = connected();
        let queue: QueueProxy<u32> = remote.lookup("queue").unwrap();
        let lock: LockProxy = remote.lookup("lock").unwrap();
        let condition: mp::ConditionProxy = remote.lookup("condition").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| queue.get());
            scope.spawn(|| lock.acquire());
            scope.spawn(|| {
                let mut guard = condition.lock().unwrap();
                println!("waits");
                condition.wait(&mut guard)
            });
        });
    });
    watched(|| {
        let manager = at("abstract:");
        let (queue, lock) = (manager.queue::<u32>().unwrap(), manager.lock().unwrap());
        let condition = manager.condition().unwrap();
        manager.publish("queue", &queue).unwrap();
        manager.publish("lock", &lock).unwrap();
        manager.publish("condition", &condition).unwrap();
        lock.acquire().unwrap();
        let running = program.env(ADDRESS, address_of(&manager)).start();
        running.wait_line("waits");
        drop(condition.lock().unwrap());
        running.kill(9);
        assert_eq!(running.finish().signal, Some(9));
        // Whatever comes right after its death is not for it.
        queue.put(7).unwrap();
        lock.release().unwrap();
        assert_eq!(queue.get_timeout(PROMPT).unwrap(), 7);
        assert!(lock.lock_timeout(PROMPT).unwrap().is_some());
        wait_until(LONG, "it stays with nobody", || !lock.is_locked().unwrap());
        wait_until(LONG, "nobody waits there", || manager.number_of_objects().unwrap() == 3);
        drop(condition.lock().unwrap());
    });
}

#[mp::test]
fn mgr_29_a_program_that_can_open_no_more_does_not_say_that_the_server_ended() {
    let program = scenario!(|| {
        let remote = connected();
        let (queue, list) = (remote.queue::<u8>().unwrap(), remote.list_from([1]).unwrap());
        let lock = remote.lock().unwrap();
        // A connection that is this thread's, and none besides.
        lock.acquire().unwrap();
        limit_descriptors(64);
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        let error = thread::scope(|scope| scope.spawn(|| list.len()).join().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        drop(files);
        assert_eq!(list.len().unwrap(), 1);
        queue.put(1).unwrap();
        lock.release().unwrap();
    });
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
    });
}

/// Has this process open no more than so many.
#[expect(unsafe_code, reason = "the setrlimit system call")]
fn limit_descriptors(most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the limit is ours, and borrowed for the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}

#[mp::test]
fn mgr_28_a_server_that_has_stopped_leaves_no_client_waiting() {
    watched(|| {
        for _ in 0..20 {
            let server = Manager::builder().address("abstract:").authkey(KEY).server().unwrap();
            let address = server.address().unwrap();
            thread::scope(|scope| {
                let serving = scope.spawn(|| server.serve_forever());
                let come = || {
                    let mut clients = Vec::new();
                    while let Ok(client) = mp::Client::connect(address, KEY) {
                        let _ = client.send_bytes(b"mp-mgr 1sixteen bytes it");
                        clients.push(client);
                    }
                    clients
                };
                let coming = [scope.spawn(come), scope.spawn(come)];
                thread::yield_now();
                server.stop();
                serving.join().unwrap().unwrap();
                for client in coming.into_iter().flat_map(|coming| coming.join().unwrap()) {
                    // At most it is greeted.
                    let end = (0..2).find_map(|_| client.recv_bytes_timeout(PROMPT).err());
                    assert_ne!(end.expect("the end").kind(), ErrorKind::Empty);
                }
            });
        }
    });
}

#[mp::test]
fn mgr_21_connecting_leaves_nothing_behind() {
    let program = scenario!(|| {
        let manager = at("abstract:");
        let call = || {
            let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
            let (queue, lock) = (remote.queue::<u8>().unwrap(), remote.lock().unwrap());
            thread::scope(|scope| {
                scope.spawn(|| queue.get().unwrap());
                drop(lock.lock().unwrap());
                queue.put(1).unwrap();
            });
        };
        // Whatever has started the server.
        wait_until(LONG, "its threads have ended", || thread_count() == 2);
        let before = Footprint::now();
        (0..5).for_each(|_| call());
        before.assert_restored(LONG);
    });
    program.limit(LONG * 2).run().assert_success();
}
