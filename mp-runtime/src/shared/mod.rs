//! Memory that processes share, as users see it. How descriptors and objects inside values travel is in `custody`.

mod array;
mod block;
mod cells;
mod item;
mod list;
mod manager;
mod names;
mod plain;
mod raw;
mod slice;
pub(crate) mod tracker;
mod value;

pub use array::{Array, ArrayGuard};
pub use block::SharedMemory;
pub use item::ShareableItem;
pub use list::{ShareableItems, ShareableList};
pub use manager::SharedMemoryManager;
pub use plain::{Atomic, Plain, Shareable};
pub use raw::{RawArray, RawValue};
pub use slice::SharedSlice;
pub use value::{Value, ValueGuard};
