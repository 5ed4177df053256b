//! The address of a function, however deep.

#[mp::task]
fn call(function: fn(i32) -> i32) -> i32 { //~ error[E0277]: `fn(i32) -> i32` is where a function lies in one process .. says which function to call
    function(1)
}

#[mp::task]
fn borrowing(functions: Vec<for<'a> fn(&'a str, u8, u8) -> &'a str>) -> usize { //~ `for<'a> fn(&'a str, u8, u8) -> &'a str` is where a function lies
    functions.len()
}

fn main() {
    call(|i| i);
    borrowing(vec![]);
}
