//! Ten tasks of two seconds on five workers: about four seconds in all. Each prints a line from its worker, and its
//! callback one from this program, whose pid it is: callbacks run here, not in the workers.

use std::process::id;
use std::thread::sleep;
use std::time::Duration;

#[mp::task]
fn foo(i: i32) -> i32 {
    sleep(Duration::from_secs(2));
    println!("foo({i}) in worker {}", id());
    i + 100
}

fn bar(value: i32) {
    println!("-->exec done: {value} {}", id());
}

#[mp::main]
fn main() -> mp::Result<()> {
    println!("main {}", id());
    let pool = mp::Pool::new(5)?;
    for i in 0..10 {
        pool.apply_async(foo, i, bar);
    }
    pool.close();
    pool.join()
}
