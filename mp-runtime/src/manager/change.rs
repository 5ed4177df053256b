//! `update_by`: values that the server has changed by a task of the program. Who runs the task is `server::update`; what is
//! changed by a closure, in the client, is in `dict` and `list`.
#![expect(clippy::missing_errors_doc, reason = "the types say it for all their methods")]

use crate::codec::To;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::proxy::Proxy;
use crate::manager::wire::{self, Message, Reader, method};
use crate::manager::{ArrayProxy, DictProxy, ListProxy, ValueProxy, object};
use crate::task::Task;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::cell::RefCell;
use std::hash::Hash;

/// The parameters of a task that changes a `V`: the value first, and behind it those that the caller gives. See
/// [`DictProxy::update_by`].
#[diagnostic::on_unimplemented(
    message = "this task does not change a `{V}`",
    label = "its first parameter is to be `{V}`, its parameters are `{Self}`",
    note = "a task that is given the value of a dictionary takes an `Option` of it, and returns one"
)]
pub trait Change<V> {
    /// What the caller gives: `()` for nothing, the value itself for one, a tuple for more.
    type Rest: Serialize;
}

impl<V> Change<V> for V {
    type Rest = ();
}

impl<V, A: Serialize> Change<V> for (V, A) {
    type Rest = A;
}

macro_rules! changes {
    ($($first:ident $($more:ident)+;)*) => {
        $(impl<V, $first: Serialize, $($more: Serialize),+> Change<V> for (V, $first, $($more),+) {
            type Rest = ($first, $($more),+);
        })*
    };
}

changes!(
    A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H; A B C D E F G H I;
    A B C D E F G H I J; A B C D E F G H I J K;
);

/// What the caller of a task gives that changes a `V`.
type Rest<'a, T, V> = <<T as Task>::Args<'a> as Change<V>>::Rest;

thread_local! {
    /// The values that are being changed by what runs on this thread.
    static INSIDE: RefCell<Vec<(u64, Vec<u8>)>> = const { RefCell::new(Vec::new()) };
}

/// Does something in the server that changes that value of that object.
pub(super) fn inside<R>(object: u64, place: &[u8], work: impl FnOnce() -> R) -> R {
    INSIDE.with_borrow_mut(|inside| inside.push((object, place.to_vec())));
    let done = work();
    INSIDE.with_borrow_mut(Vec::pop);
    done
}

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned + Eq + Hash + 'static,
    V: Serialize + DeserializeOwned + 'static,
{
    /// Has the server change the value of a key by a task, and gives what it is then: the task takes what there is, none if
    /// there is nothing, and behind that what is given here; what it returns is put in its place, and none takes it out.
    ///
    /// One call, for which the value does not travel to the caller first, as with [`update`](Self::update). Tasks for one
    /// key run one after the other, in the order of the calls, on a thread of the server's; nobody else waits for them. To
    /// all others the change is one step: until it is there they see what was before. If one of them puts another value there
    /// meanwhile, without a task, the task is called again with that. So it must not do so itself, nor change the same
    /// key by a task of its own, which is an error, `InvalidArgument`.
    ///
    /// # Errors
    ///
    /// [`Panicked`](ErrorKind::Panicked) if the task did, and [`Encode`](ErrorKind::Encode) if its value does not travel:
    /// then nothing is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::task]
    /// fn add_line(text: Option<String>, line: &str, most: usize) -> Option<String> {
    ///     let text = text.unwrap_or_default() + line + "\n";
    ///     (text.len() <= most).then_some(text)
    /// }
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let manager = mp::Manager::new()?;
    ///     let texts = manager.dict::<u32, String>()?;
    ///     texts.update_by(&1, add_line, ("one", 100))?;
    ///     assert_eq!(texts.update_by(&1, add_line, ("two", 100))?.as_deref(), Some("one\ntwo\n"));
    ///     assert_eq!(texts.update_by(&1, add_line, ("too much", 0))?, None);
    ///     assert!(!texts.contains_key(&1)?);
    ///     Ok(())
    /// }
    /// ```
    pub fn update_by<'a, T>(
        &self,
        key: &K,
        task: T,
        args: Rest<'a, T, Option<V>>,
    ) -> Result<Option<V>>
    where
        T: Task<Output = Option<V>>,
        T::Args<'a>: Change<Option<V>>,
    {
        let _ = task;
        let mut encoded = Message::default();
        encoded.value(key)?;
        let mut place = Message::default();
        // The server looks for the bytes; objects in the key are held by this until it has answered.
        place.kept(Reader::new(&encoded.bytes).kept()?.0, &[])?;
        change::<T, _, _>(self.proxy(), wire::OPTIONAL, &place.bytes, &args, |answer| {
            answer.option()
        })
    }
}

