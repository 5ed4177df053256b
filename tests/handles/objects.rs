//! Objects that processes share inside results: there for whoever has the result, as often as it is read, and let go of with
//! it. That somebody waits for the last sender of a channel shows where one is left.

use crate::support::gate::{Gate, stop_at};
use crate::support::repeat;
use crate::{assert_closed, watched};
use mp::{ErrorKind, Event, Fd, Pool, Process, Queue, Receiver, Sender, Value, channel};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashMap;
use std::io::{PipeWriter, pipe};
use std::time::Duration;

const BOUNDED: Duration = Duration::from_secs(20);

/// A value with something behind the sender that cannot be decoded.
#[derive(Debug, Serialize)]
struct HalfRead(Sender<u64>, ());

impl<'de> Deserialize<'de> for HalfRead {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("it is not to be read"))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Deep {
    event: Option<Event>,
    values: HashMap<String, Vec<(Value<u64>, u8)>>,
    queue: Queue<String>,
}

#[mp::task]
fn make_deep(number: u64) -> Deep {
    let value = Value::new(number).unwrap();
    let queue = Queue::new().unwrap();
    queue.put(format!("item {number}")).unwrap();
    let values = HashMap::from([("one".to_owned(), vec![(value, 1), (Value::new(0).unwrap(), 2)])]);
    Deep { event: Some(Event::new().unwrap()), values, queue }
}

/// Looks at it, and leaves a trace for the next one who has it.
#[track_caller]
fn check_deep(deep: Deep, number: u64, before: u64) {
    let (value, one) = &deep.values["one"][0];
    assert_eq!((value.get().unwrap(), *one), (number + before, 1));
    value.set(number + before + 1).unwrap();
    assert_eq!(deep.event.as_ref().unwrap().is_set(), before > 0);
    deep.event.unwrap().set();
    let item = deep.queue.get().unwrap();
    assert_eq!(item, format!("item {number}"));
    deep.queue.put(item).unwrap();
}

#[mp::task]
fn pass(sender: Sender<u64>) -> (u8, Sender<u64>) {
    (1, sender)
}

#[mp::task]
fn pass_at(gate: &str, sender: Sender<u64>) -> Sender<u64> {
    stop_at(gate);
    sender
}

#[mp::task]
fn pass_half_read(sender: Sender<u64>) -> HalfRead {
    HalfRead(sender, ())
}

/// Gives a sender if it has one, and else an error.
#[mp::task]
fn pass_or_panic(sender: Option<Sender<u64>>) -> Sender<u64> {
    sender.expect("there is one")
}

#[track_caller]
fn assert_disconnected(receiver: &Receiver<u64>) {
    let error = receiver.recv_timeout(BOUNDED).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
}

#[track_caller]
fn assert_connected(receiver: &Receiver<u64>) {
    assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Empty);
}

#[mp::test]
fn sync_31_a_result_with_objects_can_be_had_again_and_again() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let handle = pool.submit(make_deep, 7);
        (0..3).for_each(|before| check_deep(handle.get().unwrap(), 7, before));
        let many = pool.map_async(make_deep, 0..5, |_| ());
        for before in 0..3 {
            let all = many.get().unwrap().into_iter().enumerate();
            all.for_each(|(at, deep)| check_deep(deep, at as u64, before));
        }
        let process = mp::spawn(make_deep, 9).unwrap();
        (0..3).for_each(|before| check_deep(process.result().unwrap(), 9, before));
        drop(pool);
        check_deep(handle.get().unwrap(), 7, 3);
        for (at, deep) in (0..).zip(Pool::new(2).unwrap().map(make_deep, 0..9).unwrap()) {
            check_deep(deep, at, 0);
        }
    });
}

#[mp::test]
fn sync_31_items_with_objects_come_one_by_one() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for (at, deep) in (0..).zip(pool.imap(make_deep, 0..20)) {
            check_deep(deep.unwrap(), at, 0);
        }
        let (ends, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| channel().unwrap()).unzip();
        let mut results = pool.imap(pass, ends);
        for receiver in receivers {
            let (_, sender) = results.next().unwrap().unwrap();
            sender.send(3).unwrap();
            assert_eq!(receiver.recv().unwrap(), 3);
            drop(sender);
            // Also while the iterator is there.
            assert_disconnected(&receiver);
        }
    });
}

