//! What a worker has beside its tasks' arguments: state of its own, made by its initializer, and the value that all of the
//! pool's tasks may read.

use crate::codec;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::constant::Constant;
use serde::Deserialize;
use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

thread_local! {
    static STATE: RefCell<HashMap<TypeId, Box<dyn Any>>> = RefCell::new(HashMap::new());
}

/// Keeps a value for the tasks that run on this thread, in place of one of the same type: what a pool's
/// initializer makes, and each of the worker's tasks can borrow by [`with_worker_state`].
///
/// # Examples
///
/// ```
/// struct Counter(u64);
///
/// #[mp::task]
/// fn load(from: u64) {
///     mp::set_worker_state(Counter(from));
/// }
///
/// #[mp::task]
/// fn count() -> u64 {
///     let add_one = |counter: &mut Counter| {
///         counter.0 += 1;
///         counter.0
///     };
///     mp::with_worker_state(add_one).expect("the initializer has made one")
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::builder().processes(1).initializer(load, 100).build()?;
///     assert_eq!((pool.apply(count, ())?, pool.apply(count, ())?), (101, 102));
///     Ok(())
/// }
/// ```
pub fn set_worker_state<S: 'static>(state: S) {
    let before = STATE.with_borrow_mut(|all| all.insert(TypeId::of::<S>(), Box::new(state)));
    // What it does when dropped is the user's.
    drop(before);
}

/// Lends the value of this type that [`set_worker_state`], where an example of both is, has kept on this thread.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if there is none, or it is lent already.
pub fn with_worker_state<S: 'static, R>(f: impl FnOnce(&mut S) -> R) -> Result<R> {
    let state = STATE.with_borrow_mut(|all| all.remove(&TypeId::of::<S>()));
    // Put back however `f` ends, unless it has kept another.
    let mut lent = Lent(state);
    match lent.0.as_mut().and_then(|state| state.downcast_mut::<S>()) {
        Some(state) => Ok(f(state)),
        // It is kept under its type.
        None => Err(missing::<S>()),
    }
}

fn missing<S>() -> Error {
    let text = format!("this thread has no {} kept by mp::set_worker_state", type_name::<S>());
    Error::new(ErrorKind::NotFound, text)
}

struct Lent(Option<Box<dyn Any>>);

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(state) = self.0.take() else { return };
        // A thread that ends has no such place any more.
        let _ = STATE.try_with(|all| {
            let mut all = all.borrow_mut();
            all.entry((*state).type_id()).or_insert(state);
        });
    }
}

/// The pool's shared value as this worker has it mapped.
static SHARED: OnceLock<Constant> = OnceLock::new();
static DECODED: Mutex<Option<HashMap<TypeId, &'static (dyn Any + Send + Sync)>>> = Mutex::new(None);

pub(super) fn set_shared(value: Constant) {
    // A worker is of one pool, and told once.
    let _ = SHARED.set(value);
}

/// The value that was given to [`PoolBuilder::shared`](crate::PoolBuilder::shared), in a task of that
/// pool. It is mapped by each worker, decoded once in it, and `&'static str` and `&'static [u8]` in it
/// are not even copied.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) outside a task of such a pool; [`Decode`](ErrorKind::Decode) if it
/// is no `T`.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn count(word: &str) -> usize {
///     let text: &&str = mp::shared().expect("the pool has a text");
///     text.split_whitespace().filter(|found| *found == word).count()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let text = "the cat and the dog and the mouse";
///     let pool = mp::Pool::builder().processes(2).shared(&text).build()?;
///     assert_eq!(pool.map(count, ["the", "and", "bird"])?, [3, 2, 0]);
///     Ok(())
/// }
/// ```
pub fn shared<T>() -> Result<&'static T>
where
    T: Deserialize<'static> + Send + Sync + 'static,
{
    let decoded = || DECODED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = decoded().as_ref().and_then(|all| all.get(&TypeId::of::<T>()).copied());
    if let Some(value) = known.and_then(|any| any.downcast_ref()) {
        return Ok(value);
    }
    let bytes = SHARED.get().map(Constant::bytes).ok_or_else(|| {
        let text = "there is no shared value here: give one to the pool's builder by shared()";
        Error::new(ErrorKind::NotFound, text)
    })?;
    // Decoding runs the user's code, so not under the lock. Once for each type that is asked for.
    let value: &'static T = Box::leak(Box::new(codec::decode::<T>(bytes)?));
    decoded().get_or_insert_with(HashMap::new).insert(TypeId::of::<T>(), value);
    Ok(value)
}
