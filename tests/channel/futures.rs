//! Messages that are awaited: by one future and by hundreds on one thread, some of which are dropped.

use crate::gate::Gate;
use crate::support::{cpu_time_of, scenario, state_of, wait_until};
use crate::tasks::{hold_receiver, hold_sender, put_range, send_range};
use crate::{BOUNDED, PROMPT, kill, watched};
use mp::{Connection, ErrorKind, Queue, Receiver, channel, pipe};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Wakes a thread, and counts how often.
struct Unpark(Thread, AtomicUsize);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, SeqCst);
        self.0.unpark();
    }
}

fn unpark() -> Arc<Unpark> {
    Arc::new(Unpark(thread::current(), AtomicUsize::new(0)))
}

fn poll<F: Future + Unpin>(future: &mut F, wake: &Arc<Unpark>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&Waker::from(Arc::clone(wake))))
}

/// Polls it once.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll(future, &unpark())
}

/// The smallest executor.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(unpark());
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls all of them whenever one is woken, until each has given its output.
fn join_all<F: Future + Unpin>(futures: Vec<F>) -> Vec<F::Output> {
    let wake = unpark();
    let mut running: Vec<_> = futures.into_iter().enumerate().collect();
    let mut outputs = Vec::new();
    while !running.is_empty() {
        running.retain_mut(|(at, future)| match poll(future, &wake) {
            Poll::Ready(output) => {
                outputs.push((*at, output));
                false
            }
            Poll::Pending => true,
        });
        if !running.is_empty() {
            thread::park();
        }
    }
    outputs.sort_by_key(|(at, _)| *at);
    outputs.into_iter().map(|(_, output)| output).collect()
}

#[mp::task]
fn answer(end: Connection<u64, u64>) {
    block_on(async {
        while let Ok(number) = end.recv_async().await {
            end.send_async(number * 2).await.expect("the other end waits");
        }
    });
}

#[mp::test]
fn conn_01_messages_are_awaited_both_ways() {
    watched(|| {
        let (own, other) = pipe().unwrap();
        let process = mp::spawn(answer, other).unwrap();
        block_on(async {
            for number in 0..200 {
                own.send_async(number).await.unwrap();
                assert_eq!(own.recv_async().await.unwrap(), 2 * number);
            }
        });
        drop(own);
        process.join().unwrap();
        assert_eq!(process.exit_code(), Some(0));
    });
}

#[mp::test]
fn queue_02_futures_of_one_thread_get_each_item_once() {
    watched(|| {
        let queue = Queue::new().unwrap();
        let process = mp::spawn(put_range, (queue.clone(), 0..500)).unwrap();
        let futures = (0..500).map(|_| queue.get_async()).collect();
        let mut items: Vec<u64> = join_all(futures).into_iter().map(Result::unwrap).collect();
        items.sort_unstable();
        assert!(items.into_iter().eq(0..500));
        process.join().unwrap();
    });
}

#[mp::test]
fn conn_20_more_receivers_are_awaited_than_one_call_takes() {
    watched(|| {
        let ends: Vec<_> = (0..300).map(|_| channel().unwrap()).collect();
        let futures = ends.iter().map(|(_, receiver)| receiver.recv_async()).collect();
        let awaited = thread::scope(|scope| {
            scope.spawn(|| {
                let send = |(at, (sender, _)): (u64, &(mp::Sender<u64>, Receiver<u64>))| {
                    sender.send(at).unwrap();
                };
                (0..).zip(&ends).for_each(send);
            });
            join_all(futures)
        });
        assert!(awaited.into_iter().map(Result::unwrap).eq(0..300));
    });
}

#[mp::test]
fn conn_06_a_future_ends_when_its_senders_are_gone() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel::<u64>().unwrap();
        let process = mp::spawn(hold_sender, (sender, gate.name())).unwrap();
        let _guest = gate.next();
        let wake = unpark();
        let mut future = receiver.recv_async();
        assert!(poll(&mut future, &wake).is_pending());
        kill(&process);
        let begun = Instant::now();
        assert_eq!(block_on(future).unwrap_err().kind(), ErrorKind::Disconnected);
        assert!(begun.elapsed() < 2 * PROMPT, "{:?}", begun.elapsed());

        // What was sent comes first; and who goes by itself is missed at once.
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(send_range, (sender, 0..3)).unwrap();
        block_on(async {
            for number in 0..3 {
                assert_eq!(receiver.recv_async().await.unwrap(), number);
            }
            let error = receiver.recv_async().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Disconnected);
        });
        process.join().unwrap();
    });
}

#[mp::test]
fn queue_13_closing_ends_futures_at_once() {
    watched(|| {
        type Closer = fn(&Queue<u64>);
        for close in [Queue::close as Closer, Queue::close_all as Closer] {
            let queue = Queue::<u64>::new().unwrap();
            let other = queue.clone();
            let mut futures: Vec<_> = (0..3).map(|_| queue.get_async()).collect();
            let wake = unpark();
            assert!(futures.iter_mut().all(|future| poll(future, &wake).is_pending()));
            let begun = Instant::now();
            close(&queue);
            while wake.1.load(SeqCst) < futures.len() {
                thread::park();
            }
            for result in join_all(futures) {
                assert_eq!(result.unwrap_err().kind(), ErrorKind::Closed);
            }
            assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
            drop(other);
        }
    });
}

