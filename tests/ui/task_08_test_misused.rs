//! What cannot be a test.
#![expect(unsafe_code, reason = "is what is refused")]

#[mp::test]
async fn future() {} //~ a test cannot be `async` by itself .. below `#[mp::test]`

#[mp::test]
fn parameter(i: i32) {} //~ a test takes no parameters

#[mp::test]
fn generic<T>() {} //~ a test cannot be generic

#[mp::test]
unsafe fn risky() {} //~ a test cannot be `unsafe`

#[mp::test(name = "x")] //~ unknown option `name`: `#[mp::test]` takes `crate = path` only
fn option() {}

#[mp::test]
struct Test; //~ this attribute belongs on a function

#[mp::test]
#[mp::test] //~ error: `#[mp::test]` stands here twice: leave one out
fn twice() {}

fn main() {}
