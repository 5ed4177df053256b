//! A task that is to change the value of a dictionary, and gives the value itself.

#[mp::task]
fn add(now: Option<u32>, more: u32) -> u32 {
    now.unwrap_or(0) + more
}

fn main() -> mp::Result<()> {
    let dict = mp::Manager::new()?.dict::<u8, u32>()?;
    dict.update_by(&1, add, 2)?; //~ error[E0277]: this task does not give a new .. an `Option` of it
    Ok(())
}
