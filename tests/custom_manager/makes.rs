//! Methods that make objects, and proxies as iterators; when an object goes.

use crate::classes::{Counter, CounterProxy};
use crate::support::wait_until;
use crate::{PROMPT, watched};
use mp::{DictProxy, ErrorKind, Event, Manager};

/// Makes counters, and keeps them.
struct Maker {
    made: Vec<CounterProxy>,
    names: DictProxy<String, u64>,
}

#[mp::manager]
impl Maker {
    pub fn new() -> Result<Self, String> {
        let manager = Manager::current().map_err(|error| error.to_string())?;
        let names = manager.dict().map_err(|error| error.to_string())?;
        Ok(Self { made: Vec::new(), names })
    }

    pub fn make(&mut self, count: u64) -> Option<CounterProxy> {
        let counter = Manager::current().and_then(|manager| manager.create::<Counter>(count));
        let counter = counter.ok()?;
        self.made.push(counter.clone());
        self.names.insert(format!("counter {count}"), count).ok()?;
        Some(counter)
    }

    /// Calls those that were made, from inside the server.
    pub fn sum(&self) -> u64 {
        self.made.iter().filter_map(|counter| counter.get().ok()).sum()
    }

    pub fn names(&self) -> DictProxy<String, u64> {
        self.names.clone()
    }

    pub fn forget(&mut self) {
        self.made.clear();
    }
}

#[mp::test]
fn mgr_23_a_method_gives_new_objects() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let maker = manager.create::<Maker>(()).expect("a call").expect("an object");
        let two = maker.make(2).expect("a call").expect("a counter");
        let three = maker.make(3).expect("a call").expect("a counter");
        two.add(10).expect("a number");
        assert_eq!(maker.sum().expect("a number"), 15);
        assert_eq!(two.process().ok(), manager.pid());
        let names = maker.names().expect("a dictionary");
        assert_eq!(names.get(&"counter 3".to_owned()).expect("a call"), Some(3));
        let objects = || manager.number_of_objects().expect("a number");
        assert_eq!(objects(), 4);
        drop(three);
        assert_eq!(objects(), 4, "its maker keeps it");
        maker.forget().expect("a unit");
        wait_until(PROMPT, "one is gone", || objects() == 3);
        drop(maker);
        wait_until(PROMPT, "the maker is gone", || objects() == 2);
        assert_eq!(two.get().expect("it stays"), 12);
        assert_eq!(names.len().expect("it stays"), 2);
    });
}

#[mp::test]
fn mgr_23_only_a_server_is_the_current_one() {
    let error = Manager::current().expect_err("this process serves nothing");
    assert_eq!(error.kind(), ErrorKind::NotRunning);
    assert!(Maker::new().is_err());
}

struct Fibonacci(u64, u64);

#[mp::manager]
impl Fibonacci {
    pub fn new() -> Self {
        Self(0, 1)
    }

    #[allow(clippy::should_implement_trait, reason = "it is served")]
    pub fn next(&mut self) -> Option<u64> {
        if self.1 > 1000 {
            return None;
        }
        *self = Self(self.1, self.0 + self.1);
        Some(self.0)
    }
}

#[mp::test]
fn mgr_23_a_proxy_is_an_iterator() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let numbers = manager.create::<Fibonacci>(()).expect("an object");
        let first: mp::Result<Vec<u64>> = (&numbers).into_iter().take(5).collect();
        assert_eq!(first.expect("numbers"), [1, 1, 2, 3, 5]);
        assert_eq!(numbers.next().expect("a call"), Some(8));
        let rest: mp::Result<Vec<u64>> = (&numbers).into_iter().collect();
        assert_eq!(rest.expect("numbers").last(), Some(&987));
        manager.shutdown().expect("an end");
        let mut ended = numbers.into_iter();
        assert!(ended.next().is_some_and(|step| step.is_err()));
        assert!(ended.next().is_none(), "it ends with an error");
    });
}

/// Says when it is dropped.
struct Fragile(Event);

#[mp::manager]
impl Fragile {
    pub fn new(dropped: Event) -> Self {
        Self(dropped)
    }

    pub fn is_there(&self) -> bool {
        !self.0.is_set()
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        self.0.set();
        panic!("as planned");
    }
}

#[mp::task]
fn hold(object: FragileProxy, ready: Event) {
    assert!(object.is_there().expect("the server is there"));
    ready.set();
    std::thread::park();
    drop(object);
}

#[mp::test]
fn mgr_21_an_object_is_dropped_with_its_last_proxy() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let (dropped, ready) = (Event::new().expect("an event"), Event::new().expect("an event"));
        let object = manager.create::<Fragile>(dropped.clone()).expect("an object");
        let holder = mp::spawn(hold, (object, ready.clone())).expect("a process");
        ready.wait();
        assert!(!dropped.is_set());
        assert_eq!(manager.number_of_objects().expect("a number"), 1);
        holder.kill().expect("it is a child");
        dropped.wait();
        wait_until(PROMPT, "it is gone", || manager.number_of_objects().is_ok_and(|n| n == 0));
    });
}
