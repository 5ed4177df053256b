//! A process has one owner: it can be neither copied nor started by two.

#[mp::task]
fn child() {}

#[mp::main]
fn main() -> mp::Result<()> {
    let process = mp::spawn(child, ())?;
    let other = process.clone(); //~ no method named `clone` found for struct `Process<T>`
    other.join()
}
