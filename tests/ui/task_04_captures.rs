//! A task inside a function sees no more of it than any inner function does.

fn main() {
    let base = 1;
    #[mp::task]
    fn foo(i: i32) -> i32 {
        i + base //~ attempt to use a non-constant value
    }
    foo(base);
}
