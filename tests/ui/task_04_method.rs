//! A task that takes `self`.

struct Counter(u32);

impl Counter {
    #[mp::task]
    fn next(&mut self) -> u32 { //~ a method cannot be a task: write a function outside the `impl`
        self.0 += 1;
        self.0
    }
}

fn main() {
    Counter(1).next();
}
