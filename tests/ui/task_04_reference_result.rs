//! A result cannot borrow from a process that ends.

#[mp::task]
fn argument(text: &str) -> &str { //~ a task must return an owned value .. return `String`
    text
}

#[mp::task]
fn constant() -> &'static str { //~ a task must return an owned value .. return `String`
    "x"
}

#[mp::task]
fn inner(bytes: &[u8]) -> Option<&[u8]> { //~ a task must return an owned value .. return `Vec<u8>`
    bytes.get(1..)
}

#[mp::task]
fn cow(text: &str) -> std::borrow::Cow<'_, str> { //~ owned value .. this type borrows
    text.into()
}

fn main() {
    argument("x");
    constant();
    inner(b"x");
    cow("x");
}
