//! Standard input in children, whatever it is in their parent.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use crate::support::{open_descriptors, scenario};
use crate::{kernel, nothing, own_pid};

/// Where descriptor 0 leads, and what can be read there.
#[mp::task]
fn look_at_stdin() -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).expect("it is readable");
    let link = fs::read_link("/proc/self/fd/0").expect("it is open");
    (link.to_string_lossy().into_owned(), bytes)
}

#[mp::test]
fn proc_21_a_child_reads_nothing_and_takes_nothing() {
    let program = scenario!(|| {
        let (input, mut typed) = io::pipe().expect("a pipe");
        kernel::replace(0, input.as_fd());
        drop(input);
        typed.write_all(b"typed by the user").expect("a reader is there");
        // Open for as long as the children run: one that read here would wait for ever.
        let process = mp::spawn(look_at_stdin, ()).expect("it starts");
        assert_eq!(process.result().expect("it returns"), ("/dev/null".to_owned(), Vec::new()));
        let pool = mp::Pool::new(1).expect("it starts");
        let told = pool.apply(look_at_stdin, ()).expect("it returns");
        assert_eq!(told, ("/dev/null".to_owned(), Vec::new()));
        pool.close();
        pool.join().expect("it is closed");
        drop(typed);
        let mut rest = String::new();
        io::stdin().read_to_string(&mut rest).expect("it is text");
        assert_eq!(rest, "typed by the user");
    });
    program.run().assert_success();
}

/// Descriptors made after that get the low numbers, the library's own among them.
#[mp::test]
fn proc_21_a_parent_may_have_closed_its_stdin() {
    let program = scenario!(|| {
        kernel::close_standard(&[0]);
        let process = mp::spawn(look_at_stdin, ()).expect("it starts");
        assert_eq!(process.result().expect("it returns"), ("/dev/null".to_owned(), Vec::new()));
        let pool = mp::Pool::new(2).expect("it starts");
        let told = pool.apply(look_at_stdin, ()).expect("it returns");
        assert_eq!(told, ("/dev/null".to_owned(), Vec::new()));
        assert!(!open_descriptors(own_pid()).contains_key(&0), "none of ours is what it reads");
        pool.close();
        pool.join().expect("it is closed");
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_21_a_parent_may_have_closed_all_three() {
    let program = scenario!(|| {
        kernel::close_standard(&[0, 1, 2]);
        let process = mp::spawn(nothing, ()).expect("it starts");
        process.result().expect("it returns");
        let pool = mp::Pool::new(2).expect("it starts");
        pool.apply(nothing, ()).expect("it returns");
        let open = open_descriptors(own_pid());
        assert!((0..=2).all(|standard| !open.contains_key(&standard)), "none of ours: {open:?}");
        pool.close();
        pool.join().expect("it is closed");
    });
    program.run().assert_success();
}
