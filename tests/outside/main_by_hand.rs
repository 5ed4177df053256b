//! A hand-written main that says `mp::init()`, with a gate before it at which one child waits.

use std::fs::File;
use std::{env, process};

#[mp::task]
fn measure(text: &str) -> (usize, u32) {
    (text.len(), process::id())
}

fn main() -> mp::Result<()> {
    if let Some(path) = env::var_os("GATE") {
        println!("a child is at the gate");
        File::open(path).and_then(|gate| gate.lock()).expect("the parent opens the gate");
    }
    let _guard = mp::init();
    println!("main runs");

    let gate = env::current_dir().expect("a directory").join("gate");
    let closed = File::create(&gate).expect("a file");
    closed.lock().expect("a lock");
    let text = "x".repeat(100 << 20);
    let mut process = mp::Process::new(measure, &text).with_env("GATE", gate);
    process.start()?;
    println!("started, ended: {:?}", process.exit_code());
    closed.unlock().expect("it is locked");
    let (len, pid) = process.result()?;
    println!("measured {len} elsewhere: {}", pid != process::id());
    Ok(())
}
