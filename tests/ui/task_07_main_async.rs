//! A future that nobody runs.

#[mp::main]
async fn main() {} //~ `main` cannot be `async` by itself .. below `#[mp::main]`
