//! Managed objects of the tests' own classes: what is served, and what of a method's end reaches whom.
//! What such a class may look like is for `tests/ui` and the macro's own tests.

#[path = "../support/mod.rs"]
mod support;

mod classes;
mod ends;
mod makes;
mod turns;

use classes::{Counter, CounterProxy, Odd, Shop, Typed};
use mp::{ErrorKind, Manager};
use std::time::Duration;

/// What "promptly" means, on a loaded machine too.
const PROMPT: Duration = Duration::from_secs(5);

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(Duration::from_secs(60), body)
}

#[mp::task]
fn count(counter: CounterProxy, times: u64) -> u64 {
    (0..times).map(|_| counter.add(1).expect("the server is there")).max().unwrap_or(0)
}

#[mp::test]
fn mgr_22_methods_are_called_from_everywhere() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let counter = manager.create::<Counter>(10).expect("an object");
        let starts = (0..4).map(|_| mp::spawn(count, (counter.clone(), 100)).expect("a process"));
        let processes: Vec<_> = starts.collect();
        for process in processes {
            assert!(process.result().expect("a value") >= 110);
        }
        assert_eq!(counter.get().expect("a value"), 410);
        assert_eq!(counter.name_of(7, "x").expect("a value"), "x7");
        assert_eq!(counter.reset().expect("a unit"), ());
        assert_eq!(counter.get().expect("a value"), 0);
    });
}

#[mp::test]
fn mgr_22_an_object_is_a_plain_one_as_well() {
    let mut counter = Counter::new(1);
    assert_eq!((counter.add(1), counter.get(), counter.hidden()), (2, 2, 2));
}

#[mp::test]
fn mgr_22_a_type_may_stand_in_a_function() {
    struct Word(&'static str);

    #[mp::manager(proxy = Handle)]
    impl Word {
        fn new() -> Self {
            Self("here")
        }

        #[cfg(not(target_os = "linux"))]
        pub fn get(&self) -> u8 {
            0
        }

        #[cfg(target_os = "linux")]
        pub fn get(&self) -> String {
            self.0.to_owned()
        }
    }

    watched(|| {
        let manager = Manager::new().expect("a server");
        let word: Handle = manager.create::<Word>(()).expect("an object");
        assert_eq!(word.get().expect("a value"), "here");
    });
}

#[mp::test]
fn mgr_22_every_form_of_argument_arrives() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let typed = manager.create::<Typed>(("a", vec![1, 2], b"xyz")).expect("an object");
        assert_eq!(typed.all().expect("a value"), ("a".to_owned(), vec![1, 2], b"xyz".to_vec()));
        assert_eq!(typed.bytes(vec![7; 100_000]).expect("a value"), vec![7; 100_000]);
        let owned = String::from("owned");
        assert_eq!(typed.text(&owned, Some("x"), &[1, 2]).expect("a value"), "owned x 2");
        let sum = typed.many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        assert_eq!(sum.expect("a value"), 78);
        let queue = mp::Queue::new().expect("a queue");
        queue.put("put".to_owned()).expect("room");
        // Now only the server has it.
        typed.keep(queue).expect("a unit");
        let queue = typed.kept().expect("a call").expect("a queue");
        assert_eq!(queue.get().expect("a value"), "put");
    });
}

#[mp::test]
fn mgr_22_an_error_of_a_method_is_that_error() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let shop = manager.create::<Shop>(3).expect("a server").expect("an object");
        assert_eq!(shop.take(2).expect("a call"), Ok(1));
        assert_eq!(shop.take(2).expect("a call"), Err(Odd { wanted: 2, left: 1 }));
        assert_eq!(shop.take(1).expect("a call"), Ok(0));
        let refused = manager.create::<Shop>(1000).expect("a server").expect_err("too many");
        assert_eq!(refused, Odd { wanted: 1000, left: 100 });
        assert_eq!(manager.number_of_objects().expect("a number"), 1);
    });
}

#[mp::test]
fn mgr_22_a_panic_is_its_callers_alone() {
    watched(|| {
        let manager = Manager::builder().name("keeper").start().expect("a server");
        let counter = manager.create::<Counter>(1).expect("an object");
        for _ in 0..2 {
            let error = counter.fail("as planned").expect_err("it panics");
            assert_eq!(error.kind(), ErrorKind::Panicked);
            let panic = error.panic().expect("what it was");
            assert_eq!((panic.message(), panic.worker()), ("as planned", "keeper"));
            assert!(panic.location().contains("classes.rs:"), "{panic:?}");
            assert!(error.to_string().contains("Counter::fail panicked at"), "{error}");
        }
        assert_eq!(counter.get().expect("it goes on"), 3, "it panicked after its change");
        let error = manager.create::<Counter>(13).expect_err("it panics");
        assert_eq!(error.panic().map(mp::RemotePanic::message), Some("an unlucky number"));
        assert_eq!(manager.number_of_objects().expect("a number"), 1);
    });
}

#[mp::test]
fn mgr_22_a_panic_in_a_method_prints_nothing() {
    let program = support::scenario!(|| {
        let manager = Manager::new().expect("a server");
        let counter = manager.create::<Counter>(1).expect("an object");
        let error = counter.fail("as planned").expect_err("it panics");
        println!("kind {:?}", error.kind());
    });
    let finished = program.limit(Duration::from_secs(30)).run();
    finished.assert_success();
    assert_eq!(finished.value("kind "), "Panicked");
    assert!(!finished.stderr.contains("as planned"), "{}", finished.stderr);
}

#[mp::test]
fn mgr_24_a_result_that_cannot_be_sent_is_an_error() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let shop = manager.create::<Shop>(3).expect("a server").expect("an object");
        for round in 0..3 {
            let error = shop.unsendable().expect_err("it cannot be encoded");
            assert_eq!(error.kind(), ErrorKind::Remote, "{error}");
            assert!(error.to_string().contains("Shop::unsendable could not be sent"), "{error}");
            assert!(error.to_string().contains("no way"), "{error}");
            assert_eq!(shop.take(1).expect("it goes on"), Ok(2 - round));
        }
    });
}

#[mp::test]
fn mgr_12_proxies_travel() {
    watched(|| {
        let manager = Manager::new().expect("a server");
        let counter = manager.create::<Counter>(0).expect("an object");
        let queue = mp::Queue::new().expect("a queue");
        queue.put(counter.clone()).expect("room");
        let by_queue = queue.get().expect("a value");
        let dict = manager.dict().expect("a dictionary");
        dict.insert("one".to_owned(), counter.clone()).expect("room");
        let by_dict = dict.get(&"one".to_owned()).expect("a call").expect("a value");
        let pool = mp::Pool::new(2).expect("a pool");
        pool.starmap(count, vec![(counter, 5), (by_queue, 5), (by_dict.clone(), 5)]).expect("sums");
        assert_eq!(by_dict.get().expect("a value"), 15);
        assert_eq!(format!("{by_dict:?}"), "CounterProxy(object 1)");
    });
}
