//! The macros' only door: what generated code names, as `::mp::__private::..`. Nothing here is for people.

#[path = "private/travel.rs"]
pub mod travel;

pub use crate::child::entry::{Constructor, enter_test};
pub use crate::codec::{Bytes, From, Owned, To};
pub use crate::manager::{Class, ClassRegistration, Kept, Made, Method, MethodEntry, Object};
#[cfg(feature = "__steps")]
pub use crate::sys::steps;
pub use crate::task::failure::{Failure, Hidden, NoResult, Outcome, Shown};
pub use crate::task::registry::{Entry, Registration};
pub use crate::wait::Source;
pub use inventory;
pub use serde;
