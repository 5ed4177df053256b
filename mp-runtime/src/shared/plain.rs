//! `Plain`, `Shareable`, `Atomic`: what may lie in memory that processes share.
#![expect(unsafe_code, reason = "says which types are atomics")]

use std::sync::atomic;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Plain data: numbers, arrays of them, and `repr(C)` structs of such without gaps, all of whose bytes mean something,
/// whatever they are, and none of which is an address.
///
/// A struct of yours becomes plain by three derives of the crate `zerocopy` (with its feature `derive`), which check
/// that.
///
/// # Examples
///
/// ```
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let points = mp::SharedSlice::new([Point { x: 1.0, y: 2.0 }])?;
///     assert_eq!(points[0].y, 2.0);
///     Ok(())
/// }
/// ```
///
/// Whatever holds a pointer is not:
///
/// ```compile_fail,E0277
/// let names = mp::SharedSlice::new(vec![String::new()]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no plain data, so it cannot lie in memory that processes share: use numbers, arrays of \
               them, or a `repr(C)` struct with `#[derive(zerocopy::FromBytes, zerocopy::IntoBytes, \
               zerocopy::Immutable)]`",
    label = "no plain data"
)]
pub trait Plain: Shareable + Immutable {}

impl<T: Shareable + Immutable> Plain for T {}

/// [Plain](Plain) data, and atomics, which can be changed through a `&`: what a [`RawValue`](crate::RawValue) holds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither plain data nor an atomic, so it cannot lie in memory that processes share: use \
               numbers, arrays of them, or a `repr(C)` struct with `#[derive(zerocopy::FromBytes, \
               zerocopy::IntoBytes, zerocopy::Immutable)]`",
    label = "neither plain data nor an atomic"
)]
pub trait Shareable: FromBytes + IntoBytes + Send + Sync + 'static {}

impl<T: FromBytes + IntoBytes + Send + Sync + 'static> Shareable for T {}

/// What can be changed by several processes at once through a `&`: the standard library's atomics of integers, and structs
/// of such.
///
/// # Safety
///
/// - Each byte of a value belongs to an atomic; none of them can be read or written in another way.
pub unsafe trait Atomic: Shareable {}

macro_rules! atomics {
    ($($name:ident)+) => {
        // SAFETY: it is an atomic and nothing else.
        $(unsafe impl Atomic for atomic::$name {})+
    };
}

atomics! {
    AtomicU8 AtomicI8 AtomicU16 AtomicI16 AtomicU32 AtomicI32 AtomicU64 AtomicI64 AtomicUsize AtomicIsize
}
