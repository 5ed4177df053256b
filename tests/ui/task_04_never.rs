//! A task that cannot return has no result.

#[mp::task]
fn foo() -> ! { //~ a task must be able to return: leave `-> !` out
    loop {}
}

fn main() {
    foo();
}
