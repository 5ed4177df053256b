//! The classes that several tests use.

use serde::{Deserialize, Serialize, Serializer};

pub struct Counter {
    count: u64,
}

#[mp::manager]
impl Counter {
    pub fn new(count: u64) -> Self {
        assert!(count != 13, "an unlucky number");
        Self { count }
    }

    pub fn add(&mut self, by: u64) -> u64 {
        self.count += by;
        self.count
    }

    pub fn get(&self) -> u64 {
        self.count
    }

    pub fn reset(&mut self) {
        self.count = 0;
    }

    pub fn name_of(&self, number: u32, name: &str) -> String {
        format!("{name}{number}")
    }

    pub fn fail(&mut self, text: &str) {
        self.count += 1;
        panic!("{text}");
    }

    pub(crate) fn process(&self) -> u32 {
        std::process::id()
    }

    fn hidden_from_others(&self) -> u64 {
        self.count
    }
}

impl Counter {
    pub fn hidden(&self) -> u64 {
        self.hidden_from_others()
    }
}

/// Values of many types.
pub struct Typed {
    all: (String, Vec<u32>, Vec<u8>),
    queue: Option<mp::Queue<String>>,
}

#[mp::manager]
impl Typed {
    pub fn new(text: &str, numbers: Vec<u32>, bytes: &[u8]) -> Self {
        Self { all: (text.to_owned(), numbers, bytes.to_vec()), queue: None }
    }

    pub fn all(&self) -> (String, Vec<u32>, Vec<u8>) {
        self.all.clone()
    }

    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub fn text(&self, text: &str, maybe: Option<&str>, bytes: &[u8]) -> String {
        format!("{text} {} {}", maybe.unwrap_or("none"), bytes.len())
    }

    #[allow(clippy::too_many_arguments, reason = "as many as there may be")]
    pub fn many(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
    ) -> u8 {
        [a, b, c, d, e, f, g, h, i, j, k, l].into_iter().sum()
    }

    pub fn keep(&mut self, queue: mp::Queue<String>) {
        self.queue = Some(queue);
    }

    pub fn kept(&self) -> Option<mp::Queue<String>> {
        self.queue.clone()
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Odd {
    pub wanted: u32,
    pub left: u32,
}

/// One that has errors.
pub struct Shop {
    left: u32,
}

#[mp::manager]
impl Shop {
    pub fn new(wanted: u32) -> Result<Self, Odd> {
        if wanted > 100 { Err(Odd { wanted, left: 100 }) } else { Ok(Self { left: wanted }) }
    }

    pub fn take(&mut self, wanted: u32) -> Result<u32, Odd> {
        let left = self.left;
        self.left = left.checked_sub(wanted).ok_or(Odd { wanted, left })?;
        Ok(self.left)
    }

    pub fn unsendable(&self) -> Unsendable {
        Unsendable
    }
}

#[derive(Debug, Deserialize)]
pub struct Unsendable;

impl Serialize for Unsendable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no way"))
    }
}
