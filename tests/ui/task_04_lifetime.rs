//! A task that names the lifetime of what it borrows.

#[mp::task]
fn foo<'a>(text: &'a str) -> usize { //~ a task has no lifetime parameters: leave them out
    text.len()
}

fn main() {
    foo("x");
}
