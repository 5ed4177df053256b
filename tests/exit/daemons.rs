//! Who is a daemon, and what daemons may not do. Their end is in `ending`.

use crate::support::{scenario, watchdog};
use crate::{LONG, daemon};
use mp::ErrorKind::DaemonicChild;

#[mp::task]
fn nothing() {}

/// The daemon flag of this process, and of one that it makes.
#[mp::task]
fn flags() -> [bool; 2] {
    [mp::current_process().daemon(), mp::Process::new(nothing, ()).daemon()]
}

/// The flags of a process that this one starts.
#[mp::task]
fn flags_below() -> [bool; 2] {
    mp::spawn(flags, ()).expect("it starts").result().expect("it returns")
}

#[mp::test]
fn exit_01_a_process_is_what_its_creator_is_unless_told_otherwise() {
    watchdog(LONG, || {
        let process = mp::Process::new(flags, ());
        assert!(!process.daemon(), "a main program is none");
        let [plain, told] = [mp::spawn(flags, ()).expect("it starts"), daemon(flags, ())];
        assert_eq!((plain.daemon(), told.daemon()), (false, true));
        assert_eq!(plain.result().expect("it returns"), [false, false]);
        assert_eq!(told.result().expect("it returns"), [true, true]);
        // A worker is shown as one, and what it starts is none.
        let pool = mp::Pool::new(1).expect("it starts");
        assert_eq!(pool.apply(flags, ()).expect("it returns"), [true, false]);
        assert_eq!(pool.apply(flags_below, ()).expect("it returns"), [false, false]);
    });
}

#[mp::test]
fn exit_01_the_flag_is_set_before_the_start() {
    watchdog(LONG, || {
        let process = mp::spawn(flags, ()).expect("it starts").with_daemon(true);
        assert!(!process.daemon());
        assert_eq!(process.result().expect("it returns"), [false, false]);
    });
}

#[mp::task]
fn is_refused() -> [String; 2] {
    let process = mp::spawn(nothing, ()).expect_err("a daemon may not");
    let pool = mp::Pool::new(1).expect_err("a daemon may not");
    assert!(mp::active_children().is_empty());
    [process, pool].map(|error| {
        assert_eq!(error.kind(), DaemonicChild);
        error.to_string()
    })
}

#[mp::test]
fn exit_02_a_daemon_may_not_start_processes_and_goes_on() {
    let program = scenario!(|| {
        let process = daemon(is_refused, ());
        for text in process.result().expect("it goes on") {
            assert!(text.contains("Process-1") && text.contains("daemon"), "{text}");
        }
        assert_eq!(process.exit_code(), Some(0));
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}
