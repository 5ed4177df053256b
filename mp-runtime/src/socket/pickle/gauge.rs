//! Measures a pickle before it is read: how deep its values lie in each other, how much memory they take once unfolded, and
//! which names of Python's it uses. It makes no values.
//!
//! serde-pickle does not run anything, but it reads objects of any class as their fields, keeps what it has read in
//! recursive values (dropping a deep one overflows the stack), and copies a value each time that a pickle refers to it
//! (twenty bytes can ask for more than there is). So a pickle is walked through here, by the same machine: a stack,
//! marks in it, and the memo. What Python's pickler does not write for plain values is refused.

use std::collections::HashMap;

/// As deep as values may lie in each other: as in this library's own format.
const DEPTH_MAX: u32 = 128;
/// Marks that are open at once; Python has two for each depth at most.
const MARKS_MAX: usize = 2 * DEPTH_MAX as usize;
/// What serde-pickle's copy of any value takes, beside its text or bytes.
const VALUE: u64 = 32;
/// Its vectors made of what is above a mark have room for so many bytes of values, however few those are.
const MARKED: u64 = 128 * VALUE;
/// So much may be unfolded however short messages have to be.
const MEMORY_LEAST: usize = 64 << 20;
/// Decimal digits take a time that grows with their square; no number of Rust's has more.
const DIGITS_MAX: usize = 64;

/// The names that a pickle of plain values may use, each a way of writing a set or bytes.
const NAMES: [(&[u8], &[u8]); 7] = [
    (b"builtins", b"set"),
    (b"builtins", b"frozenset"),
    (b"builtins", b"bytearray"),
    (b"__builtin__", b"set"),
    (b"__builtin__", b"frozenset"),
    (b"__builtin__", b"bytearray"),
    (b"_codecs", b"encode"),
];

type Outcome<T = ()> = Result<T, String>;

/// Whether a pickle may be read, where `most` bytes are allowed beyond what its own length explains.
///
/// # Errors
///
/// Why not.
pub(super) fn check(pickle: &[u8], most: usize) -> Outcome {
    let mut gauge =
        Gauge { pickle, at: 0, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    while gauge.step()? {}
    let whole = gauge.take(1)?;
    if !gauge.stack.is_empty() || !gauge.marks.is_empty() {
        return Err("it ends with more than one value".to_owned());
    }
    if gauge.at != pickle.len() {
        return Err("there is something behind its end".to_owned());
    }
    // A value has at least a byte of its own, unless it is there because another one is referred to.
    let own = (VALUE + 1).saturating_mul(pickle.len() as u64);
    let most = own.saturating_add(most.max(MEMORY_LEAST) as u64);
    if whole.weight > most {
        return Err(format!(
            "its {} bytes unfold to about {} MiB, which is more than `max_message` allows",
            pickle.len(),
            whole.weight >> 20
        ));
    }
    Ok(())
}

/// What is known of a value.
#[derive(Clone, Copy, Debug)]
struct Item {
    kind: Kind,
    depth: u32,
    /// Of all that it holds, each reference counted as what it stands for.
    weight: u64,
    /// Something refers to it; it does not change from then on, unless it is to hold itself.
    quoted: bool,
}

/// Each opcode is given only what it is for: serde-pickle writes what else it finds into its error, whole, and long numbers in
/// decimal, which can take hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A string, which lies there in the pickle: it may be a part of a name.
    Text(usize, usize),
    /// These may get more.
    List,
    Dict,
    Set,
    Tuple,
    /// One of `NAMES`.
    Named,
    Other,
}

/// A place on the stack.
#[derive(Clone, Copy, Debug)]
enum Place {
    Here(Item),
    Memo(u32),
}

/// What several values take together.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    depth: u32,
    weight: u64,
}

#[derive(Debug)]
struct Gauge<'p> {
    pickle: &'p [u8],
    at: usize,
    stack: Vec<Place>,
    /// Where on the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Item>,
}