impl<V: Serialize + DeserializeOwned + 'static> ListProxy<V> {
    /// Has the server change the value of an index by a task, and gives what it is then. Else as
    /// [`DictProxy::update_by`].
    ///
    /// # Errors
    ///
    /// As there, and [`InvalidArgument`](ErrorKind::InvalidArgument) if there is nothing at the index.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::task]
    /// fn times(number: u32, factor: u32) -> u32 {
    ///     number * factor
    /// }
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let manager = mp::Manager::new()?;
    ///     let list = manager.list_from([1, 2, 3])?;
    ///     assert_eq!(list.update_by(1, times, 10)?, 20);
    ///     assert_eq!(list.to_vec()?, [1, 20, 3]);
    ///     Ok(())
    /// }
    /// ```
    pub fn update_by<'a, T>(&self, index: usize, task: T, args: Rest<'a, T, V>) -> Result<V>
    where
        T: Task<Output = V>,
        T::Args<'a>: Change<V>,
    {
        let _ = task;
        let place = (index as u64).to_le_bytes();
        change::<T, _, _>(&self.proxy, wire::PLAIN, &place, &args, |answer| answer.value())
    }
}

impl<V: Serialize + DeserializeOwned + 'static> ArrayProxy<V> {
    /// As [`ListProxy::update_by`].
    pub fn update_by<'a, T>(&self, index: usize, task: T, args: Rest<'a, T, V>) -> Result<V>
    where
        T: Task<Output = V>,
        T::Args<'a>: Change<V>,
    {
        self.list().update_by(index, task, args)
    }
}

impl<V: Serialize + DeserializeOwned + 'static> ValueProxy<V> {
    /// Has the server change the value by a task, and gives what it is then. Else as [`DictProxy::update_by`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::task]
    /// fn double(number: u64) -> u64 {
    ///     number * 2
    /// }
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let manager = mp::Manager::new()?;
    ///     let number = manager.value(4)?;
    ///     assert_eq!(number.update_by(double, ())?, 8);
    ///     Ok(())
    /// }
    /// ```
    pub fn update_by<'a, T>(&self, task: T, args: Rest<'a, T, V>) -> Result<V>
    where
        T: Task<Output = V>,
        T::Args<'a>: Change<V>,
    {
        self.list().update_by(0, task, args)
    }
}

fn change<T: Task, A: Serialize, R>(
    proxy: &Proxy,
    form: u8,
    place: &[u8],
    args: &A,
    read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
) -> Result<R> {
    let object = proxy.number();
    let is_own = || object::here().is_some_and(|here| here.server() == proxy.session().server());
    let is_inside = |inside: &Vec<(u64, Vec<u8>)>| {
        inside.iter().any(|(of, at)| *of == object && at == place) && is_own()
    };
    if INSIDE.with_borrow(is_inside) {
        let text = "a task that changes a value cannot have that changed by another task: it would wait for itself";
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    let mut request = Message::request(0, 0, method::UPDATE);
    request.u64(object).u8(form).task(&T::__entry().key());
    request
        .encoded(type_name::<A>(), |bytes, attachments| To::new(bytes, attachments).encode(args))?;
    request.bytes.extend_from_slice(place);
    proxy.call(request, read)
}
