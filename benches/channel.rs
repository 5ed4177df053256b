//! Messages one way, there and back, and large ones: queues, channels and pipes between processes, beside threads and a
//! pipe of the system's in the same run.

mod rounds;

use rounds::{Row, median, table};
use serde::{Deserialize, Serialize};
use std::io::{PipeReader, Read, Write, pipe};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

const MESSAGES: u64 = 1_000_000;
const MIB: usize = 1 << 20;
const LARGE: u32 = 2000;

/// 64 bytes, and as many encoded.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Message {
    number: u64,
    values: [f64; 7],
}

fn message(number: u64) -> Message {
    Message { number, values: [1.5; 7] }
}

/// What a receiver has counted, which no other count equals.
fn check(sum: u64) {
    assert_eq!(sum, (0..MESSAGES).sum());
}

#[mp::task]
fn count_queue(queue: mp::Queue<Message>) -> u64 {
    (0..MESSAGES).map(|_| queue.get().map_or(0, |message| message.number)).sum()
}

#[mp::task]
fn put_half(queue: mp::Queue<Message>) {
    let half = |number: &u64| number.is_multiple_of(2);
    (0..MESSAGES).filter(half).for_each(|number| queue.put(message(number)).expect("room"));
}

#[mp::task]
fn count_channel(receiver: mp::Receiver<Message>) -> u64 {
    (0..MESSAGES).map(|_| receiver.recv().map_or(0, |message| message.number)).sum()
}

#[mp::task]
fn count_pipe(pipe: mp::Fd<PipeReader>) -> u64 {
    let mut pipe = pipe.into_inner();
    let mut bytes = [0; 64];
    let mut one = |_| {
        pipe.read_exact(&mut bytes).expect("the writer is there");
        u64::from_le_bytes(*bytes.first_chunk().expect("eight bytes"))
    };
    (0..MESSAGES).map(&mut one).sum()
}

