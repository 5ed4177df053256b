//! Who is whose parent: the main program prints about itself, then a child does the same, and the child's parent is the
//! main program.

use std::process::id;

#[mp::task]
fn info(title: &str) {
    println!("{title}");
    println!("  module name: {}", module_path!());
    println!("  process name: {}", mp::current_process().name());
    // A main program's parent is whoever started it, no process of mp.
    match mp::parent_process() {
        Some(parent) => println!("  parent process: {} ({})", parent.pid(), parent.name()),
        None => println!("  parent process: {}", std::os::unix::process::parent_id()),
    }
    println!("  process id: {}", id());
}

#[mp::task]
fn f(name: &str) {
    info("function f");
    println!("hello {name}");
}

#[mp::main]
fn main() -> mp::Result<()> {
    info("main line");
    let process = mp::spawn(f, "bob")?;
    process.join()?;
    assert_eq!(process.exit_code(), Some(0));
    Ok(())
}
