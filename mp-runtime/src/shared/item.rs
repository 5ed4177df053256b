//! What a `ShareableList` holds, and how an item lies in its slot. Where the slots are is for `list`.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// One item of a [`ShareableList`](crate::ShareableList).
///
/// # Examples
///
/// ```
/// use mp::ShareableItem;
///
/// assert_eq!(ShareableItem::from("five"), ShareableItem::Text("five".into()));
/// assert_eq!(ShareableItem::from(Some(5)), ShareableItem::Int(5));
/// assert_eq!(ShareableItem::from(None::<i64>), ShareableItem::None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ShareableItem {
    /// Nothing.
    #[default]
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

const NONE: u8 = 1;
const BOOL: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;
const BYTES: u8 = 6;

impl ShareableItem {
    /// What says in a slot how its bytes are to be read: kind, and length in bytes.
    pub(super) fn state(&self) -> u64 {
        let kind = match self {
            Self::None => NONE,
            Self::Bool(_) => BOOL,
            Self::Int(_) => INT,
            Self::Float(_) => FLOAT,
            Self::Text(_) => TEXT,
            Self::Bytes(_) => BYTES,
        };
        self.bytes(|bytes| u64::from(kind) | (bytes.len() as u64) << 8)
    }

    pub(super) fn bytes<R>(&self, with: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::None => with(&[]),
            Self::Bool(value) => with(&[u8::from(*value)]),
            Self::Int(value) => with(&value.to_le_bytes()),
            Self::Float(value) => with(&value.to_le_bytes()),
            Self::Text(text) => with(text.as_bytes()),
            Self::Bytes(bytes) => with(bytes),
        }
    }

    /// How many bytes a slot says to have, if it has room for them.
    pub(super) fn len(state: u64, room: usize) -> Result<usize> {
        usize::try_from(state >> 8).ok().filter(|len| *len <= room).ok_or_else(nonsense)
    }

    /// Reads what lies in a slot, which anyone may have written.
    pub(super) fn read(state: u64, bytes: Vec<u8>) -> Result<Self> {
        let word = || bytes.as_slice().try_into().map_err(|_| nonsense());
        let [kind, ..] = state.to_le_bytes();
        Ok(match kind {
            NONE => Self::None,
            BOOL => match *bytes {
                [value @ 0..=1] => Self::Bool(value == 1),
                _ => return Err(nonsense()),
            },
            INT => Self::Int(i64::from_le_bytes(word()?)),
            FLOAT => Self::Float(f64::from_le_bytes(word()?)),
            TEXT => Self::Text(String::from_utf8(bytes).map_err(|_| nonsense())?),
            BYTES => Self::Bytes(bytes),
            _ => return Err(nonsense()),
        })
    }
}

fn nonsense() -> Error {
    let text = "an item of a shared list makes no sense: it was read while another process wrote it, \
                or something else was written over it";
    Error::new(ErrorKind::Broken, text)
}

macro_rules! from {
    ($($type:ty => $kind:ident),+ $(,)?) => {
        $(impl From<$type> for ShareableItem {
            fn from(value: $type) -> Self {
                Self::$kind(value.into())
            }
        })+
    };
}

from! {
    bool => Bool, u8 => Int, i8 => Int, u16 => Int, i16 => Int, u32 => Int, i32 => Int, i64 => Int,
    f32 => Float, f64 => Float, &str => Text, String => Text, char => Text, &[u8] => Bytes, Vec<u8> => Bytes,
}

impl<const N: usize> From<&[u8; N]> for ShareableItem {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<()> for ShareableItem {
    fn from((): ()) -> Self {
        Self::None
    }
}

impl<T: Into<Self>> From<Option<T>> for ShareableItem {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
