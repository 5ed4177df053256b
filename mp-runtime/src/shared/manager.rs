//! `SharedMemoryManager`: blocks and lists that go together. What each is is in `block` and `list`.

use crate::error::{ErrorKind, Result};
use crate::shared::block::SharedMemory;
use crate::shared::item::ShareableItem;
use crate::shared::list::ShareableList;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Makes named blocks and lists, and removes all of them together: when it is dropped or told to.
///
/// It works in this process and needs no server; the program's one tracker stays the second line for what a killed
/// program leaves. Handles that others have go on working then, only the names are gone.
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::SharedMemoryManager::new();
///     let block = manager.shared_memory(512)?;
///     let list = manager.shareable_list([1, 2, 3])?;
///     let (block, list) = (block.name().to_owned(), list.name().to_owned());
///     drop(manager);
///     assert_eq!(mp::SharedMemory::attach(&block).unwrap_err().kind(), mp::ErrorKind::NotFound);
///     assert_eq!(mp::ShareableList::attach(&list).unwrap_err().kind(), mp::ErrorKind::NotFound);
///     Ok(())
/// }
/// ```
#[derive(Default)]
pub struct SharedMemoryManager {
    made: Mutex<Vec<SharedMemory>>,
}

impl SharedMemoryManager {
    /// Makes one that has made nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a block of `len` zero bytes, with a fresh name.
    ///
    /// # Errors
    ///
    /// As [`SharedMemory::create`].
    pub fn shared_memory(&self, len: usize) -> Result<SharedMemory> {
        let block = SharedMemory::create(None, len)?;
        self.keep(&block);
        Ok(block)
    }

    /// Makes a list of these items, with a fresh name.
    ///
    /// # Errors
    ///
    /// As [`ShareableList::create`].
    pub fn shareable_list(
        &self,
        items: impl IntoIterator<Item = impl Into<ShareableItem>>,
    ) -> Result<ShareableList> {
        let list = ShareableList::create(None, items)?;
        self.keep(list.block());
        Ok(list)
    }

    fn keep(&self, block: &SharedMemory) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(block.clone());
    }

    /// Removes what was made so far, as dropping it does, and says what went wrong. It can be used again.
    ///
    /// # Errors
    ///
    /// The first that [`SharedMemory::unlink`] gave, but for names that are gone already; the others are removed all
    /// the same.
    pub fn shutdown(&self) -> Result<()> {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        let mut outcome = Ok(());
        for block in made {
            if let Err(error) = block.unlink()
                && error.kind() != ErrorKind::NotFound
                && outcome.is_ok()
            {
                outcome = Err(error);
            }
        }
        outcome
    }
}

impl Drop for SharedMemoryManager {
    fn drop(&mut self) {
        // What cannot be removed now is the tracker's.
        let _ = self.shutdown();
    }
}

impl fmt::Debug for SharedMemoryManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let names = made.iter().map(SharedMemory::name);
        f.debug_tuple("SharedMemoryManager").field(&names.collect::<Vec<_>>()).finish()
    }
}
