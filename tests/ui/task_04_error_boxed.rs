//! Any error in a box has a type that the other process does not know.
use std::error::Error;

#[mp::task]
fn foo(text: &str) -> Result<i32, Box<dyn Error + Send + Sync>> { //~ error[E0277]: the error `Box<dyn std::error::Error + Send + Sync>` cannot travel .. return its text, a `String`
    Ok(text.parse()?)
}

#[mp::task]
fn bar(text: &str) -> Result<i32, Box<dyn Error>> { //~ error[E0277]: the error `Box<dyn std::error::Error>` cannot travel
    Ok(text.parse()?)
}

fn main() {
    foo("1").unwrap();
    bar("1").unwrap();
}
