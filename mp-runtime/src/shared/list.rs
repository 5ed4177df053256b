//! `ShareableList`: items of several kinds in a named block. What an item is is in `item`.
//!
//! ```text
//! 0       8       16                            16 + 24 * count
//! | MAGIC | count | state, place, room of each | bytes of the items, each at a multiple of eight
//! ```
//!
//! An item's bytes are written before its state. Places and rooms are checked once, and kept: whatever is written over
//! them later, nothing outside an item's slot is touched.

use crate::error::{Error, ErrorKind, Result};
use crate::shared::block::SharedMemory;
use crate::shared::item::ShareableItem;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const MAGIC: u64 = u64::from_le_bytes(*b"mp-list1");
const COUNT: usize = 8;
const SLOTS: usize = 16;
const SLOT: usize = 24;
/// Every slot has room for a number.
const LEAST: usize = 8;

/// A list of numbers, truth values, text and bytes in a [block](SharedMemory) that any process of this user can attach
/// by its name.
///
/// It is as long as it was made, and each slot has the room that its first item took, rounded up to
/// a multiple of eight bytes: an item can be replaced by one of any kind that fits.
///
/// One item at a time is read or written, without a lock: who reads an item that another process is just
/// writing may get parts of both, or [`Broken`](ErrorKind::Broken). Where that can happen, use a lock beside it.
///
/// # Examples
///
/// ```
/// use mp::ShareableItem::{Float, Int, Text};
///
/// #[mp::task]
/// fn double(list: mp::ShareableList) {
///     if let Ok(Int(number)) = list.get(1) {
///         list.set(1, 2 * number).expect("a number fits");
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let items = [Text("name".into()), Int(21), Float(0.5)];
///     let list = mp::ShareableList::create(None, items)?;
///     mp::spawn(double, list.clone())?.result()?;
///     assert_eq!(list.get(1)?, Int(42));
///     list.unlink()
/// }
/// ```
#[derive(Clone)]
pub struct ShareableList {
    block: SharedMemory,
    slots: Arc<[Slot]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    at: usize,
    room: usize,
}

impl ShareableList {
    /// Makes a list of these items, in a block of that name or, given none, of a fresh one.
    ///
    /// # Errors
    ///
    /// As [`SharedMemory::create`].
    pub fn create(
        name: Option<&str>,
        items: impl IntoIterator<Item = impl Into<ShareableItem>>,
    ) -> Result<Self> {
        let items: Vec<ShareableItem> = items.into_iter().map(Into::into).collect();
        let mut end = SLOTS + SLOT * items.len();
        let slots = items.iter().map(|item| {
            let room = item.bytes(<[u8]>::len).next_multiple_of(LEAST).max(LEAST);
            let at = end;
            end += room;
            Slot { at, room }
        });
        let slots: Arc<[Slot]> = slots.collect();
        let block = SharedMemory::create(name, end)?;
        for (index, slot) in slots.iter().enumerate() {
            block.atomic_u64(place_of(index) + 8)?.store(slot.at as u64, Ordering::Relaxed);
            block.atomic_u64(place_of(index) + 16)?.store(slot.room as u64, Ordering::Relaxed);
        }
        block.atomic_u64(COUNT)?.store(items.len() as u64, Ordering::Relaxed);
        let list = Self { block, slots };
        for (index, item) in items.iter().enumerate() {
            list.put(index, item)?;
        }
        list.block.atomic_u64(0)?.store(MAGIC, Ordering::Release);
        Ok(list)
    }

    /// Attaches the list in the block of that name.
    ///
    /// # Errors
    ///
    /// As [`SharedMemory::attach`]; [`InvalidArgument`](ErrorKind::InvalidArgument) if the block is no such list.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let list = mp::ShareableList::create(None, [1, 2, 3])?;
    ///     let same = mp::ShareableList::attach(list.name())?;
    ///     same.set(0, "eight by")?;
    ///     assert_eq!(list.get(0)?, "eight by".into());
    ///     assert!(list.set(0, "nine bytes").is_err());
    ///     list.unlink()
    /// }
    /// ```
    pub fn attach(name: &str) -> Result<Self> {
        Self::open(SharedMemory::attach(name)?)
    }

    fn open(block: SharedMemory) -> Result<Self> {
        let none = || {
            let text = format!("the shared memory block {:?} holds no list", block.name());
            Error::new(ErrorKind::InvalidArgument, text)
        };
        let word = |at: usize| block.atomic_u64(at).map(|word| word.load(Ordering::Acquire));
        let number = |at: usize| word(at).ok().and_then(|word| usize::try_from(word).ok());
        if block.len() < SLOTS || word(0).ok() != Some(MAGIC) {
            return Err(none());
        }
        let count = number(COUNT).filter(|count| *count <= (block.len() - SLOTS) / SLOT);
        let count = count.ok_or_else(none)?;
        let slots = (0..count).map(|index| {
            let at = number(place_of(index) + 8)?;
            let room = number(place_of(index) + 16)?;
            let fits = at.checked_add(room).is_some_and(|end| end <= block.len());
            let is_slot = fits && at >= place_of(count) && room >= LEAST;
            is_slot.then_some(Slot { at, room })
        });
        let slots = slots.collect::<Option<Arc<[Slot]>>>().ok_or_else(none)?;
        Ok(Self { block, slots })
    }

