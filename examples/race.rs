//! Several ways to one answer, of which the first that comes is taken; the others are ended where they are.

use std::thread;
use std::time::Duration;

/// A search that ends sooner from some places than from others.
#[mp::task]
fn search(from: u64) -> u64 {
    thread::sleep(Duration::from_millis(20 + 3000 * (from % 3)));
    1000 * from
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(3)?;
    let ways: Vec<_> = [4, 5, 3, 7].into_iter().map(|from| pool.submit(search, from)).collect();

    let limit = Some(Duration::from_secs(10));
    if let Some(first) = mp::as_completed(&ways, limit).next() {
        println!("the first answer is {}", first?.get()?);
    }
    // Tasks that wait are taken back; of those that run, the workers are ended and replaced.
    for (i, way) in ways.iter().enumerate() {
        if way.cancel_running() {
            println!("way {i} was cancelled: {:?}", way.get().map_err(|error| error.kind()));
        }
    }
    println!("the pool goes on: {}", pool.apply(search, 9)?);
    Ok(())
}