#[mp::test]
fn queue_20_a_dropped_future_has_taken_nothing() {
    watched(|| {
        let queue = Queue::new().unwrap();
        for number in 0..50u64 {
            let wake = unpark();
            let mut future = queue.get_async();
            assert!(poll(&mut future, &wake).is_pending());
            queue.put(number).unwrap();
            if number.is_multiple_of(2) {
                // Woken, and not polled again.
                while wake.1.load(SeqCst) == 0 {
                    thread::park();
                }
            }
            drop(future);
            assert_eq!(queue.try_get().unwrap(), number);
        }
    });
}

/// How many threads of this process sleep on a futex.
fn asleep() -> usize {
    let sleeps = |thread: &std::path::Path| {
        let call = std::fs::read_to_string(thread.join("syscall")).unwrap_or_default();
        // futex, and futex_waitv, by their numbers here.
        let numbers = if cfg!(target_arch = "x86_64") { ["202 ", "449 "] } else { ["98 ", "449 "] };
        numbers.iter().any(|number| call.starts_with(number))
    };
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads.filter(|thread| sleeps(&thread.as_ref().unwrap().path())).count()
}

#[mp::test]
fn queue_20_a_dropped_future_passes_its_wake_up_on() {
    let program = scenario!(|| {
        let queue = Queue::new().unwrap();
        let before = asleep();
        let mut times = Vec::new();
        for number in 0..20u64 {
            thread::scope(|scope| {
                let wake = unpark();
                let mut future = queue.get_async();
                assert!(poll(&mut future, &wake).is_pending());
                wait_until(BOUNDED, "the reactor sleeps", || asleep() > before);
                // It comes to sleep behind the future, and is not the one to be woken.
                let consumer = scope.spawn(|| queue.get().unwrap());
                wait_until(BOUNDED, "both sleep", || asleep() > before + 1);
                let begun = Instant::now();
                queue.put(number).unwrap();
                drop(future);
                assert_eq!(consumer.join().unwrap(), number);
                times.push(begun.elapsed());
            });
        }
        times.sort();
        println!("milliseconds {}", times[10].as_millis());
    });
    let finished = program.limit(Duration::from_secs(30)).run();
    finished.assert_success();
    // Else each would sleep until it looks, after 50 milliseconds.
    let median: u64 = finished.value("milliseconds ").parse().unwrap();
    assert!(median < 30, "{median} ms");
}

#[mp::task]
fn await_them(receivers: Vec<Receiver<u64>>) -> u64 {
    let futures = receivers.iter().map(Receiver::recv_async).collect();
    join_all(futures).into_iter().map(|number| number.expect("one comes")).sum()
}

#[mp::test]
fn conn_23_idle_futures_use_no_cpu() {
    watched(|| {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..200).map(|_| channel().unwrap()).unzip();
        let process = mp::spawn(await_them, receivers).unwrap();
        let pid = process.pid().unwrap().cast_signed();
        wait_until(BOUNDED, "it sleeps", || state_of(pid) == Some('S'));
        thread::sleep(Duration::from_secs(2)); // work: none, once its threads have come to rest
        let before = cpu_time_of(pid);
        thread::sleep(Duration::from_secs(2)); // work: none, while it waits
        let used = cpu_time_of(pid) - before;
        assert!(used < Duration::from_millis(20), "{used:?}");
        senders.iter().for_each(|sender| sender.send(1).unwrap());
        assert_eq!(process.result().unwrap(), 200);
    });
}

#[mp::test]
fn conn_23_a_full_channel_holds_a_future_up() {
    watched(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        let message = |number: u8| vec![number; 400 << 10];
        let wake = unpark();
        for number in 0..2 {
            assert!(poll(&mut sender.send_async(message(number)), &wake).is_ready());
        }
        let mut third = sender.send_async(message(2));
        let mut dropped = sender.send_async(message(9));
        assert!(poll(&mut third, &wake).is_pending() && poll(&mut dropped, &wake).is_pending());
        drop(dropped);
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(receiver.recv().unwrap(), message(0)));
            block_on(&mut third).unwrap();
        });
        assert_eq!(receiver.recv().unwrap(), message(1));
        assert_eq!(receiver.recv().unwrap(), message(2));
        assert!(receiver.is_empty());

        let queue = Queue::bounded(1).unwrap();
        let carried = Queue::<u64>::new().unwrap();
        queue.put(carried.clone()).unwrap();
        let mut waits = queue.put_async(carried.clone());
        assert!(poll(&mut waits, &wake).is_pending());
        drop(queue.get().unwrap());
        block_on(waits).unwrap();
        queue.get().unwrap().put(7).unwrap();
        assert_eq!(carried.get().unwrap(), 7);
    });
}

#[mp::test]
fn conn_07_a_future_that_waits_for_room_ends_with_the_receiver() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel::<u64>().unwrap();
        let process = mp::spawn(hold_receiver, (receiver, gate.name())).unwrap();
        let _guest = gate.next();
        while sender.try_send(1).is_ok() {}
        let wake = unpark();
        let mut future = sender.send_async(2);
        assert!(poll(&mut future, &wake).is_pending());
        kill(&process);
        assert_eq!(block_on(future).unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[test]
fn queue_20_futures_can_be_sent_to_other_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (own, _other) = pipe::<u64, String>().unwrap();
    is_send(&own.recv_async());
    is_send(&own.send_async(1));
}
