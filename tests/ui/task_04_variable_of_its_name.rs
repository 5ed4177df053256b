//! A task's name stands for the task, in patterns too.

#[mp::task]
fn count(text: &str) -> usize {
    text.len()
}

fn main() {
    let count = count("x"); //~ mismatched types .. interpreted as a constant, not a new binding
    drop(count);
}
