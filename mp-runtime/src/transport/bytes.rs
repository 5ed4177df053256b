//! Bytes on their way within this process: a few of them without an allocation, which would be made by one thread and
//! given back by another.

use std::ops::Deref;

/// How many fit without.
pub(crate) const FEW: usize = 30;

/// Bytes that do not change.
#[derive(Debug)]
pub(crate) struct Bytes(Repr);

#[derive(Debug)]
enum Repr {
    Few(u8, [u8; FEW]),
    Many(Vec<u8>),
}

impl Bytes {
    /// So many bytes, filled in by `fill`, which gets as many zeros.
    pub(crate) fn filled(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut few = [0; FEW];
        match (few.get_mut(..len), u8::try_from(len)) {
            (Some(bytes), Ok(len)) => {
                fill(bytes);
                Self(Repr::Few(len, few))
            }
            _ => {
                let mut bytes = vec![0; len];
                fill(&mut bytes);
                Self(Repr::Many(bytes))
            }
        }
    }

    /// Takes what lies in `bytes`: a copy of a few, else the vector itself.
    pub(crate) fn take(bytes: &mut Vec<u8>) -> Self {
        if bytes.len() <= FEW {
            Self::filled(bytes.len(), |to| to.copy_from_slice(bytes))
        } else {
            Self(Repr::Many(std::mem::take(bytes)))
        }
    }
}

impl Bytes {
    /// Leaves the first `len` of them, of which the very first is another one from now on.
    pub(crate) fn cut(&mut self, len: usize, first: u8) {
        let start = match &mut self.0 {
            Repr::Few(count, bytes) => {
                *count = u8::try_from(len).map_or(*count, |len| len.min(*count));
                bytes.first_mut()
            }
            Repr::Many(bytes) => {
                bytes.truncate(len);
                bytes.first_mut()
            }
        };
        start.into_iter().for_each(|start| *start = first);
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(mut bytes: Vec<u8>) -> Self {
        Self::take(&mut bytes)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Few(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Repr::Many(bytes) => bytes,
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

#[cfg(test)]
mod tests {
    use super::{Bytes, FEW};

    #[test]
    fn they_are_what_was_put_in() {
        for len in [0, 1, FEW - 1, FEW, FEW + 1, 1000] {
            let mut bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
            let expected = bytes.clone();
            assert_eq!(*Bytes::filled(len, |to| to.copy_from_slice(&expected)), *expected);
            assert_eq!(*Bytes::take(&mut bytes), *expected);
            assert_eq!(*Bytes::from(expected.clone()), *expected);
            let mut cut = Bytes::from(expected.clone());
            cut.cut(2, 9);
            assert_eq!(*cut, *[9, 1].get(..len.min(2)).unwrap());
            cut.cut(5, 8);
            assert_eq!(cut.len(), len.min(2));
        }
    }
}
