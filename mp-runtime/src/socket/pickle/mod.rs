//! Values as pickles, by the crate serde-pickle: what Python's `send` makes and its `recv` reads. What a pickle may hold is
//! for `gauge`, how it travels for `client`.

mod gauge;

use crate::error::{Error, ErrorKind, Result};
use serde::{Serialize, de::DeserializeOwned};
use serde_pickle::{DeOptions, SerOptions};
use std::any::type_name;

/// The longest text of serde-pickle's that goes into an error: it has whole values in some.
const TEXT_MAX: usize = 300;

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let wrong = |why: &str| {
        let text = format!("cannot pickle {}: {}", type_name::<T>(), shortened(why));
        Error::new(ErrorKind::Encode, text)
    };
    let pickle = serde_pickle::to_vec(&value, SerOptions::new());
    let pickle = pickle.map_err(|error| wrong(&error.to_string()))?;
    // It writes the lengths of texts in 32 bits, whatever they are.
    if u32::try_from(pickle.len()).is_err() {
        return Err(wrong("it has more than 4 GiB"));
    }
    Ok(pickle)
}

/// A value out of a pickle, which may take about `most` bytes of memory more than its own length explains.
pub(super) fn decode<T: DeserializeOwned>(pickle: &[u8], most: usize) -> Result<T> {
    let wrong = |why: &str| {
        let text = format!("cannot decode {} from a pickle: {}", type_name::<T>(), shortened(why));
        Error::new(ErrorKind::Decode, text)
    };
    gauge::check(pickle, most).map_err(|why| wrong(&why))?;
    serde_pickle::from_slice(pickle, DeOptions::new()).map_err(|error| wrong(&error.to_string()))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
