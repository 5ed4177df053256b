//! A task that a trait only asks for.

trait Counts {
    #[mp::task]
    fn count(i: i32) -> i32; //~ this attribute belongs on a function with a body
}

fn main() {}
