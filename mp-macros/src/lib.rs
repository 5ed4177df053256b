//! The attribute macros of [`mp`](https://docs.rs/mp-rs), which re-exports them.
//! Here are the entry points and what users read about them; each one's work is in its folder.

mod attributes;
mod entry;
mod fallback;
mod function;
mod manager;
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

/// Makes the methods of a type those of objects that a manager's server keeps, and a proxy to call them by.
///
/// For a type `Counter`, the proxy is `CounterProxy`: a handle on an object in the server, with the same methods and their
/// documentation. Each of its calls runs in the server, and waits for what comes of it. Proxies are clones of each other
/// wherever they come to: in other processes, in queues, inside other objects; the object is dropped when nobody has one
/// any more. [`Manager::create`] makes an object, and gives its first proxy.
///
/// ```
/// struct Counter {
///     count: u64,
/// }
///
/// #[mp::manager]
/// impl Counter {
///     pub fn new(count: u64) -> Self {
///         Self { count }
///     }
///
///     /// Counts on, and gives the number then.
///     pub fn add(&mut self, by: u64) -> u64 {
///         self.count += by;
///         self.count
///     }
///
///     pub fn get(&self) -> u64 {
///         self.count
///     }
/// }
///
/// #[mp::task]
/// fn work(counter: CounterProxy) -> mp::Result<u64, String> {
///     counter.add(2).map_err(|error| error.to_string())
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let counter = manager.create::<Counter>(10)?;
///     let pool = mp::Pool::new(2)?;
///     pool.map(work, vec![counter.clone(); 5])?;
///     assert_eq!(counter.get()?, 20);
///     Ok(())
/// }
/// ```
///
/// # What is served
///
/// * **`new`** makes the object, in the server. It takes what a task takes, and returns `Self`, or a `Result` whose error
///   travels: then `create` gives a `Result` too.
/// * **Methods that are `pub`** in any way, with `&self` or `&mut self`. They take and return what tasks do: values that
///   serde knows, `&str` and `&[u8]`. On the proxy, what they return comes in an `mp::Result`. A `Result` of their own stays
///   what it is inside it: `proxy.parse(text)??`. Locks, queues, proxies and other handles of shared objects are values like
///   others here; `mp::Fd` is not, since its descriptor would have to be kept.
/// * Everything else in the `impl` (private methods, constants) and in other `impl`s of the type is for the object itself.
///   To call it by the proxy is a compile error.
///
/// The type needs nothing but to be `Send` and `Sync`; it does not travel, and so may have open files or connections in it.
/// It can still be used like any other, without a manager.
///
/// # Calls
///
/// Methods with `&self` run at once, each on a thread of the server's; those with `&mut self` run alone. Calls are let in as
/// they come, so none waits for ever. One that takes long, or waits for something, holds up its own object only. A method
/// that calls its own object by a proxy waits for itself. The server is a daemon, so methods start no processes and pools.
///
/// A panic in a method is an error for its caller, `Panicked` with the text and the place, and for nobody else. The object
/// stays as the method left it, in the middle of its change: one that must not be seen so needs care, as behind any
/// `Mutex` whose poison is ignored. A result that cannot be sent back is an error as well, `Remote`. If the caller is
/// killed, the method still runs to its end.
///
/// When the manager ends, methods that run are waited for, as long as [`shutdown_timeout`] says.
///
/// # Objects that make objects
///
/// A method can return proxies, of its own kind or others. [`Manager::current`] is the manager to make them by:
///
/// ```
/// struct Directory {
///     rooms: Vec<RoomProxy>,
/// }
///
/// #[mp::manager]
/// impl Directory {
///     pub fn new() -> Self {
///         Self { rooms: Vec::new() }
///     }
///
///     pub fn open(&mut self, name: String) -> Result<RoomProxy, String> {
///         let manager = mp::Manager::current().map_err(|error| error.to_string())?;
///         let room = manager.create::<Room>(name).map_err(|error| error.to_string())?;
///         self.rooms.push(room.clone());
///         Ok(room)
///     }
/// }
///
/// struct Room(String);
///
/// #[mp::manager]
/// impl Room {
///     pub fn new(name: String) -> Self {
///         Self(name)
///     }
///
///     pub fn name(&self) -> String {
///         self.0.clone()
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let room = manager.create::<Directory>(())?.open("blue".to_owned())?.unwrap();
///     assert_eq!(room.name()?, "blue");
///     Ok(())
/// }
/// ```
///
/// # Iterating
///
/// A proxy whose type has a served `next(&mut self) -> Option<T>` can be iterated over; all of its clones share the steps.
///
/// ```
/// struct Squares(u64);
///
/// #[mp::manager]
/// impl Squares {
///     pub fn new() -> Self {
///         Self(0)
///     }
///
///     #[allow(clippy::should_implement_trait)]
///     pub fn next(&mut self) -> Option<u64> {
///         self.0 += 1;
///         Some(self.0 * self.0)
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let squares = manager.create::<Squares>(())?;
///     let first: mp::Result<Vec<u64>> = squares.into_iter().take(3).collect();
///     assert_eq!(first?, [1, 4, 9]);
///     Ok(())
/// }
/// ```
///
/// # Options
///
/// | option | effect |
/// | --- | --- |
/// | `proxy = Name` | What the proxy is called, in place of `CounterProxy`. |
/// | `crate = path` | Where `mp` is, if not at `::mp`: renamed, or re-exported by a crate. |
///
/// The proxy is `pub` in the module of the `impl`.
///
/// Refused, with an error that says what to write instead: traits' and generic `impl`s, and among served methods generic,
/// `async` and `unsafe` ones, those that take `self` otherwise or not at all, and references other than the two.
///
/// [`Manager::create`]: https://docs.rs/mp-rs/latest/mp/struct.Manager.html#method.create
/// [`Manager::current`]: https://docs.rs/mp-rs/latest/mp/struct.Manager.html#method.current
/// [`shutdown_timeout`]: https://docs.rs/mp-rs/latest/mp/struct.ManagerBuilder.html#method.shutdown_timeout
#[proc_macro_attribute]
pub fn manager(options: TokenStream, item: TokenStream) -> TokenStream {
    manager::manager(options.into(), item.into()).into()
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
