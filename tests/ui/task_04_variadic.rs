//! A task with any number of arguments.
#![expect(unsafe_code, reason = "is what is refused")]

#[mp::task]
unsafe extern "C" fn foo(count: i32, ...) {} //~ `unsafe` //~ a foreign ABI //~ a task cannot be variadic: take a `Vec`

fn main() {
    let _ = mp::spawn(foo, 1);
}
