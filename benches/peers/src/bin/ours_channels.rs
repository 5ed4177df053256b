//! mp: channel, pipe and queue. With `bytes` as third argument, large messages are bytes in a pipe.

use mp::{Connection, Queue, Receiver, Sender};
use peers::objects::{MESSAGE, Small};
use peers::{Asked, all_ascii, median, millions, tell};
use std::hint::black_box;
use std::time::Duration;

/// Says that it is there, takes so many, and says that it has them.
fn all(count: u64, done: &Sender<u64>, recv: impl Fn()) {
    done.send(0).expect("the main process waits");
    (0..count).for_each(|_| recv());
    done.send(count).expect("the main process waits");
}

#[mp::task]
fn take_small(messages: Receiver<Small>, done: Sender<u64>, count: u64) {
    all(count, &done, || _ = black_box(messages.recv().expect("there are more")));
}

#[mp::task]
fn take_large(messages: Receiver<Vec<u8>>, done: Sender<u64>, count: u64) {
    all(count, &done, || assert!(all_ascii(&messages.recv().expect("there are more"))));
}

#[mp::task]
fn take_bytes(messages: Connection<(), ()>, done: Sender<u64>, count: u64) {
    let buffer = std::cell::RefCell::new(vec![0; MESSAGE]);
    all(count, &done, || {
        let mut buffer = buffer.borrow_mut();
        let len = messages.recv_bytes_into(&mut buffer).expect("there are more");
        assert!(all_ascii(&buffer[..len]));
    });
}

#[mp::task]
fn take_items(items: Queue<u64>, done: Sender<u64>, count: u64) {
    all(count, &done, || _ = black_box(items.get().expect("there are more")));
}

#[mp::task]
fn put_items(items: Queue<u64>, go: Queue<()>, done: Sender<u64>, count: u64) {
    done.send(0).expect("the main process waits");
    go.get().expect("the main process says so");
    (0..count).for_each(|i| items.put(i).expect("it is open"));
    done.send(count).expect("the main process waits");
}

#[mp::task]
fn echo(messages: Connection<Small, Small>) {
    while let Ok(message) = messages.recv() {
        if messages.send(message).is_err() {
            break;
        }
    }
}

/// Millions a second, until the other process has all.
fn one_way(count: u64, done: &Receiver<u64>, send: impl Fn(u64)) -> f64 {
    done.recv().expect("it starts");
    millions(count, || {
        (0..count).for_each(send);
        assert_eq!(done.recv().expect("it is there"), count);
    })
}

fn measure(asked: &Asked) -> mp::Result<Option<f64>> {
    let (tell, done) = mp::channel()?;
    Ok(Some(match asked.metric.as_str() {
        "channel" => {
            let count = asked.count(1_000_000);
            let (send, messages) = mp::channel()?;
            mp::spawn(take_small, (messages, tell, count))?;
            one_way(count, &done, |i| send.send(Small::new(i)).expect("it is there"))
        }
        "large" => {
            let (count, message) = (asked.count(1000), vec![1; MESSAGE]);
            let (send, messages) = mp::channel()?;
            mp::spawn(take_large, (messages, tell, count))?;
            one_way(count, &done, |_| send.send(message.clone()).expect("it is there")) * 1e3
        }
        "queue" => {
            let (count, items) = (asked.count(1_000_000), Queue::new()?);
            mp::spawn(take_items, (items.clone(), tell, count))?;
            one_way(count, &done, |i| items.put(i).expect("it is open"))
        }
        "queue-2-2" => {
            let (each, items, go) = (asked.count(500_000), Queue::new()?, Queue::new()?);
            for _ in 0..2 {
                mp::spawn(take_items, (items.clone(), tell.clone(), each))?;
                mp::spawn(put_items, (items.clone(), go.clone(), tell.clone(), each))?;
            }
            (0..4).for_each(|_| _ = done.recv().expect("they start"));
            millions(2 * each, || {
                (0..2).for_each(|_| go.put(()).expect("it is open"));
                (0..4).for_each(|_| assert_eq!(done.recv().expect("they are there"), each));
            })
        }
        "ping-pong" => {
            let (ours, its) = mp::pipe::<Small, Small>()?;
            mp::spawn(echo, its)?;
            median(asked.count(20_000), Duration::ZERO, || {
                ours.send(Small::new(1)).expect("it is there");
                assert_eq!(ours.recv().expect("it is there").number, 1);
            })
        }
        _ => return Ok(None),
    }))
}

fn by_bytes(asked: &Asked) -> mp::Result<Option<f64>> {
    if asked.metric != "large" {
        return Ok(None);
    }
    let (count, message) = (asked.count(1000), vec![1; MESSAGE]);
    let (tell, done) = mp::channel()?;
    let (ours, its) = mp::pipe::<(), ()>()?;
    mp::spawn(take_bytes, (its, tell, count))?;
    Ok(Some(one_way(count, &done, |_| ours.send_bytes(&message).expect("it is there")) * 1e3))
}

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    let asked = Asked::read();
    let bytes = std::env::args().nth(3).as_deref() == Some("bytes");
    tell(if bytes { by_bytes(&asked)? } else { measure(&asked)? });
    Ok(())
}
