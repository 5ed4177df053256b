//! A hundred processes, none joined by hand, print under one lock, so that lines never mix.

#[mp::task]
fn run(lock: mp::Lock, i: u32) {
    let _guard = lock.lock().expect("this thread does not have it");
    println!("hello world {i}");
}

#[mp::main]
fn main() -> mp::Result<()> {
    let lock = mp::Lock::new()?;
    for i in 0..100 {
        mp::spawn(run, (lock.clone(), i))?;
    }
    Ok(())
}
