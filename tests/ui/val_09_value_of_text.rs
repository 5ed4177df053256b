//! What has pointers cannot lie in shared memory. Of each of zerocopy's traits that is missing, rustc makes an error.

#[mp::main]
fn main() -> mp::Result<()> {
    mp::Value::new(String::new())?; //~ `String` is no plain data, so it cannot lie in memory that processes share .. FromBytes //~ `String` is no plain data .. IntoBytes //~ `String` is no plain data .. Immutable
    Ok(())
}