/// Millions of messages a second, from the first that is sent to the last that is counted.
fn rate(send: impl FnOnce(), counted: impl FnOnce() -> u64) -> f64 {
    let start = Instant::now();
    send();
    check(counted());
    MESSAGES as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn threads() -> f64 {
    let (sender, receiver) = mpsc::sync_channel::<Message>(8192);
    let counter = thread::spawn(move || receiver.iter().map(|message| message.number).sum());
    let send = || {
        (0..MESSAGES).for_each(|number| sender.send(message(number)).expect("the thread lives"));
        drop(sender);
    };
    rate(send, || counter.join().expect("it does not panic"))
}

/// With the other process there and waiting.
fn ready<T: mp::Task>(process: &mp::Process<T>) {
    assert!(process.is_alive());
    thread::sleep(std::time::Duration::from_millis(20));
}

fn queue() -> f64 {
    let queue = mp::Queue::new().expect("memory");
    let process = mp::spawn(count_queue, queue.clone()).expect("a process starts");
    ready(&process);
    let send = || (0..MESSAGES).for_each(|number| queue.put(message(number)).expect("room"));
    rate(send, || process.result().expect("it counts"))
}

/// The other process puts, too, and this one gets all.
fn queue_of_two() -> f64 {
    let queue = mp::Queue::new().expect("memory");
    let start = Instant::now();
    let process = mp::spawn(put_half, queue.clone()).expect("a process starts");
    let half = |number: &u64| !number.is_multiple_of(2);
    (0..MESSAGES).filter(half).for_each(|number| queue.put(message(number)).expect("room"));
    check((0..MESSAGES).map(|_| queue.get().map_or(0, |message| message.number)).sum());
    process.join().expect("it was started");
    MESSAGES as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn channel() -> f64 {
    let (sender, receiver) = mp::channel().expect("memory");
    let process = mp::spawn(count_channel, receiver).expect("a process starts");
    ready(&process);
    let send = || (0..MESSAGES).for_each(|number| sender.send(message(number)).expect("room"));
    rate(send, || process.result().expect("it counts"))
}

fn system_pipe() -> f64 {
    let (reader, mut writer) = pipe().expect("descriptors");
    let process = mp::spawn(count_pipe, reader.into()).expect("a process starts");
    ready(&process);
    let mut bytes = [1; 64];
    let send = || {
        for number in 0..MESSAGES {
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            writer.write_all(&bytes).expect("the reader is there");
        }
    };
    rate(send, || process.result().expect("it counts"))
}

#[mp::task]
fn echo(end: mp::Connection<Message, Message>) {
    while let Ok(message) = end.recv() {
        end.send(message).expect("the other end waits");
    }
}

/// The median time of a message there and back, in microseconds.
fn p50(mut once: impl FnMut(Message)) -> f64 {
    let mut times: Vec<f64> = (0..20_000)
        .map(|number| {
            let start = Instant::now();
            once(message(number));
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    median(&mut times)
}

fn round_trip_threads() -> f64 {
    let (ask, asked) = mpsc::channel::<Message>();
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || asked.iter().try_for_each(|message| answer.send(message)));
    p50(|message| {
        ask.send(message).expect("the thread lives");
        answered.recv().expect("it answers");
    })
}

fn round_trip() -> f64 {
    let (own, other) = mp::pipe::<Message, Message>().expect("memory");
    let _process = mp::spawn(echo, other).expect("a process starts");
    p50(|message| {
        own.send(message).expect("it is there");
        own.recv().expect("it answers");
    })
}

#[mp::task]
fn take_large(receiver: mp::Receiver<Vec<u8>>) -> u64 {
    receiver.iter().map(|bytes| bytes.map_or(0, |bytes| bytes.len() as u64)).sum()
}

#[mp::task]
fn take_large_bytes(end: mp::Connection<(), ()>) -> u64 {
    let mut buffer = vec![0; MIB];
    (0..LARGE).map(|_| end.recv_bytes_into(&mut buffer).map_or(0, |len| len as u64)).sum()
}

/// Thousands of messages of 1 MiB a second.
fn large(send: impl FnOnce(&[u8]), counted: impl FnOnce() -> u64) -> f64 {
    let bytes = vec![7; MIB];
    let start = Instant::now();
    send(&bytes);
    assert_eq!(counted(), u64::from(LARGE) * MIB as u64);
    f64::from(LARGE) / start.elapsed().as_secs_f64() / 1e3
}

fn large_copies() -> f64 {
    let mut copies = [vec![0; MIB], vec![0; MIB]];
    let send = |bytes: &[u8]| {
        for _ in 0..LARGE {
            copies[0].copy_from_slice(std::hint::black_box(bytes));
            let [from, to] = &mut copies;
            to.copy_from_slice(std::hint::black_box(from));
        }
    };
    large(send, || u64::from(LARGE) * MIB as u64)
}

fn large_values() -> f64 {
    let (sender, receiver) = mp::channel().expect("memory");
    let process = mp::spawn(take_large, receiver).expect("a process starts");
    ready(&process);
    let send = move |bytes: &[u8]| {
        (0..LARGE).for_each(|_| sender.send(bytes.to_vec()).expect("it is there"));
    };
    large(send, || process.result().expect("it counts"))
}

fn large_bytes() -> f64 {
    let (own, other) = mp::pipe::<(), ()>().expect("memory");
    let process = mp::spawn(take_large_bytes, other).expect("a process starts");
    ready(&process);
    let send = |bytes: &[u8]| {
        (0..LARGE).for_each(|_| own.send_bytes(bytes).expect("it is there"));
    };
    large(send, || process.result().expect("it counts"))
}

/// One pass over all of it.
fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |sum, number| sum ^ number)
}

#[mp::task]
fn take_loans(end: mp::Connection<(), ()>, all: bool) -> u64 {
    let mut len = 0;
    for _ in 0..LARGE {
        let message = end.recv_loan::<u64>().expect("one comes");
        std::hint::black_box(if all { sum(&message) } else { message[0] });
        len += size_of_val(&*message) as u64;
    }
    len
}

fn large_loans(all: bool) -> f64 {
    let (own, other) = mp::pipe::<(), ()>().expect("memory");
    let process = mp::spawn(take_loans, (other, all)).expect("a process starts");
    ready(&process);
    let send = |_: &[u8]| {
        for number in 0..LARGE.into() {
            let mut loan = own.loan::<u64>(MIB / 8).expect("it is there");
            if all {
                loan.fill(number)
            } else {
                loan[0] = number
            }
            loan.send().expect("it is there");
        }
    };
    large(send, || process.result().expect("it counts"))
}

/// What those loans cost where nobody else is.
fn large_in_place() -> f64 {
    let mut numbers = vec![0; MIB / 8];
    let send = |_: &[u8]| {
        for number in 0..LARGE.into() {
            std::hint::black_box(&mut numbers).fill(number);
            std::hint::black_box(sum(std::hint::black_box(&numbers)));
        }
    };
    large(send, || u64::from(LARGE) * MIB as u64)
}

fn main() {
    let _guard = mp::init();
    table(
        "64 bytes, one way, a million of them",
        "M messages/s",
        &mut [
            Row::new("std's bounded channel, two threads", threads),
            Row::new("a pipe, a write and a read for each", system_pipe),
            Row::new("Queue, two processes", queue),
            Row::new("channel, two processes", channel),
            Row::new("Queue, into which two processes put", queue_of_two),
        ],
    );
    table(
        "64 bytes there and back, p50",
        "µs",
        &mut [
            Row::new("std's channels, two threads", round_trip_threads),
            Row::new("pipe, two processes", round_trip),
        ],
    );
    table(
        "1 MiB, one way",
        "k messages/s",
        &mut [
            Row::new("copied twice in this process", large_copies),
            Row::new("Sender<Vec<u8>>, two processes", large_values),
            Row::new("send_bytes and recv_bytes_into, two processes", large_bytes),
            Row::new("written and read in place, in this process", large_in_place),
            Row::new("loans, written and read whole, two processes", || large_loans(true)),
            Row::new("loans, of which the first number is touched", || large_loans(false)),
        ],
    );
}
