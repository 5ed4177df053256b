//! A forked child is what an exec'd one is: ids, surroundings, descriptors, names, at the moment of its start.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::{env, fs, thread};

use mp::StartMethod::{ForkServer, Reexec};

use crate::support::{name_of, open_descriptors, process_exists, scenario, wait_until, watchdog};
use crate::{LONG, kernel, own_pid, run, server};

#[mp::task]
fn ids() -> (i32, i32, i32, i32, bool) {
    let own = own_pid();
    let (cached, thread) = (kernel::cached_thread_id(), kernel::thread_id());
    (own, kernel::parent(), cached, thread, kernel::has_robust_list())
}

#[mp::test]
fn proc_12_a_forked_child_is_a_child_of_ours_and_knows_its_ids() {
    watchdog(LONG, || {
        let (own, parent, cached, thread, robust) = run(ForkServer, ids, ());
        assert_eq!(parent, own_pid());
        assert_eq!((cached, thread), (own, own));
        assert!(robust);
    });
}

#[mp::task]
fn shown_name() -> String {
    name_of(own_pid())
}

#[mp::test]
fn task_14_a_forked_child_has_the_programs_name() {
    watchdog(LONG, || assert_eq!(run(ForkServer, shown_name, ()), run(Reexec, shown_name, ())));
}

/// What must be alike. Signals: what is blocked, ignored and caught.
#[mp::task]
fn surroundings() -> (PathBuf, u32, i32, (u64, u64), usize, Vec<String>) {
    let status = fs::read_to_string("/proc/self/status").expect("it is there");
    let signals = status.lines().filter(|line| line.starts_with("Sig"));
    // How many are pending depends on nothing here.
    let signals = signals.filter(|line| !line.starts_with("SigQ")).map(String::from).collect();
    let mask = kernel::set_umask(0);
    let directory = env::current_dir().expect("it is there");
    let cpus = mp::cpu_count();
    (directory, mask, kernel::nice(0), kernel::descriptor_limit(), cpus, signals)
}

/// The variables, sorted.
#[mp::task]
fn variables() -> Vec<(OsString, OsString)> {
    let mut all: Vec<_> = env::vars_os().collect();
    all.sort();
    all
}

#[mp::test]
fn task_11_a_forked_child_has_the_surroundings_of_its_start() {
    let program = scenario!(|| {
        assert_eq!(run(ForkServer, surroundings, ()), run(Reexec, surroundings, ()));
        let server = server();
        env::set_current_dir("/proc").expect("it is there");
        kernel::set_umask(0o027);
        kernel::nice(3);
        kernel::set_descriptor_limit(200);
        kernel::stay_on_one_cpu();
        let forked = run(ForkServer, surroundings, ());
        assert_eq!(forked, run(Reexec, surroundings, ()));
        let (directory, mask, _, (limit, _), cpus, _) = forked;
        assert_eq!((directory, mask, limit, cpus), (PathBuf::from("/proc"), 0o027, 200, 1));
        assert_eq!(server, crate::server(), "that is the same one");
    });
    program.run().assert_success();
}

#[mp::test]
fn task_11_a_forked_child_has_the_environment_of_its_start() {
    let program = scenario!(|| {
        assert_eq!(run(ForkServer, variables, ()), run(Reexec, variables, ()));
        let with = |method| {
            let process = mp::Process::new(variables, ()).with_start_method(method);
            let mut process = process.with_env("MP_TEST_GIVEN", "a=b").with_env("HOME", "");
            process.start().expect("it starts");
            process.result().expect("it returns")
        };
        assert_eq!(with(ForkServer), with(Reexec));
        assert!(with(ForkServer).contains(&("MP_TEST_GIVEN".into(), "a=b".into())));
        // What was given to one is not in the next.
        assert_eq!(run(ForkServer, variables, ()), run(Reexec, variables, ()));
    });
    program.run().assert_success();
}

#[mp::task]
fn sets_and_reads(name: &str) -> Option<String> {
    let before = env::var(name).ok();
    crate::support::set_variable(name, "changed");
    assert_eq!(env::var(name).as_deref(), Ok("changed"));
    assert!(env::vars().count() > 1);
    before
}

#[mp::test]
fn task_11_a_forked_childs_change_of_its_environment_is_its_own() {
    watchdog(LONG, || {
        for _ in 0..3 {
            assert_eq!(run(ForkServer, sets_and_reads, "MP_TEST_CHANGED"), None);
        }
    });
}

