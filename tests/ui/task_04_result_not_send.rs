//! A result that travels, but only to the thread that takes it from the message.
use std::marker::PhantomData;

#[derive(serde::Serialize, serde::Deserialize)]
struct Pinned(i32, PhantomData<*const u8>);

#[mp::task]
fn foo(i: i32) -> Pinned { //~ error[E0277]: `Pinned` is not `Send`, as the result of a task must be
    Pinned(i, PhantomData)
}

fn main() {
    foo(1).0.to_string();
}
