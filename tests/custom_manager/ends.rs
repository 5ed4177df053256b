//! The end of a server while methods run.

use crate::{PROMPT, support, watched};
use mp::{ErrorKind, Event, Manager};
use std::thread;
use std::time::Duration;

struct Waiter(Event);

#[mp::manager]
impl Waiter {
    /// `dropped` is set when it goes.
    pub fn new(dropped: Event) -> Self {
        Self(dropped)
    }

    pub fn wait(&self, inside: Event, end: Event) -> String {
        inside.set();
        end.wait();
        "waited".to_owned()
    }

    pub fn wait_alone(&mut self, inside: Event, end: Event) {
        self.wait(inside, end);
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// A server that is told to end while a method runs: who waits for its turn is told at once.
#[mp::test]
fn mgr_15_shutdown_lets_nobody_in() {
    watched(|| {
        let manager = Manager::builder().shutdown_timeout(Duration::from_secs(50)).start();
        let manager = manager.expect("a server");
        let (inside, end, dropped) = events();
        let waiter = manager.create::<Waiter>(dropped).expect("an object");
        let (next_inside, next_end) = (Event::new().expect("an event"), end.clone());
        thread::scope(|scope| {
            let call = scope.spawn(|| waiter.wait(inside.clone(), end.clone()));
            inside.wait();
            let (to, thread) = std::sync::mpsc::channel();
            let (waiter, inside) = (&waiter, next_inside.clone());
            let next = scope.spawn(move || {
                to.send(support::thread_id()).expect("somebody waits for it");
                waiter.wait_alone(inside, next_end)
            });
            let thread = thread.recv().expect("its number");
            support::wait_until(PROMPT, "it waits", || support::state_of(thread) == Some('S'));
            // Answered after what came before it was looked at.
            assert_eq!(manager.number_of_objects().expect("a number"), 1);
            let shutdown = scope.spawn(|| manager.shutdown());
            let error = next.join().expect("no panic").expect_err("the server ends");
            assert_eq!(error.kind(), ErrorKind::Disconnected);
            assert!(!call.is_finished() && !next_inside.is_set());
            end.set();
            assert_eq!(call.join().expect("no panic").expect("a value"), "waited");
            shutdown.join().expect("no panic").expect("an end");
        });
        assert_eq!(manager.exit_code(), Some(0));
    });
}

fn events() -> (Event, Event, Event) {
    let event = || Event::new().expect("an event");
    (event(), event(), event())
}

#[mp::test]
fn mgr_15_shutdown_waits_for_a_method() {
    watched(|| {
        let manager = Manager::builder().shutdown_timeout(Duration::from_secs(30)).start();
        let manager = manager.expect("a server");
        let (inside, end, dropped) = events();
        let waiter = manager.create::<Waiter>(dropped.clone()).expect("an object");
        thread::scope(|scope| {
            let call = scope.spawn(|| waiter.wait(inside.clone(), end.clone()));
            inside.wait();
            let shutdown = scope.spawn(|| manager.shutdown());
            // Nobody is let in any more, and the method goes on.
            let mut more = manager.create::<Waiter>(dropped.clone());
            while more.is_ok() {
                more = manager.create::<Waiter>(dropped.clone());
            }
            assert_eq!(more.expect_err("it ends").kind(), ErrorKind::Disconnected);
            end.set();
            assert_eq!(call.join().expect("no panic").expect("a value"), "waited");
            shutdown.join().expect("no panic").expect("an end");
        });
        assert_eq!(manager.exit_code(), Some(0));
        assert!(dropped.is_set(), "what the server keeps is dropped at its end");
    });
}

#[mp::test]
fn mgr_18_a_method_that_does_not_end_is_cut_off() {
    watched(|| {
        let manager = Manager::builder().shutdown_timeout(Duration::from_millis(300)).start();
        let manager = manager.expect("a server");
        let (inside, end, dropped) = events();
        let waiter = manager.create::<Waiter>(dropped).expect("an object");
        thread::scope(|scope| {
            let call = scope.spawn(|| waiter.wait(inside.clone(), end.clone()));
            inside.wait();
            manager.shutdown().expect("an end");
            let error = call.join().expect("no panic").expect_err("it was cut off");
            assert_eq!(error.kind(), ErrorKind::Disconnected);
        });
        assert_eq!(manager.exit_code(), Some(-libc::SIGTERM));
    });
}

#[mp::test]
fn mgr_29_a_call_under_way_ends_with_its_server() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let (inside, end, dropped) = events();
        let waiter = manager.create::<Waiter>(dropped).expect("an object");
        let pid = manager.pid().expect("it runs");
        thread::scope(|scope| {
            let call = scope.spawn(|| waiter.wait(inside.clone(), end.clone()));
            inside.wait();
            support::kill(pid.cast_signed(), libc::SIGKILL).expect("it is a child");
            let error = call.join().expect("no panic").expect_err("nobody answers");
            assert_eq!(error.kind(), ErrorKind::Disconnected);
        });
    });
}
