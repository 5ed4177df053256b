//! Tells what a child sees of arguments and environment, after changes that the main program made.

use std::env;
use std::ffi::OsString;

#[mp::task]
fn seen(name: String) -> (Vec<OsString>, Option<OsString>) {
    (env::args_os().collect(), env::var_os(name))
}

#[mp::main]
fn main() -> mp::Result<()> {
    let here: Vec<OsString> = env::args_os().collect();
    println!("count {}", here.len());
    // A program without threads yet, in an edition in which this was no `unsafe` call.
    env::set_var("CHANGED", "before");
    let mut unstarted = mp::Process::new(seen, "CHANGED".into());
    env::set_var("CHANGED", "after");
    env::remove_var("REMOVED");
    unstarted.start()?;
    let (arguments, changed) = unstarted.result()?;
    println!("arguments {}", arguments == here);
    println!("changed {changed:?}");
    println!("removed {:?}", mp::spawn(seen, "REMOVED".into())?.result()?.1);
    let (arguments, changed) = mp::Pool::new(1)?.apply(seen, "CHANGED".into())?;
    println!("worker {} {changed:?}", arguments == here);
    Ok(())
}
