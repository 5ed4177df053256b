//! Arguments and results of 100 MiB (TASK-14).
//! A child that has not come up when it is sent one needs a main of its own, in `outside.rs`.

use super::LIMIT;
use super::support::watchdog;
use std::hash::{DefaultHasher, Hasher};

const SIZE: usize = 100 << 20;

/// A text without a period that a page or a block could hide.
fn text() -> String {
    let filler = "x".repeat(1000);
    let mut text = String::with_capacity(SIZE + 2000);
    let mut number = 0;
    while text.len() < SIZE {
        text.push_str(&filler);
        text.push_str(&number.to_string());
        number += 1;
    }
    text
}

fn hash(bytes: &[u8]) -> (usize, u64) {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    (bytes.len(), hasher.finish())
}

#[mp::task]
fn look(text: &str) -> (usize, u64) {
    hash(text.as_bytes())
}

#[mp::task]
fn echo(text: &str) -> String {
    text.to_owned()
}

#[mp::test]
fn task_14_large_argument_arrives_whole() {
    let text = text();
    watchdog(LIMIT, || {
        assert_eq!(mp::spawn(look, &text)?.result()?, hash(text.as_bytes()));
        assert_eq!(mp::Pool::new(1)?.apply(look, &text)?, hash(text.as_bytes()));
        Ok::<_, mp::Error>(())
    })
    .expect("values");
}

#[mp::test]
fn task_14_large_result_comes_back_whole() {
    let text = text();
    watchdog(LIMIT, || {
        assert!(mp::spawn(echo, &text)?.result()? == text);
        assert!(mp::Pool::new(1)?.apply(echo, &text)? == text);
        Ok::<_, mp::Error>(())
    })
    .expect("values");
}

/// Bytes go another way than text. Fewer of them: without optimisation each costs its call.
#[mp::test]
fn task_14_bytes_arrive_and_come_back_whole() {
    #[mp::task]
    fn reverse(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().rev().copied().collect()
    }
    let bytes = &text().into_bytes()[..4 << 20];
    let reversed = reverse(bytes);
    watchdog(LIMIT, || {
        assert!(mp::spawn(reverse, bytes)?.result()? == reversed);
        assert!(mp::Pool::new(1)?.apply(reverse, bytes)? == reversed);
        Ok::<_, mp::Error>(())
    })
    .expect("values");
}

#[mp::test]
fn task_14_many_small_parts_arrive_whole() {
    #[mp::task]
    fn count(words: Vec<String>) -> (usize, usize) {
        (words.len(), words.iter().map(String::len).sum())
    }
    let words: Vec<String> = (0..200_000).map(|n| format!("word {n}")).collect();
    let sum = words.iter().map(String::len).sum();
    watchdog(LIMIT, || {
        assert_eq!(mp::spawn(count, words.clone())?.result()?, (200_000, sum));
        assert_eq!(mp::Pool::new(1)?.apply(count, words)?, (200_000, sum));
        Ok::<_, mp::Error>(())
    })
    .expect("values");
}
