//! A program that forbids unsafe code, with everything that the macros write.
//! No watchdog here, since `support` calls the kernel: each wait has a limit of its own.
#![forbid(unsafe_code)]

use std::sync::mpsc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[mp::task]
fn double(n: i64) -> i64 {
    2 * n
}

#[mp::task(name = "length of a text")]
fn length(text: &str, bytes: &[u8]) -> usize {
    text.len() + bytes.len()
}

#[mp::task(as = Half, crate = ::mp)]
fn half(n: u64) -> Result<u64, String> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) }
}

/// What `#[mp::main]` writes stands under the same lint.
#[mp::main]
fn main() -> mp::Result<()> {
    assert_eq!(value_of(mp::spawn(double, 4)?), Ok(8));
    Ok(())
}

fn value_of<T: mp::Task>(process: mp::Process<T>) -> Result<T::Output, String> {
    match process.join_timeout(LIMIT) {
        Ok(true) => process.result().map_err(|error| format!("{error:?}")),
        late => {
            process.kill().expect("it was started");
            Err(format!("{late:?}"))
        }
    }
}

#[mp::test]
fn process_runs_without_unsafe() {
    let process = mp::spawn(double, 21).expect("a process");
    let pid = process.pid();
    assert_eq!(value_of(process), Ok(42));
    assert_ne!(pid, Some(std::process::id()));
    assert_eq!(value_of(mp::spawn(Half, 7).expect("a process")), Ok(Err("7 is odd".to_owned())));
    assert_eq!(half(8), Ok(4));
}

#[mp::test]
fn pool_runs_without_unsafe() {
    let pool = mp::Pool::new(1).expect("a pool");
    let (tell, told) = mpsc::channel();
    pool.apply_async(double, 4, move |value| tell.send(value).expect("somebody listens"));
    assert_eq!(told.recv_timeout(LIMIT), Ok(8));
    let handle = pool.submit(length, ("four", b"123"));
    assert_eq!(handle.get_timeout(LIMIT).expect("a value"), 7);
}

/// In a process of its own: where main returns, the program ends.
#[mp::task]
fn run_main() {
    main().expect("its child gives a value");
}

#[test]
fn main_runs_without_unsafe() {
    assert_eq!(value_of(mp::spawn(run_main, ()).expect("a process")), Ok(()));
}
