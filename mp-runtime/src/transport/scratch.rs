//! A buffer that is used again and again, mostly for little: fresh memory costs several times a copy into warm memory, so
//! that a large buffer is kept for the next large use, and given back when none comes.

/// A buffer no larger than this is always kept.
const LITTLE: usize = 1 << 20;
/// A buffer larger than this never is.
const MUCH: usize = 256 << 20;
/// So many little uses in a row give a large buffer back.
const PATIENCE: u8 = 64;

/// The buffer.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    bytes: Vec<u8>,
    little: u8,
}

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), little: 0 }
    }

    /// The buffer, emptied.
    #[inline]
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes
    }

    /// Takes it back after its use.
    #[inline]
    pub(crate) fn put_back(&mut self, bytes: Vec<u8>) {
        let large = bytes.capacity() > LITTLE;
        self.little = if large && bytes.len() <= LITTLE { self.little + 1 } else { 0 };
        if bytes.capacity() <= MUCH && self.little < PATIENCE {
            self.bytes = bytes;
        } else {
            self.little = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LITTLE, MUCH, PATIENCE, Scratch};

    fn use_for(scratch: &mut Scratch, len: usize) -> usize {
        let mut bytes = scratch.take();
        let before = bytes.capacity();
        bytes.resize(len, 1);
        scratch.put_back(bytes);
        before
    }

    #[test]
    fn a_large_buffer_is_kept_until_it_has_not_been_needed_for_long() {
        let mut scratch = Scratch::new();
        use_for(&mut scratch, 5 * LITTLE);
        assert!(use_for(&mut scratch, 5 * LITTLE) >= 5 * LITTLE);
        for _ in 0..PATIENCE {
            assert!(use_for(&mut scratch, 10) >= 5 * LITTLE);
        }
        assert_eq!(use_for(&mut scratch, 10), 0);
        assert!(use_for(&mut scratch, 10) >= 10);
        use_for(&mut scratch, MUCH + 1);
        assert_eq!(use_for(&mut scratch, 10), 0);
    }
}
