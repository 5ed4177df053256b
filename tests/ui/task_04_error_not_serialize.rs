//! The error of a task travels, too.

#[mp::task]
fn foo(i: i32) -> Result<i32, std::io::Error> { //~ error[E0277]: the error `std::io::Error` cannot travel between processes: return its text, a `String`
    Ok(i)
}

fn main() {
    foo(1).unwrap();
}
