//! What a task is: the trait that `#[mp::task]` implements. How one is found is in `registry`, how it is run in `run`, and
//! whether it returned an error is in `failure`. As what else than a call one can serve is in `action`.

mod action;
pub(crate) mod current;
pub(crate) mod failure;
pub(crate) mod registry;
pub(crate) mod run;

use crate::codec::{From, To};
use crate::error::Result;
use crate::task::failure::Failure;
use crate::task::registry::Entry;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

/// A function that can run in another process.
///
/// Implemented by `#[mp::task]` only, for a type and a constant that carry the
/// function's name: the constant is what is given to a pool or a process, and calling it is calling
/// the function, in this process.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn add(a: i32, b: i32) -> i32 {
///     a + b
/// }
///
/// fn name_of<T: mp::Task>(_: T) -> &'static str {
///     T::NAME
/// }
///
/// # fn main() {
/// assert_eq!(add(5, 7), 12);
/// assert!(name_of(add).ends_with("::add"));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task: put `#[mp::task]` on the function, and pass it by its bare name",
    label = "this is not a task",
    note = "a closure cannot be one, since the other process finds a task by its name: make it a \
            function, with what it captures as parameters"
)]
pub trait Task: Copy + Send + Sync + 'static {
    /// The parameters: none, `()`; one, itself; more, a tuple of them.
    type Args<'a>: Serialize + Deserialize<'a>;

    /// What the function returns.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// The function's full name, such as "crate::module::foo". For people: two functions may share it.
    const NAME: &'static str;

    #[doc(hidden)]
    fn __entry() -> &'static Entry;

    #[doc(hidden)]
    fn __call(args: Self::Args<'_>) -> Self::Output;

    #[doc(hidden)]
    fn __encode(args: &Self::Args<'_>, to: To<'_>) -> Result<()> {
        to.encode(args)
    }

    #[doc(hidden)]
    fn __decode<'a>(from: From<'a, '_>) -> Result<Self::Args<'a>> {
        from.decode()
    }

    #[doc(hidden)]
    fn __failure(output: &Self::Output) -> Failure {
        let _ = output;
        None
    }
}
