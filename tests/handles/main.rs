//! Handles inside values: descriptors that travel with arguments and results, and where they are closed.
//! How the messages look is tested beside them, in `mp-runtime`.

#[path = "../support/mod.rs"]
mod support;

mod closed;
mod elsewhere;
mod many;
mod maps;
mod objects;
mod refused;
mod travel;

use mp::Fd;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::time::Duration;

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(Duration::from_secs(90), body)
}

/// A file without a name, with this text, to be read from its beginning.
fn file(text: &str) -> File {
    use std::io::Seek;
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("it has room");
    file.rewind().expect("a file can be rewound");
    file
}

fn read(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).expect("it can be read");
    text
}

/// Waits until every copy of the other end is closed; nothing must have been written.
#[track_caller]
fn assert_closed(mut reader: PipeReader) {
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).expect("a pipe can be read");
    assert!(rest.is_empty(), "{rest:?}");
}

/// Writes its one handle three times, and reads three.
#[derive(Debug)]
enum Thrice {
    One(Fd<File>),
    Three([Fd<File>; 3]),
}

impl From<Fd<File>> for Thrice {
    fn from(one: Fd<File>) -> Self {
        Self::One(one)
    }
}

impl Thrice {
    fn all(&self) -> impl Iterator<Item = &File> {
        let all = match self {
            Self::One(one) => [one; 3],
            Self::Three(three) => three.each_ref(),
        };
        all.into_iter().map(|fd| &**fd)
    }
}

impl Serialize for Thrice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(one) => [one, one, one].serialize(serializer),
            Self::Three(three) => three.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Thrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self::Three)
    }
}

/// A value whose second part cannot be encoded.
#[derive(Debug)]
struct HalfWay(Fd<std::io::PipeWriter>);

impl Serialize for HalfWay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeTuple};
        let mut tuple = serializer.serialize_tuple(2)?;
        tuple.serialize_element(&self.0)?;
        Err(S::Error::custom("the second part is missing"))
    }
}

impl<'de> Deserialize<'de> for HalfWay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fd::deserialize(deserializer).map(Self)
    }
}
