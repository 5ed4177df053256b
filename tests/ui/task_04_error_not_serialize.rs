//! The error of a task travels, too.

#[mp::task]
fn foo(i: i32) -> Result<i32, std::io::Error> { //~ `std::io::Error: serde::Serialize` is not satisfied //~ `std::io::Error: serde::Deserialize<'de>` is not satisfied
    Ok(i)
}

fn main() {
    foo(1).unwrap();
}
