//! `update_by`: values that the server has changed by a task of the program. Who runs the task is `server::update`; what is
//! changed by a closure, in the client, is in `dict` and `list`.
#![expect(clippy::missing_errors_doc, reason = "the types say it for all their methods")]

use crate::codec::{self, To};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::proxy::Proxy;
use crate::manager::wire::{self, Message, Reader, method};
use crate::manager::{ArrayProxy, DictProxy, ListProxy, ValueProxy, object};
use crate::task::Task;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
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

/// What a task that changes a `V` returns: the new value, or a [`Changed`] with it. See [`DictProxy::update_by`].
#[diagnostic::on_unimplemented(
    message = "this task does not give a new `{V}`",
    label = "it is to return `{V}` or `mp::Changed<{V}, _>`, it returns `{Self}`",
    note = "a task that is given the value of a dictionary takes an `Option` of it, and returns one"
)]
pub trait Changes<V> {
    /// What the caller gets: the new value, or the result beside it.
    type Given: DeserializeOwned + 'static;

    #[doc(hidden)]
    const __FORM: u8;
}

impl<V: DeserializeOwned + 'static> Changes<V> for V {
    type Given = V;

    const __FORM: u8 = 0;
}

impl<V, R: DeserializeOwned + 'static> Changes<V> for Changed<V, R> {
    type Given = R;

    const __FORM: u8 = wire::WITH_RESULT;
}

/// A new value, and a result for who has it changed: what a task may return that a manager's server
/// changes a value by. There can be no handles in the result; in the value there can.
///
/// # Examples
///
/// ```
/// use std::collections::VecDeque;
///
/// #[mp::task]
/// fn take(jobs: Option<VecDeque<String>>) -> mp::Changed<Option<VecDeque<String>>, Option<String>> {
///     let mut jobs = jobs.unwrap_or_default();
///     let result = jobs.pop_front();
///     mp::Changed { value: Some(jobs).filter(|jobs| !jobs.is_empty()), result }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let jobs = manager.dict_from([(7, VecDeque::from(["wash".to_owned(), "dry".to_owned()]))])?;
///     assert_eq!(jobs.update_by(&7, take, ())?.as_deref(), Some("wash"));
///     assert_eq!(jobs.update_by(&7, take, ())?.as_deref(), Some("dry"));
///     assert!(jobs.update_by(&7, take, ())?.is_none() && jobs.is_empty()?);
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed<V, R> {
    /// What is put in place of what was there.
    pub value: V,
    /// What the caller gets.
    pub result: R,
}

/// The result in one piece, and behind it the value: so the server finds that without its type.
impl<V: Serialize, R: Serialize> Serialize for Changed<V, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut result = Vec::new();
        codec::encode(&self.result, &mut result).map_err(S::Error::custom)?;
        (codec::Bytes(&result), &self.value).serialize(serializer)
    }
}

impl<'de, V: Deserialize<'de>, R: DeserializeOwned> Deserialize<'de> for Changed<V, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (result, value): (codec::Owned, V) = Deserialize::deserialize(deserializer)?;
        let result = codec::decode(&result.0).map_err(D::Error::custom)?;
        Ok(Self { value, result })
    }
}

/// What the caller of a task gives that changes a `V`.
type Rest<'a, T, V> = <<T as Task>::Args<'a> as Change<V>>::Rest;

/// And what it gets.
type Given<T, V> = <<T as Task>::Output as Changes<V>>::Given;

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
    /// there is nothing, and behind that what is given here; what it returns is put in its place, and none takes it out. If
    /// that is a [`Changed`], its result is what is given here.
    ///
    /// One call, for which the value does not travel to the caller first, as with [`update`](Self::update). Tasks for one
    /// key run one after the other, in the order of the calls, on a thread of the server's; nobody else waits for them. To
    /// all others the change is one step: until it is there they see what was before. If one of them puts another value there
    /// meanwhile, without a task, the task is called again with that, a thousand times at most. So it must not do so itself,
    /// nor change the same key by a task of its own, which is an error, `InvalidArgument`.
    ///
    /// # Errors
    ///
    /// [`Panicked`](ErrorKind::Panicked) if the task did, [`Encode`](ErrorKind::Encode) if its value does not travel,
    /// [`Broken`](ErrorKind::Broken) if others put values there each time: then the task changes nothing.
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
    ) -> Result<Given<T, Option<V>>>
    where
        T: Task,
        T::Args<'a>: Change<Option<V>>,
        T::Output: Changes<Option<V>>,
    {
        let _ = task;
        let mut encoded = Message::default();
        encoded.value(key)?;
        let mut place = Message::default();
        // The server looks for the bytes; objects in the key are held by this until it has answered.
        place.kept(Reader::new(&encoded.bytes).kept()?.0, &[])?;
        change::<T, Option<V>, _>(self.proxy(), wire::OPTIONAL, &place.bytes, &args)
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
    pub fn update_by<'a, T>(
        &self,
        index: usize,
        task: T,
        args: Rest<'a, T, V>,
    ) -> Result<Given<T, V>>
    where
        T: Task,
        T::Args<'a>: Change<V>,
        T::Output: Changes<V>,
    {
        let _ = task;
        let place = (index as u64).to_le_bytes();
        change::<T, V, _>(&self.proxy, wire::PLAIN, &place, &args)
    }
}

impl<V: Serialize + DeserializeOwned + 'static> ArrayProxy<V> {
    /// As [`ListProxy::update_by`].
    pub fn update_by<'a, T>(
        &self,
        index: usize,
        task: T,
        args: Rest<'a, T, V>,
    ) -> Result<Given<T, V>>
    where
        T: Task,
        T::Args<'a>: Change<V>,
        T::Output: Changes<V>,
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
    pub fn update_by<'a, T>(&self, task: T, args: Rest<'a, T, V>) -> Result<Given<T, V>>
    where
        T: Task,
        T::Args<'a>: Change<V>,
        T::Output: Changes<V>,
    {
        self.list().update_by(0, task, args)
    }
}

fn change<T, V, A: Serialize>(
    proxy: &Proxy,
    form: u8,
    place: &[u8],
    args: &A,
) -> Result<Given<T, V>>
where
    T: Task,
    T::Output: Changes<V>,
{
    // One of another program has other tasks.
    proxy.way()?;
    let object = proxy.number();
    let is_own = || object::here().is_some_and(|here| here.server() == proxy.server_number());
    let is_inside = |inside: &Vec<(u64, Vec<u8>)>| {
        inside.iter().any(|(of, at)| *of == object && at == place) && is_own()
    };
    if INSIDE.with_borrow(is_inside) {
        let text = "a task that changes a value cannot have that changed by another task: it would wait for itself";
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    let mut request = Message::request(0, 0, method::UPDATE);
    request.u64(object).u8(form | T::Output::__FORM).task(&T::__entry().key());
    request
        .encoded(type_name::<A>(), |bytes, attachments| To::new(bytes, attachments).encode(args))?;
    request.bytes.extend_from_slice(place);
    proxy.call(request, |answer| answer.value())
}
