//! A function in an `impl` that does not say so by `self` or `Self`: a macro cannot see that, and
//! rustc lets it say nothing there. The first error is the one to read; docs/limits.md has it.

struct Counter;

impl Counter {
    #[mp::task] //~ struct is not supported in `trait`s or `impl`s .. attribute macro `mp::task` //~ `const` items in this context need a name
    fn next(i: i32) -> i32 { //~ cannot find type `next` //~ cannot find struct, variant or union type `next` //~ the trait `Copy` cannot be implemented
        i + 1
    }
}

fn main() {}
