//! A task where std wants a closure: rustc says how the pointer is got, and then what fails without.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

fn main() {
    let _: Vec<i32> = [1].into_iter().map(foo).collect(); //~ consider dereferencing here .. *foo //~ the method `collect` exists
}
