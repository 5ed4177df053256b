//! The attribute on a trait's impl.

struct Counter(u32);

#[mp::manager]
impl Iterator for Counter { //~ a manager serves a type's own methods, not a trait's: write `impl` without a trait
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0 += 1;
        Some(self.0)
    }
}

fn main() {
    Counter(0).next();
}
