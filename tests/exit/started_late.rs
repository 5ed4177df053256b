//! Children that are started while the program ends: each is waited for like any other, or refused.

use crate::say;
use crate::support::{repeat, scenario_main};
use std::thread;

#[mp::task]
fn say_done() {
    println!("done");
}

#[mp::test]
fn exit_04_a_child_started_at_the_end_is_waited_for_or_refused() {
    let program = scenario_main!(|| {
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            while let Ok(process) = mp::spawn(say_done, ()) {
                say("started");
                let _ = tell.send(());
                drop(process);
            }
        });
        told.recv().expect("one is started");
    });
    repeat(20, |_| {
        let finished = program.clone().run();
        finished.assert_success();
        let count = |line| finished.stdout.lines().filter(|other| *other == line).count();
        assert!(count("started") <= count("done"), "{}", finished.stdout);
    });
}
