//! A task that its caller would have to vouch for.
#![expect(unsafe_code, reason = "is what is refused")]

#[mp::task]
unsafe fn foo(i: i32) -> i32 { //~ a task cannot be `unsafe` .. write a safe function
    i
}

fn main() {
    let _ = mp::spawn(foo, 1);
}