/// Where descriptors lead, without the numbers of pipes and sockets.
#[mp::task]
fn descriptors() -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for link in open_descriptors(own_pid()).into_values() {
        let kind = if link.starts_with('/') { link } else { link.replace(char::is_numeric, "") };
        *count.entry(kind).or_insert(0) += 1;
    }
    count
}

#[mp::test]
fn res_02_a_forked_child_has_exactly_its_descriptors() {
    let program = scenario!(|| {
        let _other = File::open("/dev/zero").expect("it is there");
        let exec = run(Reexec, descriptors, ());
        assert_eq!(run(ForkServer, descriptors, ()), exec);
        let pool = mp::Pool::builder().processes(2).start_method(ForkServer).build();
        let pool = pool.expect("it starts");
        assert_eq!(run(ForkServer, descriptors, ()), exec);
        let execd = mp::Pool::new(2).expect("it starts");
        let forked = pool.apply(descriptors, ()).expect("it returns");
        assert_eq!(forked, execd.apply(descriptors, ()).expect("it returns"));
    });
    program.env("MP_TEST_START_METHOD", "reexec").run().assert_success();
}

#[mp::task]
fn content_of(files: Vec<mp::Fd>) -> usize {
    files.len()
}

#[mp::test]
fn task_17_more_handles_than_one_message_takes() {
    watchdog(LONG, || {
        let null = File::open("/dev/null").expect("it is there");
        let files = (0..600).map(|_| null.as_fd().try_clone_to_owned().expect("a copy").into());
        assert_eq!(run(ForkServer, content_of, files.collect()), 600);
    });
}

#[mp::task]
fn prints() {
    println!("printed there");
}

#[mp::test]
fn proc_18_a_forked_child_writes_where_its_parent_does_now() {
    let program = scenario!(|| {
        run(ForkServer, prints, ());
        let path = env::temp_dir().join("printed");
        let file = File::create(&path).expect("it can be made");
        kernel::replace_stdout(file.as_fd());
        run(ForkServer, prints, ());
        let printed = fs::read_to_string(&path).expect("it is there");
        fs::remove_file(path).expect("it is there");
        assert_eq!(printed, "printed there\n");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.values("printed ").len(), 1);
}

#[mp::task]
fn group_of_a_forked_one() -> (i32, i32) {
    run(ForkServer, group, ());
    // Away from the group in which the server is.
    kernel::found_group();
    (kernel::group(), run(ForkServer, group, ()))
}

#[mp::task]
fn group() -> i32 {
    kernel::group()
}

#[mp::test]
fn proc_12_a_forked_child_is_in_its_parents_group() {
    watchdog(LONG, || {
        let (own, childs) = run(Reexec, group_of_a_forked_one, ());
        assert_eq!(own, childs);
    });
}

#[mp::task]
fn effective_group() -> u32 {
    kernel::effective_group()
}

#[mp::test]
fn proc_12_a_forked_child_has_no_rights_that_its_parent_has_dropped() {
    let program = scenario!(|| {
        run(ForkServer, effective_group, ());
        if kernel::change_effective_group() {
            assert_eq!(run(ForkServer, effective_group, ()), 1);
            println!("changed 1");
        }
    });
    program.run().assert_success();
}

#[mp::task]
fn user() -> u32 {
    kernel::user()
}

/// Who may not kill the server any more that it has started.
#[mp::test]
fn proc_12_a_parent_that_becomes_nobody_gets_another_server() {
    let program = scenario!(|| {
        run(ForkServer, user, ());
        let before = server();
        if kernel::be_nobody() {
            assert_eq!(run(ForkServer, user, ()), 65534);
            assert!(!process_exists(before));
        }
    });
    let at_the_end = scenario!(|| {
        run(ForkServer, user, ());
        kernel::be_nobody();
    });
    program.run().assert_success();
    at_the_end.run().assert_success();
}

/// The parent has threads that hold what a plain fork would leave locked.
#[mp::test]
fn bey_44_busy_threads_do_not_matter() {
    let program = scenario!(|| {
        let stop = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        drop(std::hint::black_box(vec![0_u8; 100_000]));
                        print!("");
                    }
                });
            }
            for _ in 0..200 {
                run(ForkServer, allocates_and_prints, ());
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        wait_until(LONG, "no child is left", || mp::active_children().is_empty());
    });
    program.run().assert_success();
}

#[mp::task]
fn allocates_and_prints() {
    drop(std::hint::black_box(vec![0_u8; 100_000]));
    println!("here");
}
