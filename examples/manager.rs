//! A dictionary and a list in a manager's server, changed by ten processes: seed program 6.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// 1, '2' and 0.25 as keys of one dictionary; of a float it is the bits that are equal or not.
#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Key {
    Number(i32),
    Text(String),
    Bits(u64),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Value {
    Nothing,
    Number(i32),
    Text(String),
}

#[mp::task]
fn work(dict: mp::DictProxy<Key, Value>, list: mp::ListProxy<u32>) -> mp::Result<()> {
    dict.insert(Key::Number(1), Value::Text("1".into()))?;
    dict.insert(Key::Text("2".into()), Value::Number(2))?;
    dict.insert(Key::Bits(0.25_f64.to_bits()), Value::Nothing)?;
    list.push(std::process::id())?;
    println!("{list:?}");
    Ok(())
}

#[mp::main]
fn main() -> mp::Result<()> {
    let manager = mp::Manager::new()?;
    let (dict, list) = (manager.dict()?, manager.list_from(0..5)?);
    let start = |_| mp::spawn(work, (dict.clone(), list.clone()));
    let processes: Vec<_> = (0..10).map(start).collect::<Result<_, _>>()?;
    processes.iter().try_for_each(|process| process.result()?)?;
    println!("{dict:?}\n{list:?}");
    let quarter = Key::Bits(0.25_f64.to_bits());
    let expected = [
        (Key::Number(1), Value::Text("1".into())),
        (Key::Text("2".into()), Value::Number(2)),
        (quarter, Value::Nothing),
    ];
    assert_eq!(dict.to_map()?, HashMap::from(expected));
    assert_eq!(list.len()?, 15);
    Ok(())
}
