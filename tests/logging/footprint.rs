//! What forwarding records costs of the system: a thread here, and nothing in children.

use crate::support::{Footprint, open_descriptors, scenario};
use crate::{LONG, keep_and_forward, log_lines, say, texts_of};

#[mp::task]
fn descriptors_and_threads() -> (usize, usize) {
    tracing::info!("here");
    let own = std::process::id().cast_signed();
    (open_descriptors(own).len(), crate::support::thread_count())
}

#[mp::test]
fn bey_52_forwarding_takes_a_thread_and_no_descriptor() {
    let program = scenario!(|| {
        let ask = || mp::spawn(descriptors_and_threads, ()).and_then(|process| process.result());
        let (without, threads) = (ask().expect("it returns"), crate::support::thread_count());
        let own = std::process::id().cast_signed();
        let open = open_descriptors(own).len();
        keep_and_forward(mp::LogLevel::Info);
        assert_eq!(open_descriptors(own).len(), open);
        assert_eq!(crate::support::thread_count(), threads + 1);
        assert_eq!(ask().expect("it returns"), without);
        assert_eq!(texts_of("Process-2"), ["here"]);
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_what_records_took_is_given_back() {
    let program = scenario!(|| {
        keep_and_forward(mp::LogLevel::Debug);
        let round = || {
            mp::spawn(log_lines, 500).and_then(|process| process.join()).expect("it ends");
            let pool = mp::Pool::new(2).expect("it starts");
            pool.apply(say, "worker").expect("it returns");
            pool.close();
            pool.join().expect("it ends");
        };
        round();
        let before = Footprint::now();
        (0..5).for_each(|_| round());
        before.assert_restored(LONG);
    });
    program.limit(LONG).run().assert_success();
}
