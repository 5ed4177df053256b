//! A process belongs to the one that started it.

#[mp::task]
fn child() {}

#[mp::task]
fn foo(process: mp::Process<child>) { //~ error[E0277]: `Process<child>` belongs to the process that made it, and cannot travel to another
    process.join().unwrap();
}

fn main() {
    foo(mp::spawn(child, ()).unwrap());
}
