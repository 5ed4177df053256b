//! One pool for four processes: it lives in a manager's server, which also adds up what they find, and tells us of it.

use std::time::Duration;

/// How many steps a number takes to 1, halved if it is even, else tripled and one more.
#[mp::task]
fn steps(from: u64) -> u64 {
    let mut number = from;
    let mut count = 0;
    while number != 1 {
        number = if number.is_multiple_of(2) { number / 2 } else { 3 * number + 1 };
        count += 1;
    }
    count
}

/// Runs in the server, on the value that is there.
#[mp::task]
fn add_longest(longest: Option<Vec<u64>>, found: u64) -> Option<Vec<u64>> {
    let mut longest = longest.unwrap_or_default();
    longest.push(found);
    longest.sort_unstable();
    Some(longest)
}

#[mp::task]
fn search(
    pool: mp::PoolProxy,
    longest: mp::DictProxy<String, Vec<u64>>,
    from: u64,
) -> mp::Result<()> {
    let all = pool.map(steps, from..from + 10_000)?;
    let most = all.into_iter().max().unwrap_or(0);
    longest.update_by(&"steps".to_owned(), add_longest, most).map(drop)
}

#[mp::main]
fn main() -> mp::Result<()> {
    let manager = mp::Manager::new()?;
    let (pool, longest) = (manager.pool(2)?, manager.dict::<String, Vec<u64>>()?);
    let mut found = longest.watch(&"steps".to_owned())?;
    let start = |part: u64| mp::spawn(search, (pool.clone(), longest.clone(), 1 + 10_000 * part));
    let processes: Vec<_> = (0..4).map(start).collect::<mp::Result<_>>()?;
    loop {
        let now = found.recv_timeout(Duration::from_secs(60))?.unwrap_or_default();
        println!("{now:?}");
        if now.len() == processes.len() {
            assert_eq!(now, [261, 278, 307, 323]);
            break;
        }
    }
    processes.iter().try_for_each(|process| process.result()?)?;
    pool.close()?;
    pool.join()
}