impl Gauge<'_> {
    /// Does what the next opcode says; false at the end.
    fn step(&mut self) -> Outcome<bool> {
        let code = self.bytes(1)?[0];
        match code {
            b'.' => return Ok(false),
            b'\x80' => drop(self.bytes(1)?),
            b'\x95' => drop(self.bytes(8)?),
            b'(' => self.mark()?,
            b'p' | b'q' | b'r' | b'\x94' => self.memoize(code)?,
            b'g' | b'h' | b'j' => self.refer(code)?,
            b'N' | b'\x88' | b'\x89' | b'I' | b'L' | b'F' | b'G' | b'J' | b'K' | b'M' | b'\x8a'
            | b'\x8b' => self.scalar(code)?,
            b'S' | b'V' | b'C' | b'B' | b'\x8e' | b'U' | b'T' | b'\x8c' | b'X' | b'\x8d'
            | b'\x96' => self.text(code)?,
            b')' | b'\x85' | b'\x86' | b'\x87' | b't' | b'l' | b'd' | b'\x91' | b']' | b'}'
            | b'\x8f' => self.compound(code)?,
            b'a' => self.extend(Some(1), Kind::List)?,
            b'e' => self.extend(None, Kind::List)?,
            b's' => self.extend(Some(2), Kind::Dict)?,
            b'u' => self.extend(None, Kind::Dict)?,
            b'\x90' => self.extend(None, Kind::Set)?,
            b'c' | b'\x93' => self.name(code)?,
            b'R' => self.call()?,
            b'i' | b'o' | b'b' | b'\x81' | b'\x92' => {
                return Err("it has an object of a class: have Python send plain values, such as \
                            numbers, strings, lists and dictionaries"
                    .to_owned());
            }
            _ => {
                return Err(format!("it has {code:#04x}, which is not in pickles of plain values"));
            }
        }
        Ok(true)
    }

    fn bytes(&mut self, count: usize) -> Outcome<&[u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.pickle.len());
        let Some(end) = end else { return Err("it ends early, or is none".to_owned()) };
        let from = std::mem::replace(&mut self.at, end);
        Ok(&self.pickle[from..end])
    }

    /// A number of so many bytes.
    fn number(&mut self, width: usize) -> Outcome<u64> {
        let bytes = self.bytes(width)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// What comes behind its length.
    fn counted(&mut self, width: usize) -> Outcome<(usize, usize)> {
        let len = self.number(width)?;
        let from = self.at;
        self.bytes(usize::try_from(len).unwrap_or(usize::MAX))?;
        Ok((from, self.at))
    }

    /// What comes before the end of the line.
    fn line(&mut self) -> Outcome<(usize, usize)> {
        let from = self.at;
        let len = self.pickle[from..].iter().position(|byte| *byte == b'\n');
        let len = len.ok_or("it ends early, or is none")?;
        self.bytes(len + 1)?;
        Ok((from, from + len))
    }

    fn push(&mut self, kind: Kind, sum: Sum) -> Outcome {
        if sum.depth > DEPTH_MAX {
            return Err(format!("its values lie in each other more than {DEPTH_MAX} deep"));
        }
        let item = Item { kind, depth: sum.depth, weight: sum.weight, quoted: false };
        self.stack.push(Place::Here(item));
        Ok(())
    }

    fn mark(&mut self) -> Outcome {
        if self.marks.len() >= MARKS_MAX {
            return Err(format!("its values lie in each other more than {DEPTH_MAX} deep"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn item(&self, place: Place) -> Outcome<Item> {
        match place {
            Place::Here(item) => Ok(item),
            Place::Memo(id) => self.memo.get(&id).copied().ok_or_else(missing),
        }
    }

    fn pop(&mut self) -> Outcome<Item> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(place) if self.stack.len() >= floor => self.item(place),
            _ => Err(missing()),
        }
    }

    /// Takes so many values off the stack.
    fn take(&mut self, count: usize) -> Outcome<Sum> {
        let mut sum = Sum::default();
        for _ in 0..count {
            let item = self.pop()?;
            sum.depth = sum.depth.max(item.depth);
            sum.weight = sum.weight.saturating_add(item.weight);
        }
        Ok(sum)
    }

    /// Takes all values off the stack that are above the last mark.
    fn take_marked(&mut self) -> Outcome<Sum> {
        let mark = self.marks.last().copied().ok_or_else(missing)?;
        let sum = self.take(self.stack.len() - mark)?;
        self.marks.pop();
        Ok(sum)
    }

    fn memo_id(&mut self, code: u8) -> Outcome<u32> {
        Ok(match code {
            b'\x94' => u32::try_from(self.memo.len()).unwrap_or(u32::MAX),
            b'q' | b'h' => u32::try_from(self.number(1)?).unwrap_or(u32::MAX),
            b'r' | b'j' => u32::try_from(self.number(4)?).unwrap_or(u32::MAX),
            _ => {
                let (from, to) = self.line()?;
                let number = str::from_utf8(&self.pickle[from..to]).ok();
                number.and_then(|number| number.parse().ok()).ok_or_else(missing)?
            }
        })
    }

    fn memoize(&mut self, code: u8) -> Outcome {
        let id = self.memo_id(code)?;
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = self.stack.get_mut(floor..).and_then(<[Place]>::last_mut);
        let Some(top @ &mut Place::Here(item)) = top else {
            return Err("it remembers a value twice, or none".to_owned());
        };
        *top = Place::Memo(id);
        match self.memo.insert(id, item) {
            None => Ok(()),
            Some(_) => Err("it remembers two values under one number".to_owned()),
        }
    }

    fn refer(&mut self, code: u8) -> Outcome {
        let id = self.memo_id(code)?;
        self.memo.get_mut(&id).ok_or_else(missing)?.quoted = true;
        self.stack.push(Place::Memo(id));
        Ok(())
    }

    fn scalar(&mut self, code: u8) -> Outcome {
        let bytes = match code {
            b'I' | b'L' | b'F' => {
                let (from, to) = self.line()?;
                if to - from > DIGITS_MAX && code != b'F' {
                    return Err(format!("it has a number of {} digits", to - from));
                }
                to - from
            }
            b'G' => self.bytes(8)?.len(),
            b'J' => self.bytes(4)?.len(),
            b'M' => self.bytes(2)?.len(),
            b'K' => self.bytes(1)?.len(),
            b'\x8a' | b'\x8b' => {
                let (from, to) = self.counted(if code == b'\x8a' { 1 } else { 4 })?;
                to - from
            }
            _ => 0,
        };
        self.push(Kind::Other, Sum { depth: 0, weight: VALUE.saturating_add(bytes as u64) })
    }

    fn text(&mut self, code: u8) -> Outcome {
        let (from, to) = match code {
            b'S' | b'V' => self.line()?,
            b'C' | b'U' | b'\x8c' => self.counted(1)?,
            b'B' | b'T' | b'X' => self.counted(4)?,
            _ => self.counted(8)?,
        };
        let kind = match code {
            b'\x8c' | b'X' | b'\x8d' | b'V' => Kind::Text(from, to),
            _ => Kind::Other,
        };
        self.push(kind, Sum { depth: 0, weight: VALUE.saturating_add((to - from) as u64) })
    }

    fn compound(&mut self, code: u8) -> Outcome {
        let (kind, sum, own) = match code {
            b')' => (Kind::Tuple, Sum::default(), VALUE),
            b']' => (Kind::List, Sum::default(), VALUE),
            b'}' => (Kind::Dict, Sum::default(), VALUE),
            b'\x8f' => (Kind::Set, Sum::default(), VALUE),
            b'\x85' => (Kind::Tuple, self.take(1)?, VALUE),
            b'\x86' => (Kind::Tuple, self.take(2)?, VALUE),
            b'\x87' => (Kind::Tuple, self.take(3)?, VALUE),
            b't' => (Kind::Tuple, self.take_marked()?, MARKED),
            b'd' => (Kind::Dict, self.take_marked()?, VALUE),
            b'l' => (Kind::List, self.take_marked()?, MARKED),
            _ => (Kind::Other, self.take_marked()?, MARKED),
        };
        self.push(kind, Sum { depth: sum.depth + 1, weight: sum.weight.saturating_add(own) })
    }

    /// Puts what is on the stack into the list, dictionary or set below.
    fn extend(&mut self, count: Option<usize>, of: Kind) -> Outcome {
        let sum = match count {
            Some(count) => self.take(count)?,
            None => self.take_marked()?,
        };
        let floor = self.marks.last().copied().unwrap_or(0);
        let below = match self.stack.get_mut(floor..).and_then(<[Place]>::last_mut) {
            Some(Place::Here(item)) => item,
            Some(Place::Memo(id)) => self.memo.get_mut(id).ok_or_else(missing)?,
            None => return Err(missing()),
        };
        match below {
            Item { kind, quoted: false, .. } if *kind == of => {}
            Item { quoted: true, .. } => {
                return Err("it has a list or dictionary that holds itself".to_owned());
            }
            _ => return Err("it puts a value into what holds none of that kind".to_owned()),
        }
        below.weight = below.weight.saturating_add(sum.weight);
        below.depth = below.depth.max(sum.depth + 1);
        if below.depth > DEPTH_MAX {
            return Err(format!("its values lie in each other more than {DEPTH_MAX} deep"));
        }
        Ok(())
    }

    fn name(&mut self, code: u8) -> Outcome {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            let (Kind::Text(from, to), Kind::Text(first, last)) = (module.kind, name.kind) else {
                return Err("it has a name that is no string".to_owned());
            };
            ((from, to), (first, last))
        };
        let module = &self.pickle[module.0..module.1];
        let name = &self.pickle[name.0..name.1];
        if !NAMES.contains(&(module, name)) {
            return Err(format!(
                "it has a class or function of Python's, {}.{}, which is not looked for: have Python send plain \
                 values, such as numbers, strings, lists and dictionaries",
                shown(module),
                shown(name)
            ));
        }
        self.push(Kind::Named, Sum { depth: 0, weight: VALUE })
    }

    fn call(&mut self) -> Outcome {
        let arguments = self.pop()?;
        if !matches!(self.pop()?.kind, Kind::Named) {
            return Err("it calls something that is no name".to_owned());
        }
        let Item { kind: Kind::Tuple, depth, weight, .. } = arguments else {
            return Err("it calls something with what is no tuple".to_owned());
        };
        self.push(Kind::Other, Sum { depth, weight: weight.saturating_add(VALUE) })
    }
}

fn missing() -> String {
    "it uses a value that is not there".to_owned()
}

/// A part of a name, for an error.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(80)]).escape_debug().to_string()
}
