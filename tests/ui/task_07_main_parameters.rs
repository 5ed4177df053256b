//! A main with parameters.

#[mp::main]
fn main(arguments: Vec<String>) { //~ `main` takes no parameters
    drop(arguments);
}
