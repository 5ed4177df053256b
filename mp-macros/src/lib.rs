//! The attribute macros of [`mp`](https://docs.rs/mp-rs), which re-exports them.
//! Here are the entry points and what users read about them; each one's work is in its folder.

mod attributes;
mod entry;
mod fallback;
mod function;
mod options;
mod paths;
mod task;
#[cfg(test)]
mod testing;

use proc_macro::TokenStream;

/// Makes a function a task, which can run in another process.
///
/// The function's name then stands for the task. Calling it is still an ordinary call in this
/// process; given to a pool or a process, it runs there. Arguments and result are checked by the
/// compiler on the way.
///
/// ```
/// #[mp::task]
/// fn area(width: u32, height: u32) -> u32 {
///     width * height
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     assert_eq!(area(3, 4), 12);
///
///     let pool = mp::Pool::new(2)?;
///     assert_eq!(pool.apply(area, (3, 4))?, 12);
///     Ok(())
/// }
/// ```
///
/// # What can be a task
///
/// A plain function, of any visibility, at the top of a module or inside another function, with up
/// to twelve parameters.
///
/// * **Parameters** are values whose types implement serde's `Serialize` and `Deserialize`. A pool
///   is given them as one argument: `()` for a task without parameters, the value itself for one
///   parameter, a tuple for more.
/// * **`&str` and `&[u8]`** can be parameters too, also inside others, as in `Option<&str>`. They
///   borrow from the message that brings them, so that nothing is copied out of it. The caller can
///   give a `&String` or a `&Vec<u8>`. Every other reference is refused: take the value.
/// * **The result** is an owned value whose type implements the two. A `Result` is a value like any
///   other, and its error type has to travel as well.
///
/// ```
/// #[mp::task]
/// fn parse(text: &str) -> Result<i64, String> {
///     text.trim().parse().map_err(|error| format!("{text:?}: {error}"))
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     let line = String::from(" 12 ");
///     assert_eq!(pool.apply(parse, &line)?, Ok(12));
///     assert!(pool.apply(parse, "twelve")?.is_err());
///     Ok(())
/// }
/// ```
///
/// Refused, with an error that says what to write instead: methods, generic functions, `impl
/// Trait`, `async`, `unsafe` and `extern` functions, `&mut` parameters, references in the result.
///
/// # Options
///
/// | option | effect |
/// | --- | --- |
/// | `name = "resize"` | The task's [`NAME`], in place of the function's path. |
/// | `as = Resize` | Calls the task `Resize`, and leaves the function alone. |
/// | `crate = path` | Where `mp` is, if not at `::mp`: renamed, or re-exported by a crate. |
///
/// A given name has to be the only one of its kind in a program.
///
/// [`NAME`]: https://docs.rs/mp-rs/latest/mp/trait.Task.html
///
/// # Names
///
/// The attribute makes a *constant* with the function's name, and a type of that name for it. That
/// has two consequences that are rarely met, and one way out of both:
///
/// * No variable or parameter can have the task's name where the task is in scope. In a `let`,
///   rustc says that the name "is interpreted as a constant, not a new binding".
/// * No module or type in the same module can have the task's name, as it could beside a function.
///
/// `as = ..` gives the task another name. The function stays an ordinary one, with everything that
/// is written on it:
///
/// ```
/// #[mp::task(as = Count)]
/// fn count(words: &str) -> usize {
///     words.split_whitespace().count()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     let count = count("one") + pool.apply(Count, "two three")?;
///     assert_eq!(count, 3);
///     Ok(())
/// }
/// ```
///
/// Two more things follow from the constant. Where a function pointer is needed, write `*area`, as
/// in `texts.iter().map(*length)`. And a task cannot be more visible than the types it takes and
/// returns.
///
/// Inside its own body the name stands for the task as well, so a task can call itself, or submit
/// itself.
///
/// # Attributes
///
/// Documentation, `#[deprecated]` and `#[cfg]` go to the task. Other attributes stay on the
/// function, other macros among them, if they stand below `#[mp::task]`.
#[proc_macro_attribute]
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    task::task(options.into(), item.into()).into()
}

/// Makes `main` a main whose children never reach it.
///
/// A child process of `mp` is the same program, started again. This attribute finds out, before
/// anything else of `main`, whether the process is such a child, and then runs its task instead.
/// After `main`, it waits for what the program has left running. It is short for
/// `let _guard = mp::init();` in the first line; see [`mp::init`] for the rules.
///
/// ```
/// #[mp::task]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     assert_eq!(pool.apply(square, 3)?, 9);
///     Ok(())
/// }
/// ```
///
/// # With other attributes
///
/// It stands above every other macro on `main`, so that a child does not start what they start:
///
/// ```ignore
/// #[mp::main]
/// #[tokio::main]
/// async fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     println!("{}", pool.submit(square, 7).get()?);
///     Ok(())
/// }
/// ```
///
/// # Options
///
/// `crate = path` says where `mp` is found, if not at `::mp`.
///
/// [`mp::init`]: https://docs.rs/mp-rs/latest/mp/fn.init.html
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::main(options.into(), item.into()).into()
}

/// Makes a function a test that can start processes.
///
/// It takes the place of `#[test]`, and runs under `cargo test` as it is: without a test harness of
/// its own, and beside ordinary tests.
///
/// ```no_run
/// #[mp::task]
/// fn add(a: i32, b: i32) -> i32 {
///     a + b
/// }
///
/// #[mp::test]
/// fn adds() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     assert_eq!(pool.apply(add, (5, 7))?, 12);
///     Ok(())
/// }
/// # fn main() {}
/// ```
///
/// A child process is the same test program, started again. The attribute has that found out before
/// the harness starts, so that a child runs its task and no tests; one `#[mp::test]` in a test
/// program is enough for all of its tests.
///
/// # With other attributes
///
/// `#[should_panic]` and `#[ignore]` work as always. If another macro below makes a test of the
/// function, it is left to do so; for an `async` test there has to be one:
///
/// ```ignore
/// #[mp::test]
/// #[tokio::test]
/// async fn squares() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     assert_eq!(pool.submit(square, 7).await?, 49);
///     Ok(())
/// }
/// ```
///
/// # Options
///
/// `crate = path` says where `mp` is found, if not at `::mp`.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::test(options.into(), item.into()).into()
}