#[mp::test]
fn conn_15_a_pools_result_that_nobody_reads_lets_go_of_its_ends() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        repeat(20, |_| {
            let (sender, receiver) = channel().unwrap();
            let handle = pool.submit(pass, sender);
            handle.wait();
            assert_connected(&receiver);
            drop(handle);
            assert_disconnected(&receiver);
            let (sender, receiver) = channel().unwrap();
            drop(pool.submit(pass, sender));
            assert_disconnected(&receiver);
        });
        let (sender, receiver) = channel().unwrap();
        let handle = pool.submit(pass_half_read, sender);
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Decode);
        assert_connected(&receiver);
        drop(handle);
        assert_disconnected(&receiver);
        let (sender, receiver) = channel().unwrap();
        assert!(pool.apply(pass_half_read, sender).is_err());
        assert_disconnected(&receiver);
    });
}

#[mp::test]
fn conn_15_many_results_that_nobody_reads_let_go_of_their_ends() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let ends = || -> (Vec<_>, Vec<_>) { (0..6).map(|_| channel().unwrap()).unzip() };
        let (senders, receivers) = ends();
        let mut results = pool.imap(pass, senders);
        drop(results.next().unwrap().unwrap());
        drop(results);
        receivers.iter().for_each(assert_disconnected);
        let (senders, receivers) = ends();
        let items = senders.into_iter().map(Some).chain([None]);
        assert_eq!(pool.map(pass_or_panic, items).unwrap_err().kind(), ErrorKind::Panicked);
        receivers.iter().for_each(assert_disconnected);
        let (senders, receivers) = ends();
        let many = pool.map_async(pass, senders, |_| ());
        many.wait();
        receivers.iter().for_each(assert_connected);
        drop(many);
        receivers.iter().for_each(assert_disconnected);
        let (senders, receivers) = ends();
        let halves: Vec<_> = pool.imap_unordered(pass_half_read, senders).collect();
        assert!(halves.iter().all(Result::is_err));
        receivers.iter().for_each(assert_disconnected);
    });
}

#[mp::test]
fn conn_15_results_of_a_pool_that_is_terminated_let_go_of_their_ends() {
    watched(|| {
        repeat(20, |_| {
            let pool = Pool::new(1).unwrap();
            let gate = Gate::new();
            let (sender, receiver) = channel().unwrap();
            let (other, second) = channel().unwrap();
            let handles = [sender, other].map(|sender| pool.submit(pass_at, (gate.name(), sender)));
            gate.next().release();
            // While the result is on its way, or before.
            pool.terminate();
            drop(handles);
            assert_disconnected(&receiver);
            assert_disconnected(&second);
        });
    });
}

#[mp::test]
fn conn_15_a_processs_result_that_nobody_reads_lets_go_of_its_ends() {
    watched(|| {
        let (sender, receiver) = channel().unwrap();
        let mut process = mp::spawn(pass, sender).unwrap();
        process.join().unwrap();
        assert_connected(&receiver);
        process.close().unwrap();
        assert_disconnected(&receiver);
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(pass_half_read, sender).unwrap();
        assert_eq!(process.result().unwrap_err().kind(), ErrorKind::Decode);
        drop(process);
        assert_disconnected(&receiver);
        // Nobody looks at its end, but for whoever waits for its senders.
        let (sender, receiver) = channel().unwrap();
        drop(mp::spawn(pass, sender).unwrap());
        assert_disconnected(&receiver);
    });
}

/// The writer goes with this process.
#[mp::task]
fn pass_keeping(sender: Sender<u64>, writer: Fd<PipeWriter>) -> Sender<u64> {
    std::mem::forget(writer);
    sender
}

/// Does not ask whether its child has ended.
#[mp::task]
fn pass_on(sender: Sender<u64>, gate: &str) -> bool {
    let (reader, writer) = pipe().unwrap();
    let process = mp::spawn(pass_keeping, (sender, writer.into())).unwrap();
    assert_closed(reader);
    stop_at(gate);
    process.result().is_ok()
}

