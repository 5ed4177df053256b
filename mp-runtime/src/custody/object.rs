//! Handles of objects that processes share, as parts of values that travel: the words that find the object, and who holds
//! it meanwhile. What the objects are is in `commons`.

use crate::commons::{Hold, Kind, Sent};
use crate::custody::MISSING;
use crate::error::ErrorKind;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use std::cell::RefCell;
use std::fmt;

/// The name of the newtype struct that the handle of an object is.
pub(crate) const SHARED: &str = "mp::Shared";

thread_local! {
    /// What a handle that is being serialised lends, until our encoder takes it.
    static LENT: RefCell<Option<Hold>> = const { RefCell::new(None) };
}

/// What the handle lends that is being serialised on this thread.
pub(crate) fn lent_hold() -> Option<Hold> {
    LENT.take()
}

/// Serialises a handle on an object, for a reader that is a process of the same program.
pub(crate) fn serialize_hold<S: Serializer>(hold: &Hold, serializer: S) -> Result<S::Ok, S::Error> {
    LENT.set(Some(hold.clone()));
    let done = serializer.serialize_newtype_struct(SHARED, &Elsewhere);
    drop(lent_hold());
    done
}

/// What a serialiser that is not ours finds in a handle.
struct Elsewhere;

const ELSEWHERE: &str = "an object that processes share travels only between processes of one program of mp: in a \
                         file or to another program its handle means nothing";

impl Serialize for Elsewhere {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(ELSEWHERE))
    }
}

/// Takes a handle on an object of that kind.
pub(crate) fn deserialize_hold<'de, D: Deserializer<'de>>(
    kind: Kind,
    deserializer: D,
) -> Result<Hold, D::Error> {
    deserializer.deserialize_newtype_struct(SHARED, Named(kind))
}

struct Named(Kind);

impl<'de> Visitor<'de> for Named {
    type Value = Hold;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a handle in a message between processes of mp")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, content: D) -> Result<Hold, D::Error> {
        Sent::deserialize(content)?.take(self.0).map_err(|error| match error.kind() {
            ErrorKind::NotFound => D::Error::custom(format!("{MISSING}{error}")),
            _ => D::Error::custom(error),
        })
    }
}
