//! References other than `&str` and `&[u8]`, each with what to take instead.

#[mp::task]
fn string(text: &String) -> usize { //~ `&str` and `&[u8]` only .. take `&str`
    text.len()
}

#[mp::task]
fn bytes(text: &Vec<u8>) -> usize { //~ take `&[u8]`
    text.len()
}

#[mp::task]
fn numbers(all: &[i32]) -> usize { //~ take `Vec<i32>`
    all.len()
}

#[mp::task]
fn path(file: &std::path::Path) -> bool { //~ take `std::path::PathBuf`
    file.is_absolute()
}

#[mp::task]
fn inner(number: Option<&i32>) -> bool { //~ take `i32`
    number.is_some()
}

fn main() {
    string(&String::new());
    bytes(&vec![]);
    numbers(&[]);
    path("x".as_ref());
    inner(None);
}
