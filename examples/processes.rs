//! Ten processes started in a loop, which say hello after a second; then ten more, each of which starts a thread of its
//! own that prints its thread id.

use std::thread;
use std::time::Duration;

#[mp::task]
fn run(i: u32) {
    thread::sleep(Duration::from_secs(1));
    println!("hello-{i} from process {}", std::process::id());
}

#[mp::task]
fn run_thread(i: u32) {
    let thread = thread::spawn(move || {
        println!("hello-{i} from {:?} of process {}", thread::current().id(), std::process::id());
    });
    thread.join().expect("printing does not panic");
}

#[mp::main]
fn main() -> mp::Result<()> {
    let processes = (0..10).map(|i| mp::spawn(run, i)).collect::<mp::Result<Vec<_>>>()?;
    for process in &processes {
        process.join()?;
    }
    let processes = (0..10).map(|i| mp::spawn(run_thread, i)).collect::<mp::Result<Vec<_>>>()?;
    for process in &processes {
        process.join()?;
        assert_eq!(process.exit_code(), Some(0));
    }
    Ok(())
}
