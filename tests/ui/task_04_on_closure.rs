//! The attribute on a statement, which rustc refuses as well.

fn main() {
    #[mp::task] //~ custom attributes cannot be applied to statements
    let foo = |i: i32| i + 100; //~ error: this attribute belongs on a function
    foo(1);
}
