//! Many items through a pool: all at once, lazily, and with a limit of time for each.

use std::thread;
use std::time::Duration;

#[mp::task]
fn collatz(start: u64) -> u32 {
    let mut steps = 0;
    let mut n = start;
    while n != 1 {
        n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

#[mp::task]
fn sometimes_slow(i: u64) -> u64 {
    if i == 3 {
        thread::sleep(Duration::from_secs(60));
    }
    i
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(2)?;

    let steps = pool.map(collatz, 1..100_000)?;
    let (most, start) = steps.iter().zip(1..).max().expect("there are some");
    println!("the longest way to 1 below 100000 is from {start}, in {most} steps");

    // The input has no end: it is taken as results are consumed.
    for (start, steps) in (1..).zip(pool.imap(collatz, 1..)) {
        let steps = steps?;
        if steps > 200 {
            println!("the first of more than 200 steps is {start}, with {steps}");
            break;
        }
    }

    let limit = Duration::from_millis(300);
    for (i, result) in (0..).zip(pool.batch(sometimes_slow, 0..6).timeout(limit).iter()) {
        match result {
            Ok(value) => println!("item {i}: {value}"),
            Err(error) => println!("item {i}: {:?}", error.kind()),
        }
    }
    Ok(())
}
