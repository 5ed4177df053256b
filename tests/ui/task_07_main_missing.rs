//! A program of tasks only.

#[mp::task]
pub fn foo() {} //~ `main` function not found
