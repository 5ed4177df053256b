//! Where descriptors are closed: with the value, whatever becomes of it. The other end of a pipe tells.

use crate::support::gate::{Gate, stop_at};
use crate::support::{Footprint, repeat, scenario};
use crate::{HalfWay, assert_closed, watched};
use mp::{ErrorKind, Fd, Pool, Process};
use std::io::{PipeWriter, Write, pipe};
use std::time::Duration;

#[mp::task]
fn keep(writer: Fd<PipeWriter>) {
    drop(writer);
}

#[mp::task]
fn stop(gate: &str, writer: Option<Fd<PipeWriter>>) {
    stop_at(gate);
    drop(writer);
}

#[mp::task]
fn drop_and_stop(gate: &str, writer: Fd<PipeWriter>) {
    drop(writer);
    stop_at(gate);
}

#[mp::task]
fn die(writer: Fd<PipeWriter>) {
    std::mem::forget(writer);
    std::process::abort();
}

#[mp::task]
fn half_way(_: HalfWay) {}

#[mp::task]
fn give() -> (Fd<std::io::PipeReader>, Fd<PipeWriter>) {
    let (reader, writer) = pipe().unwrap();
    (reader.into(), writer.into())
}

#[mp::test]
fn task_15_the_child_has_the_only_copy() {
    watched(|| {
        let (reader, writer) = pipe().unwrap();
        let gate = Gate::new();
        let process = mp::spawn(stop, (gate.name(), Some(writer.into()))).unwrap();
        gate.next().release();
        // The process object is still there, and so is the child's parent: neither has a copy.
        assert_closed(reader);
        process.join().unwrap();
        let (reader, writer) = pipe().unwrap();
        let process = mp::spawn(drop_and_stop, (gate.name(), writer.into())).unwrap();
        let guest = gate.next();
        assert_closed(reader);
        guest.release();
        process.join().unwrap();
        let pool = Pool::new(1).unwrap();
        let (reader, writer) = pipe().unwrap();
        let handle = pool.submit(stop, (gate.name(), Some(writer.into())));
        gate.next().release();
        assert_closed(reader);
        handle.get().unwrap();
        // While the call is still under way, too, as one and as a part of many.
        let (reader, writer) = pipe().unwrap();
        let handle = pool.submit(drop_and_stop, (gate.name(), writer.into()));
        let guest = gate.next();
        assert_closed(reader);
        guest.release();
        handle.get().unwrap();
        let (reader, writer) = pipe().unwrap();
        let handle = pool.batch(drop_and_stop, [(gate.name(), writer.into())]).submit(drop);
        let guest = gate.next();
        assert_closed(reader);
        guest.release();
        handle.get().unwrap();
    });
}

#[mp::test]
fn task_15_a_process_that_is_never_started_closes_them_when_dropped() {
    watched(|| {
        let (reader, writer) = pipe().unwrap();
        drop(Process::new(keep, writer.into()));
        assert_closed(reader);
    });
}

#[mp::test]
fn task_15_encoding_that_fails_half_way_closes_them() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (reader, writer) = pipe().unwrap();
        let mut process = Process::new(half_way, HalfWay(writer.into()));
        assert_eq!(process.start().unwrap_err().kind(), ErrorKind::Encode);
        assert_closed(reader);
        let (reader, writer) = pipe().unwrap();
        let handle = pool.submit(half_way, HalfWay(writer.into()));
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Encode);
        assert_closed(reader);
    });
}

#[mp::test]
fn task_15_calls_that_no_worker_has_begun_close_them_when_the_pool_is_terminated() {
    watched(|| {
        let gate = Gate::new();
        let pool = Pool::new(1).unwrap();
        let held = pool.submit(stop, (gate.name(), None));
        let _guest = gate.next();
        let (readers, handles): (Vec<_>, Vec<_>) = (0..200)
            .map(|_| {
                let (reader, writer) = pipe().unwrap();
                (reader, pool.submit(keep, writer.into()))
            })
            .unzip();
        pool.terminate();
        readers.into_iter().for_each(assert_closed);
        handles.iter().chain([&held]).for_each(|handle| {
            assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Terminated);
        });
    });
}

#[mp::test]
fn task_15_a_worker_that_dies_takes_along_only_what_it_had_been_given() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        repeat(20, |_| {
            let (reader, writer) = pipe().unwrap();
            let (mut next, next_writer) = pipe().unwrap();
            let dead = pool.submit(die, writer.into());
            let lives = pool.submit(write, next_writer.into());
            assert_eq!(dead.get().unwrap_err().kind(), ErrorKind::WorkerDied);
            assert_closed(reader);
            lives.get().unwrap();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut next, &mut text).unwrap();
            assert_eq!(text, "alive");
        });
    });
}

#[mp::task]
fn write(writer: Fd<PipeWriter>) {
    writer.into_inner().write_all(b"alive").unwrap();
}

#[mp::test]
fn task_15_results_that_nobody_reads_are_closed() {
    watched(|| {
        // A pipe in a result is closed at both ends only when all of it is dropped: so is this test's
        // own, which the task's result holds the other end of.
        let pool = Pool::new(1).unwrap();
        let (reader, writer) = pipe().unwrap();
        let process = mp::spawn(echo, writer.into()).unwrap();
        process.join().unwrap();
        drop(process);
        assert_closed(reader);
        let (reader, writer) = pipe().unwrap();
        let handle = pool.submit(echo, writer.into());
        handle.wait();
        drop(handle);
        assert_closed(reader);
        let (reader, writer) = pipe().unwrap();
        drop(pool.submit(echo, writer.into()));
        assert_closed(reader);
    });
}

#[mp::task]
fn echo(writer: Fd<PipeWriter>) -> Fd<PipeWriter> {
    writer
}

#[mp::test]
fn res_01_fifty_rounds_of_handles_leave_nothing() {
    let program = scenario!(|| {
        let before = Footprint::now();
        for _ in 0..50 {
            let pool = Pool::new(1).unwrap();
            let (reader, writer) = pool.apply(give, ()).unwrap();
            drop(pool.submit(give, ()));
            pool.apply(keep, writer).unwrap();
            drop(reader);
            mp::spawn(give, ()).unwrap().join().unwrap();
            let (_reader, writer) = pipe().unwrap();
            mp::spawn(keep, writer.into()).unwrap().join().unwrap();
            pool.close();
            pool.join().unwrap();
        }
        before.assert_restored(Duration::from_secs(10));
    });
    program.run().assert_success();
}
