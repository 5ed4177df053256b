//! `spawn`: making and starting a process in one. What it does is in `process`.

use crate::error::Result;
use crate::process::Process;
use crate::task::Task;

/// Starts a process that runs `task` with `arguments`: [`Process::new`] and [`Process::start`] in one.
///
/// # Errors
///
/// As [`Process::start`].
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn greet(name: &str) -> String {
///     format!("hello {name}")
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     assert_eq!(mp::spawn(greet, "bob")?.result()?, "hello bob");
///     Ok(())
/// }
/// ```
pub fn spawn<T: Task>(task: T, arguments: T::Args<'_>) -> Result<Process<T>> {
    let mut process = Process::new(task, arguments);
    process.start()?;
    Ok(process)
}
