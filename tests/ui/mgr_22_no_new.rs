//! A type that a server cannot make.

struct Counter(u64);

#[mp::manager]
impl Counter { //~ a manager makes its objects by `new`: write a `fn new(..) -> Self` in this `impl`
    pub fn get(&self) -> u64 {
        self.0
    }
}

fn main() {
    Counter(0).get();
}
