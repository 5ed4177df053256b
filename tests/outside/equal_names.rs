//! Two tasks with one given name: refused before main.

#[mp::task(name = "same")]
fn one() {}

#[mp::task(name = "same")]
fn two() {}

#[mp::main]
fn main() {
    println!("main runs");
    one();
    two();
}
