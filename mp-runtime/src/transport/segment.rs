//! Room for payloads too large for a slot, in the file that only the parent writes: blocks of a power of two, given back
//! and used again, since fresh pages cost three times a copy into warm ones. Which payload lies in which is for `slots`.

use crate::sys::memory::{Memory, Shared, View};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// The smallest block.
const SMALLEST: usize = 1 << 10;
/// Blocks up to this size share chunks; a larger one is a chunk of its own.
const LARGEST_SHARED: usize = 1 << 16;
/// The size of a shared chunk.
const CHUNK: usize = 1 << 20;
/// How many bytes of memory free large blocks keep.
const WARM: usize = 128 << 20;
/// How many chunks a reader keeps mapped.
const MAPPED: usize = 32;

/// Where a block lies, as a reader is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The chunk's offset in the file, and its length.
    pub(crate) chunk: (u64, u64),
    /// The block's offset in the chunk.
    pub(crate) offset: u64,
}

/// A block in use. Give it back by [`Segments::free`].
#[derive(Debug)]
pub(crate) struct Block {
    place: Place,
    size: usize,
    chunk: Arc<Shared>,
    /// How many of its bytes have memory: a store beyond could be a SIGBUS.
    reserved: usize,
    warm: bool,
}

impl Block {
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Copies a payload to the block's beginning; it fits, or the block is another's.
    pub(crate) fn write(&self, bytes: &[u8]) {
        assert!(bytes.len() <= self.size, "{} bytes into a block of {}", bytes.len(), self.size);
        self.chunk.write(offset_in_memory(self.place.offset), bytes);
    }

    /// The first bytes of what was written.
    pub(crate) fn read(&self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len.min(self.size)];
        self.chunk.read(offset_in_memory(self.place.offset), &mut bytes);
        bytes
    }
}

fn offset_in_memory(offset: u64) -> usize {
    usize::try_from(offset).expect("a mapped chunk's offsets fit the address space")
}

/// The writer's side: all blocks of a file, from `end` on.
#[derive(Debug)]
pub(crate) struct Segments {
    end: u64,
    /// Free blocks by the logarithm of their size.
    free: Vec<Vec<Block>>,
    warm: usize,
}

impl Segments {
    pub(crate) fn new(end: u64) -> Self {
        Self { end: end.next_multiple_of(4096), free: Vec::new(), warm: 0 }
    }

    /// A block of at least `len` bytes, whatever is in it.
    pub(crate) fn allocate(&mut self, memory: &Memory, len: usize) -> io::Result<Block> {
        let size =
            len.max(SMALLEST).checked_next_power_of_two().ok_or(io::ErrorKind::OutOfMemory)?;
        let class = size.trailing_zeros() as usize;
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Vec::new);
        }
        if self.free[class].is_empty() {
            self.add_chunk(memory, class, size)?;
        }
        let mut block = self.free[class].pop().ok_or(io::ErrorKind::OutOfMemory)?;
        if size > LARGEST_SHARED && block.warm {
            self.warm -= block.reserved;
        }
        block.warm = true;
        if block.reserved < len {
            if let Err(error) = memory.reserve(block.place.chunk.0 + block.place.offset, len as u64)
            {
                self.free(memory, block);
                return Err(error);
            }
            block.reserved = len;
        }
        Ok(block)
    }

    /// Adds a chunk of the file, cut into free blocks.
    fn add_chunk(&mut self, memory: &Memory, class: usize, size: usize) -> io::Result<()> {
        let length = if size > LARGEST_SHARED { size } else { CHUNK };
        memory.grow(self.end + length as u64)?;
        let chunk = Arc::new(Shared::map(memory, self.end, length)?);
        let place = (self.end, length as u64);
        self.end += length as u64;
        let blocks = (0..length / size).rev().map(|at| Block {
            place: Place { chunk: place, offset: (at * size) as u64 },
            size,
            chunk: Arc::clone(&chunk),
            reserved: 0,
            warm: false,
        });
        self.free[class].extend(blocks);
        Ok(())
    }

    /// Takes a block back. Beyond [`WARM`] bytes its pages go to the system; its place is kept.
    pub(crate) fn free(&mut self, memory: &Memory, mut block: Block) {
        if block.size > LARGEST_SHARED {
            block.warm = self.warm + block.reserved <= WARM
                || memory.discard(block.place.chunk.0, block.place.chunk.1).is_err();
            if block.warm {
                self.warm += block.reserved;
            } else {
                block.reserved = 0;
            }
        }
        let class = block.size.trailing_zeros() as usize;
        self.free[class].push(block);
    }
}

/// The reader's side: chunks mapped as they are met.
#[derive(Debug, Default)]
pub(crate) struct Chunks(Vec<((u64, u64), View)>);

impl Chunks {
    /// The chunk in which `place` lies.
    pub(crate) fn get(&mut self, file: BorrowedFd<'_>, place: Place) -> io::Result<&View> {
        let at = match self.0.iter().position(|(chunk, _)| *chunk == place.chunk) {
            Some(at) => at,
            None => {
                if self.0.len() >= MAPPED {
                    self.0.remove(0);
                }
                let (offset, len) = place.chunk;
                let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
                self.0.push((place.chunk, View::map(file, offset, len)?));
                self.0.len() - 1
            }
        };
        Ok(&self.0[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Chunks, LARGEST_SHARED, SMALLEST, Segments, WARM};
    use crate::sys::memory::Memory;
    use std::collections::BTreeSet;
    use std::os::fd::AsFd;

    fn ends(block: &Block) -> (u64, u64) {
        let start = block.place.chunk.0 + block.place.offset;
        (start, start + block.size as u64)
    }

    #[test]
    fn blocks_in_use_never_overlap_and_are_used_again() {
        let memory = Memory::new("test").unwrap();
        let mut segments = Segments::new(100);
        let mut taken = BTreeSet::new();
        let mut blocks = Vec::new();
        for len in [1, SMALLEST, SMALLEST + 1, 5000, LARGEST_SHARED, LARGEST_SHARED + 1, 1 << 20] {
            for _ in 0..40 {
                let block = segments.allocate(&memory, len).unwrap();
                assert!(block.size >= len && block.place.offset.is_multiple_of(block.size as u64));
                taken.insert(ends(&block));
                blocks.push(block);
            }
        }
        assert_eq!(taken.len(), 7 * 40);
        let sorted: Vec<_> = taken.iter().collect();
        assert!(sorted.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        let end = segments.end;
        for block in blocks.drain(..) {
            segments.free(&memory, block);
        }
        assert!(segments.warm <= WARM);
        for len in [1, 1 << 20] {
            blocks.extend((0..40).map(|_| segments.allocate(&memory, len).unwrap()));
        }
        assert_eq!(segments.end, end, "given back blocks serve again");
    }

    #[test]
    fn a_reader_sees_what_was_written() {
        let memory = Memory::new("test").unwrap();
        let mut segments = Segments::new(0);
        let mut chunks = Chunks::default();
        for round in 0..100u8 {
            let block = segments.allocate(&memory, 3000).unwrap();
            block.write(&[round; 3000]);
            let view = chunks.get(memory.as_fd(), block.place()).unwrap();
            let at = usize::try_from(block.place.offset).unwrap();
            let word = view.u64(at).load(std::sync::atomic::Ordering::Relaxed);
            assert_eq!(word, u64::from_ne_bytes([round; 8]));
        }
    }
}