#[mp::test]
fn conn_15_a_result_goes_with_the_process_that_was_to_have_it() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(pass_on, (sender, gate.name())).unwrap();
        let _guest = gate.next();
        assert_connected(&receiver);
        process.kill().unwrap();
        assert_disconnected(&receiver);
    });
}

#[mp::task]
fn half_read(_: HalfRead) {}

#[mp::task]
fn hold(gate: &str, sender: Option<Sender<u64>>) {
    stop_at(gate);
    drop(sender);
}

#[mp::test]
fn conn_15_arguments_that_do_not_decode_let_go_of_their_ends() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (sender, receiver) = channel().unwrap();
        let handle = pool.submit(half_read, HalfRead(sender, ()));
        assert_disconnected(&receiver);
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Decode);
        let (sender, receiver) = channel().unwrap();
        let results = pool.imap(half_read, [HalfRead(sender, ())]);
        assert_disconnected(&receiver);
        drop(results);
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(half_read, HalfRead(sender, ())).unwrap();
        assert_disconnected(&receiver);
        drop(process);
    });
}

#[mp::test]
fn conn_15_calls_that_are_taken_back_let_go_of_their_ends() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let first = pool.submit(hold, (gate.name(), None));
        let guest = gate.next();
        let calls: Vec<_> = (0..1100)
            .map(|_| {
                let (sender, receiver) = channel().unwrap();
                (pool.submit(hold, (gate.name(), Some(sender))), receiver)
            })
            .collect();
        // The last ones wait for a place in shared memory.
        for (handle, receiver) in calls.iter().rev() {
            assert_connected(receiver);
            assert!(handle.cancel());
            assert_disconnected(receiver);
        }
        let (sender, receiver) = channel().unwrap();
        let waiting = pool.submit(hold, (gate.name(), Some(sender)));
        let (sender, second) = channel().unwrap();
        let items = pool.imap(pass, [sender]);
        drop(items);
        assert_disconnected(&second);
        pool.terminate();
        assert_disconnected(&receiver);
        assert_eq!(waiting.get().unwrap_err().kind(), ErrorKind::Terminated);
        drop((guest, first));
    });
}

#[mp::task]
fn die_first(gate: &str, sender: Sender<u64>) -> u64 {
    sender.send(u64::from(std::process::id())).unwrap();
    stop_at(gate);
    sender.send(1).unwrap();
    5
}

#[mp::test]
fn conn_15_a_call_that_is_run_again_has_its_ends_again() {
    watched(|| {
        let gate = Gate::new();
        let pool = Pool::new(1).unwrap();
        let kill = |receiver: &Receiver<u64>| {
            let _guest = gate.next();
            let pid = i32::try_from(receiver.recv().unwrap()).unwrap();
            crate::support::kill(pid, 9).unwrap();
        };
        let (sender, receiver) = channel().unwrap();
        let handle = pool.call(die_first, (gate.name(), sender)).retries(2).submit();
        (0..2).for_each(|_| kill(&receiver));
        gate.next().release();
        assert!(receiver.recv().unwrap() > 1);
        assert_eq!(receiver.recv().unwrap(), 1);
        assert_eq!(handle.get().unwrap(), 5);
        assert_disconnected(&receiver);
        let (sender, receiver) = channel().unwrap();
        let handle = pool.map_async(die_first, [(gate.name(), sender)], |_| ());
        kill(&receiver);
        assert_disconnected(&receiver);
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::WorkerDied);
    });
}

#[mp::test]
fn conn_15_a_child_killed_before_it_has_its_arguments_holds_nothing() {
    watched(|| {
        let gate = Gate::new();
        repeat(20, |_| {
            let (sender, receiver) = channel().unwrap();
            let mut process = Process::new(hold, (gate.name(), Some(sender)));
            process.start().unwrap();
            process.kill().unwrap();
            // Nobody has asked whether it has ended.
            assert_disconnected(&receiver);
        });
    });
}