    /// The name of its block.
    #[must_use]
    pub fn name(&self) -> &str {
        self.block.name()
    }

    /// The block that it lies in.
    #[must_use]
    pub fn block(&self) -> &SharedMemory {
        &self.block
    }

    /// How many items it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The item of this index.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if there is none; [`Broken`](ErrorKind::Broken) if what lies
    /// there makes no sense.
    pub fn get(&self, index: usize) -> Result<ShareableItem> {
        let slot = self.slot(index)?;
        let state = self.block.atomic_u64(place_of(index))?.load(Ordering::Acquire);
        let mut bytes = vec![0; ShareableItem::len(state, slot.room)?];
        self.block.read(slot.at, &mut bytes)?;
        ShareableItem::read(state, bytes)
    }

    /// Replaces the item of this index by another one, of the same kind or not.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if there is none, or its slot has too little room; it stays as
    /// it was.
    pub fn set(&self, index: usize, item: impl Into<ShareableItem>) -> Result<()> {
        self.put(index, &item.into())
    }

    fn put(&self, index: usize, item: &ShareableItem) -> Result<()> {
        let slot = self.slot(index)?;
        item.bytes(|bytes| {
            if bytes.len() > slot.room {
                let text = format!(
                    "an item of {} bytes does not fit into slot {index}, which has {}",
                    bytes.len(),
                    slot.room
                );
                return Err(Error::new(ErrorKind::InvalidArgument, text));
            }
            self.block.write(slot.at, bytes)
        })?;
        self.block.atomic_u64(place_of(index))?.store(item.state(), Ordering::Release);
        Ok(())
    }

    fn slot(&self, index: usize) -> Result<Slot> {
        self.slots.get(index).copied().ok_or_else(|| {
            let text = format!("a list of {} items has none of index {index}", self.len());
            Error::new(ErrorKind::InvalidArgument, text)
        })
    }

    /// The items, one after the other, each as it is when it is its turn.
    pub fn iter(&self) -> ShareableItems<'_> {
        ShareableItems { list: self, rest: 0..self.len() }
    }

    /// All items.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn to_vec(&self) -> Result<Vec<ShareableItem>> {
        self.iter().collect()
    }

    /// The index of the first item that is equal to this one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn index(&self, item: impl Into<ShareableItem>) -> Result<Option<usize>> {
        let wanted = item.into();
        for (index, item) in self.iter().enumerate() {
            if item? == wanted {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// How many items are equal to this one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn count(&self, item: impl Into<ShareableItem>) -> Result<usize> {
        let wanted = item.into();
        self.iter().try_fold(0, |count, item| Ok(count + usize::from(item? == wanted)))
    }

    /// Makes another list of the same items and the same rooms, in a block of that name or, given none, of
    /// a fresh one.
    ///
    /// # Errors
    ///
    /// As [`SharedMemory::create`].
    pub fn copy(&self, name: Option<&str>) -> Result<Self> {
        let block = SharedMemory::create(name, self.block.len())?;
        block.write(0, &self.block.to_vec())?;
        Ok(Self { block, slots: Arc::clone(&self.slots) })
    }

    /// Takes its block's name away, as [`SharedMemory::unlink`] does.
    ///
    /// # Errors
    ///
    /// As [`SharedMemory::unlink`].
    pub fn unlink(&self) -> Result<()> {
        self.block.unlink()
    }
}

/// Where the words of a slot are.
fn place_of(index: usize) -> usize {
    SLOTS + SLOT * index
}

/// The items of a [`ShareableList`], as [`ShareableList::iter`] gives them.
#[derive(Clone, Debug)]
pub struct ShareableItems<'a> {
    list: &'a ShareableList,
    rest: Range<usize>,
}

impl Iterator for ShareableItems<'_> {
    type Item = Result<ShareableItem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest.next().map(|index| self.list.get(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl ExactSizeIterator for ShareableItems<'_> {}

impl<'a> IntoIterator for &'a ShareableList {
    type Item = Result<ShareableItem>;
    type IntoIter = ShareableItems<'a>;

    fn into_iter(self) -> ShareableItems<'a> {
        self.iter()
    }
}

impl fmt::Debug for ShareableList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ShareableList");
        shown.field("name", &self.name()).field("len", &self.len()).finish()
    }
}

impl Serialize for ShareableList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.block.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShareableList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::open(SharedMemory::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
