//! mp: memory that was filled once, for other processes to read in place.

use mp::SharedSlice;
use peers::objects::{numbers, sum};
use peers::{Asked, gibibytes, tell};
use std::hint::black_box;

#[mp::task]
fn total(numbers: SharedSlice<u64>) -> u64 {
    sum(&numbers)
}

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    let asked = Asked::read();
    tell(match asked.metric.as_str() {
        "slice" => {
            let (numbers, wanted) = numbers();
            let (slice, pool) = (SharedSlice::new(numbers)?, mp::Pool::new(1)?);
            Some(gibibytes(asked.count(10), || {
                assert_eq!(pool.apply(total, slice.clone()).expect("it runs"), wanted);
            }))
        }
        "share" => {
            let (numbers, _) = numbers();
            Some(gibibytes(asked.count(8), || {
                drop(black_box(SharedSlice::new(&numbers).expect("there is memory")));
            }))
        }
        _ => None,
    });
    Ok(())
}
