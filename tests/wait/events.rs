//! Events, alone, in crowds and beside descriptors; and awaited.

use crate::watched;
use std::io::{Write, pipe};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

const LONG: Option<Duration> = Some(Duration::from_secs(60));
const NOW: Option<Duration> = Some(Duration::ZERO);

#[mp::task]
fn set(event: mp::Event, first: mp::Event) {
    first.wait();
    event.set();
}

#[mp::test]
fn conn_20_an_event_that_a_process_sets_ends_a_wait() {
    watched(|| {
        let (event, other, first) =
            (mp::Event::new().unwrap(), mp::Event::new().unwrap(), mp::Event::new().unwrap());
        let process = mp::spawn(set, (event.clone(), first.clone())).unwrap();
        assert_eq!(mp::wait(&[&other, &event], NOW).unwrap(), [0; 0]);
        first.set();
        assert_eq!(mp::wait(&[&other, &event], LONG).unwrap(), [1]);
        assert_eq!(mp::wait(&[&event], None).unwrap(), [0]);
        process.join().unwrap();
    });
}

#[mp::test]
fn conn_20_an_event_and_descriptors_are_waited_for_together() {
    watched(|| {
        let (event, first) = (mp::Event::new().unwrap(), mp::Event::new().unwrap());
        let (reader, mut writer) = pipe().unwrap();
        let process = mp::spawn(set, (event.clone(), first.clone())).unwrap();
        let items: [&dyn mp::Waitable; 2] = [&event, &reader];
        thread::scope(|scope| {
            scope.spawn(|| first.set());
            assert_eq!(mp::wait(&items, LONG).unwrap(), [0]);
        });
        event.clear();
        thread::scope(|scope| {
            scope.spawn(|| writer.write_all(b"x").unwrap());
            assert_eq!(mp::wait(&items, LONG).unwrap(), [1]);
        });
        process.join().unwrap();
        let brief = Some(Duration::from_millis(20));
        assert_eq!(mp::wait(&[&event, &process], brief).unwrap(), [1]);
    });
}

#[mp::test]
fn conn_20_more_events_are_waited_for_than_one_call_takes() {
    watched(|| {
        let events: Vec<_> = (0..300).map(|_| mp::Event::new().unwrap()).collect();
        let items: Vec<&dyn mp::Waitable> = events.iter().map(|event| event as _).collect();
        for last in [3, 140, 299] {
            thread::scope(|scope| {
                scope.spawn(|| events[last].set());
                assert_eq!(mp::wait(&items, LONG).unwrap(), [last]);
            });
            events[last].clear();
        }
        assert_eq!(mp::wait(&items, Some(Duration::from_millis(20))).unwrap(), [0; 0]);
    });
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[mp::test]
fn sync_12_an_event_can_be_awaited() {
    watched(|| {
        let (event, first) = (mp::Event::new().unwrap(), mp::Event::new().unwrap());
        let process = mp::spawn(set, (event.clone(), first.clone())).unwrap();
        let waits = event.wait_async();
        first.set();
        block_on(waits).unwrap();
        block_on(event.wait_async()).unwrap();
        event.clear();
        drop(event.wait_async());
        // Set and cleared again after it began to wait.
        let waits = event.wait_async();
        event.set();
        event.clear();
        block_on(waits).unwrap();
        process.join().unwrap();
    });
}
