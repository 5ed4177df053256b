//! A task that is to change the value of a dictionary, and takes the value itself.

#[mp::task]
fn add(now: u32, more: u32) -> Option<u32> {
    Some(now + more)
}

fn main() -> mp::Result<()> {
    let dict = mp::Manager::new()?.dict::<u8, u32>()?;
    dict.update_by(&1, add, 2)?; //~ error[E0277]: this task does not change a .. an `Option` of it
    Ok(())
}
