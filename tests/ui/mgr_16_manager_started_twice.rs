//! A manager that is started twice, which Python finds out when it runs.

fn main() -> mp::Result<()> {
    let builder = mp::Manager::builder();
    let manager = builder.start()?;
    let again = builder.start()?; //~ error[E0382]: use of moved value: `builder`
    drop((manager, again));
    Ok(())
}
