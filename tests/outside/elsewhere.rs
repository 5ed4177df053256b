//! A program that is not told of its library's tasks, but only calls what starts one.

#[mp::main]
fn main() -> mp::Result<()> {
    println!("half {}", second::half_elsewhere(60)?);
    Ok(())
}
