//! A call's handle is filled in the process that submitted it.

#[mp::task]
fn foo(handle: mp::AsyncResult<i32>) { //~ `AsyncResult<i32>: serde::Serialize` is not satisfied //~ `AsyncResult<i32>: serde::Deserialize<'de>` is not satisfied
    handle.wait();
}

fn main() {
    let _ = foo;
}
