//! What all handles here have in common: how they travel, and what is found in one that does not fit.

use crate::commons::{Hold, Kind, Role};
use crate::custody;
use crate::error::Result;
use serde::de::{Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

/// A kind of object, and how many bytes each has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) len: usize,
}

impl Shape {
    pub(super) fn make(self) -> Result<Hold> {
        Hold::new(self.kind, Role::ANY, self.len)
    }

    /// Takes a handle out of a message, where it may have been made up.
    pub(super) fn take<'de, D: Deserializer<'de>>(self, from: D) -> Result<Hold, D::Error> {
        let hold = custody::deserialize_hold(self.kind, from)?;
        if hold.len() < self.len {
            return Err(D::Error::custom("the handle of an object that is too short for its kind"));
        }
        Ok(hold)
    }
}

/// The object of a handle that has more than that.
pub(super) struct Bare<'a>(pub(super) &'a Hold);

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        custody::serialize_hold(self.0, to)
    }
}

/// Lets a handle that is a hold and nothing else travel.
macro_rules! travels {
    ($handle:ty, $shape:expr) => {
        impl serde::Serialize for $handle {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                crate::custody::serialize_hold(&self.hold, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $handle {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Ok(Self { hold: $shape.take(from)? })
            }
        }
    };
}

pub(super) use travels;
