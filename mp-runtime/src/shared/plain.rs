//! `Plain`: what may lie in memory that processes share.

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
pub trait Plain: FromBytes + IntoBytes + Immutable + Send + Sync + 'static {}

impl<T: FromBytes + IntoBytes + Immutable + Send + Sync + 'static> Plain for T {}
