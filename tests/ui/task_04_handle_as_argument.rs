//! A call's handle is filled in the process that submitted it.

#[mp::task]
fn foo(handle: mp::AsyncResult<i32>) { //~ error[E0277]: `AsyncResult<i32>` belongs to the process that made it, and cannot travel to another
    handle.wait();
}

fn main() {
    let _ = foo;
}
