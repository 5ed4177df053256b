//! What the fuzzers do with any bytes as calls of clients elsewhere and as answers to them. Built for them only.

use super::store::Arguments;
use super::{Object, list, map, names};
use crate::error::Result;
use crate::manager::far::frame::{Answer, Request};
use crate::manager::far::item;
use crate::manager::wire::{self, Message, Reader};
use crate::manager::{DictProxy, QueueProxy};
use std::hint::black_box;

/// Calls, each behind its length, of objects that are there for all of them; and the same bytes as answers.
pub(crate) fn calls(mut bytes: &[u8]) {
    let (mut map, mut list) = (map::Map::default(), list::List::default());
    let mut names = names::Names::default();
    while let Some((len, rest)) = bytes.split_first() {
        let (frame, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        bytes = rest;
        let _ = black_box(answer(frame));
        let Ok(Request { object, method, arguments, .. }) = Request::read(frame) else { continue };
        let mut call = Arguments::new(Reader::new(arguments), Vec::new());
        let mut answer = Message::default();
        answer.u8(wire::OK);
        let done = match object % 4 {
            0 => map.call(method, &mut call, &mut answer),
            1 => list.call(method, &mut call, &mut answer),
            2 => names.publish(&mut call),
            _ => names.find(&mut call, &mut answer),
        };
        if let Err(error) = done {
            wire::write_error(&mut answer, &error);
        }
        // What the server says of it is an answer.
        let frame = Answer { owned: 1, numbers: vec![7], body: &answer.bytes }.write();
        let read = Answer::read(&frame).expect("it was written just now");
        assert_eq!((read.owned, read.numbers, read.body), (1, vec![7], &*answer.bytes));
    }
}

fn answer(frame: &[u8]) -> Result<()> {
    let Answer { numbers, body, .. } = Answer::read(frame)?;
    let reader = || Reader::with(body, numbers.iter().map(|_| None).collect());
    wire::read_status(&mut reader())?;
    let _ = reader().option::<(String, Vec<u32>)>();
    let _ = reader().value::<Vec<DictProxy<u8, u8>>>();
    let _ = reader().value::<Option<QueueProxy<String>>>();
    let _ = reader().value_by(item::decode::<Vec<u8>>);
    let _ = reader().raw_option();
    let _ = reader().text();
    Ok(())
}
