//! A program with tasks of two versions of one library, whose names and types have equal names.

#[mp::task]
fn own(n: u32) -> u32 {
    n + 1
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(2)?;
    println!("own {}", pool.apply(own, 9)?);
    println!("first {}", pool.apply(first::tasks::half, 60)?);
    println!("second {}", pool.apply(second::tasks::half, 60)?);
    println!("first's own {}", first::half_elsewhere(60)?);
    println!("second's own {}", second::half_elsewhere(60)?);
    println!("process {}", mp::spawn(second::tasks::half, 60)?.result()?);
    Ok(())
}
