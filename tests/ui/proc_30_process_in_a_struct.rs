//! A process in a struct of the user's: serde's derive refuses it, in its own words.

#[mp::task]
fn child() {}

#[derive(serde::Serialize)] //~ `Process<child>: serde::Serialize` is not satisfied
struct Job {
    process: mp::Process<child>,
}

fn main() {}
