//! Tasks that do not come to run: unknown to the child, or with arguments that do not get across (TASK-06, 19, 20).

use super::LIMIT;
use super::support::{Footprint, scenario};
use mp::__private::Entry;
use mp::ErrorKind::{Decode, Encode, UnknownTask};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// What `#[mp::task]` writes, but for the registration: as a task of a library that the linker has
/// left out of the program's table.
#[derive(Clone, Copy)]
struct Ghost;

impl mp::Task for Ghost {
    type Args<'a> = ();
    type Output = ();
    const NAME: &'static str = "library::ghost";

    fn __entry() -> &'static Entry {
        static ENTRY: Entry = Entry::new::<Ghost>(None, file!(), line!(), column!());
        &ENTRY
    }

    fn __call((): ()) {
        println!("it runs");
    }
}

#[mp::test]
fn task_06_an_unknown_task_is_an_error_on_both_sides() {
    let program = scenario!(|| {
        let mut process = mp::Process::new(Ghost, ()).with_name("haunted");
        process.start().expect("it starts");
        let error = process.result().expect_err("there is no such task");
        assert_eq!(error.kind(), UnknownTask);
        let text = error.to_string();
        assert!(text.contains("library::ghost") && text.contains("use library as _;"), "{text}");
        assert_ne!(process.exit_code(), Some(0));
        println!("code {:?}", process.exit_code());
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "code Some(70)\n");
    assert!(
        finished.stderr.starts_with("Process haunted: unknown task library::ghost: "),
        "{}",
        finished.stderr
    );
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
}

#[mp::test]
fn task_06_an_unknown_task_costs_no_worker() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(1).expect("it starts");
        let worker = mp::active_children().pop().expect("a worker");
        let error = pool.apply(Ghost, ()).expect_err("there is no such task");
        assert_eq!(error.kind(), UnknownTask);
        assert!(error.to_string().contains("library::ghost"), "{error}");
        assert!(worker.is_alive());
        pool.close();
        pool.join().expect("it is closed");
    });
    program.run().assert_success();
}

/// Fails on the way out, or on the way in.
struct Stubborn {
    encodes: bool,
}

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.encodes {
            true => serializer.serialize_unit(),
            false => Err(ser::Error::custom("it stays here")),
        }
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("it does not come in"))
    }
}

#[mp::task]
fn takes(_stubborn: Stubborn) {
    println!("it runs");
}

#[mp::test]
fn task_19_an_argument_that_does_not_encode_starts_nothing() {
    let program = scenario!(|| {
        // The first start makes what is kept for the next ones.
        let before = Footprint::now();
        for _ in 0..3 {
            let mut process = mp::Process::new(takes, Stubborn { encodes: false });
            let error = process.start().expect_err("its argument does not encode");
            assert_eq!(error.kind(), Encode);
            assert!(format!("{error:?}").contains("it stays here"), "{error:?}");
            assert_eq!((process.pid(), process.is_alive()), (None, false));
            assert!(mp::active_children().is_empty());
            assert_eq!(
                mp::spawn(takes, Stubborn { encodes: false }).err().map(|e| e.kind()),
                Some(Encode)
            );
        }
        before.assert_restored(LIMIT);
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "");
}

#[mp::test]
fn task_20_an_argument_that_does_not_decode_is_an_error_on_both_sides() {
    let program = scenario!(|| {
        let process = mp::spawn(takes, Stubborn { encodes: true }).expect("it starts");
        let error = process.result().expect_err("its argument does not decode");
        assert_eq!(error.kind(), Decode);
        assert!(error.to_string().contains("it does not come in"), "{error}");
        assert_eq!(process.exit_code(), Some(101));
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "");
    assert!(finished.stderr.starts_with("Process Process-1: "), "{}", finished.stderr);
    assert!(finished.stderr.contains("it does not come in"), "{}", finished.stderr);
}
