//! A parameter that is called like its task.

#[mp::task]
fn word_count(word_count: u32) -> u32 { //~ cannot be called like its task .. (as = WordCount)
    word_count
}

fn main() {
    word_count(1);
}
