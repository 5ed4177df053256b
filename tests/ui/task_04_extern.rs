//! A task with the calling convention of C.

#[mp::task]
extern "C" fn foo(i: i32) -> i32 { //~ a task cannot have a foreign ABI
    i
}

fn main() {
    let _ = mp::spawn(foo, 1);
}
