//! A child puts something into a queue, and its parent gets it: neither can reach the other's memory, so
//! the queue goes to the child as an argument. Run it: `cargo run --example queue`.

use serde::{Deserialize, Serialize};

/// Items have one type; where they are of several kinds, it is an enum.
#[derive(Debug, Serialize, Deserialize)]
enum Item {
    Text(String),
    Nothing,
    Year(u32),
}

#[mp::task]
fn put_items(queue: mp::Queue<Vec<Item>>) -> Result<(), String> {
    let items = vec![Item::Text("shen".to_owned()), Item::Nothing, Item::Year(1995)];
    queue.put(items).map_err(|error| error.to_string())
}

#[mp::main]
fn main() -> mp::Result<()> {
    let queue = mp::Queue::new()?;
    let child = mp::spawn(put_items, queue.clone())?;
    println!("{:?}", queue.get()?);
    child.join()
}
