//! What a worker has beside its tasks' arguments: state that its initializer has made, and a value that is mapped once for
//! all tasks of the pool.

use std::collections::HashMap;

/// Made once in each worker, kept between its tasks.
struct Cache(HashMap<u64, u64>);

#[mp::task]
fn prepare() {
    mp::set_worker_state(Cache(HashMap::new()));
}

#[mp::task]
fn fibonacci(n: u64) -> u64 {
    fn of(n: u64, cache: &mut HashMap<u64, u64>) -> u64 {
        if n < 2 {
            return n;
        }
        if let Some(known) = cache.get(&n) {
            return *known;
        }
        let value = of(n - 1, cache) + of(n - 2, cache);
        cache.insert(n, value);
        value
    }
    mp::with_worker_state(|cache: &mut Cache| of(n, &mut cache.0)).expect("prepare has made it")
}

#[mp::task]
fn lines_with(word: &str) -> usize {
    let text: &&str = mp::shared().expect("the pool has a text");
    text.lines().filter(|line| line.contains(word)).count()
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::builder()
        .processes(2)
        .initializer(prepare, ())
        .shared(include_str!("../README.md"))
        .build()?;
    println!("fibonacci: {:?}", pool.map(fibonacci, [10, 50, 90])?);
    let counts = pool.map(lines_with, ["process", "pool", "multiprocessing"])?;
    println!("each word stands in some line of README.md: {}", counts.iter().all(|n| *n > 0));
    Ok(())
}
