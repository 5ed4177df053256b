//! A task that changes a value, given what it does not take.

#[mp::task]
fn add(now: Option<u32>, more: u32) -> Option<u32> {
    now.map(|now| now + more)
}

fn main() -> mp::Result<()> {
    let dict = mp::Manager::new()?.dict::<u8, u32>()?;
    dict.update_by(&1, add, "2")?; //~ error[E0308]: mismatched types .. expected `u32`, found `&str`
    Ok(())
}
