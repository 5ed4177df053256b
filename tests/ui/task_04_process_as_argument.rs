//! A process belongs to the one that started it.

#[mp::task]
fn child() {}

#[mp::task]
fn foo(process: mp::Process<child>) { //~ `Process<child>: serde::Serialize` is not satisfied //~ `Process<child>: serde::Deserialize<'de>` is not satisfied
    process.join().unwrap();
}

fn main() {
    foo(mp::spawn(child, ()).unwrap());
}
