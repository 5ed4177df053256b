//! Options that are off by one letter.

#[mp::task(nmae = "x")] //~ error: unknown option `nmae`: did you mean `name`?
fn swapped() {}

#[mp::task(names = "x")] //~ error: unknown option `names`: did you mean `name`?
fn longer() {}

#[mp::task(nam = "x")] //~ error: unknown option `nam`: did you mean `name`?
fn shorter() {}

#[mp::task(Name = "x")] //~ error: unknown option `Name`: did you mean `name`?
fn other() {}

#[mp::task(crates = x)] //~ error: unknown option `crates`: did you mean `crate`?
fn path() {}

#[mp::task(timeout = 3)] //~ error: unknown option `timeout`: `#[mp::task]` takes `name = ".."`, `as = Name` and `crate = path`
fn far() {}

#[mp::task(name = "x" as = Y)] //~ error: expected `,`
fn comma() {}

#[mp::task(name("x"))] //~ error: `name` needs a value: `name = ..`
fn parentheses() {}

fn main() {
    swapped();
}
