//! A buffer with room for three, by hand: who finds it full, or empty, waits on a condition until that may have changed.
//! The items are a file's bytes, since processes cannot reach each other's memory.

use mp::{Condition, Lock};
use serde::{Deserialize, Serialize};
use std::fs;

#[derive(Clone, Serialize, Deserialize)]
struct Buffer {
    lock: Lock,
    not_full: Condition,
    not_empty: Condition,
    path: String,
}

impl Buffer {
    fn items(&self) -> Vec<u8> {
        fs::read(&self.path).expect("the file is there")
    }

    fn put(&self, item: u8) -> mp::Result<()> {
        let mut guard = self.lock.lock()?;
        self.not_full.wait_for(&mut guard, || self.items().len() < 3)?;
        fs::write(&self.path, [self.items(), vec![item]].concat()).expect("it has room");
        self.not_empty.notify_one(&guard)
    }

    fn get(&self) -> mp::Result<u8> {
        let mut guard = self.lock.lock()?;
        self.not_empty.wait_for(&mut guard, || !self.items().is_empty())?;
        let items = self.items();
        fs::write(&self.path, &items[1..]).expect("it has room");
        self.not_full.notify_one(&guard)?;
        Ok(items[0])
    }
}

#[mp::task]
fn produce(buffer: Buffer) {
    (1..=10).for_each(|item| buffer.put(item).expect("nobody broke the condition"));
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = tempfile::NamedTempFile::new()?;
    let path = file.path().to_string_lossy().into_owned();
    let lock = Lock::new()?;
    let (not_full, not_empty) = (Condition::with_lock(&lock)?, Condition::with_lock(&lock)?);
    let buffer = Buffer { lock, not_full, not_empty, path };
    mp::spawn(produce, buffer.clone())?;
    for _ in 0..10 {
        println!("got {}", buffer.get()?);
    }
    Ok(())
}
