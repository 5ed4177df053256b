//! A task cannot be a future.

#[mp::task]
async fn foo(i: i32) -> i32 { //~ a task cannot be `async` .. blocks on the future
    i
}

fn main() {
    let _ = mp::spawn(foo, 1);
}
