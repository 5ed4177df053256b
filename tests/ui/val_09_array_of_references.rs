//! What has pointers cannot lie in shared memory. Of each of zerocopy's traits that is missing, rustc makes an error.

#[mp::main]
fn main() -> mp::Result<()> {
    mp::Array::from_slice(&["a", "b"])?; //~ `&str` is no plain data, so it cannot lie in memory that processes share .. FromBytes //~ `&str` is no plain data .. IntoBytes
    Ok(())
}
