//! A task that is seen to stand in an `impl` by its types alone.

struct Counter(u32);

impl Counter {
    #[mp::task]
    fn read(counter: Self) -> u32 { //~ a method cannot be a task
        counter.0
    }
}

fn main() {
    Counter::read(Counter(1));
}
