//! The attribute on a whole `impl`.

struct Foo;

#[mp::task]
impl Foo { //~ this attribute belongs on a function
    fn new() -> Self {
        Self
    }
}

fn main() {
    Foo::new();
}
