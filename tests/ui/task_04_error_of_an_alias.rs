//! An alias of `Result` does not show which error it has.

type Answer = Result<i32, std::num::ParseIntError>;

#[mp::task]
fn io() -> std::io::Result<String> { //~ error[E0277]: the error of `Result<String, std::io::Error>` cannot travel .. return its text
    std::fs::read_to_string("x")
}

#[mp::task]
fn own(text: &str) -> Answer { //~ error[E0277]: the error of `Result<i32, ParseIntError>` cannot travel
    text.parse()
}

fn main() {
    io().unwrap();
    own("1").unwrap();
}
