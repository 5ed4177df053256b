//! Memory that processes share, as users see it. How descriptors and objects inside values travel is in `custody`.

mod block;
mod item;
mod list;
mod names;
mod plain;
mod slice;
pub(crate) mod tracker;

pub use block::SharedMemory;
pub use item::ShareableItem;
pub use list::{ShareableItems, ShareableList};
pub use plain::Plain;
pub use slice::SharedSlice;
