//! How rustc says in one error, at the right place, that a type of a task cannot travel. That types must is a bound of
//! `Task`; which parts of them are looked at is the macro's choice.
//!
//! The macro writes `type Output = <T as Checked<{ .. }>>::Type`, where the constant in braces compiles only if `T`
//! travels. If it does not, the constant's own error is the only one: about a type that depends on it rustc says nothing,
//! neither that it lacks this trait and that one, nor where the task is used.

#![expect(missing_docs, reason = "for generated code")]

use crate::pool::{AsyncResult, Pool};
use crate::process::Process;
use crate::process::exit::Guard;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};
use std::error::Error;
use std::marker::PhantomData;
use std::{fs, net, rc, sync, thread, time};

/// Every type, as itself, whatever the constant is.
pub trait Checked<const CONSTANT: usize> {
    type Type: ?Sized;
}

impl<T: ?Sized, const CONSTANT: usize> Checked<CONSTANT> for T {
    type Type = T;
}

/// Asks what a type implements: `Probe::<T>::MP_SEND` is the constant below where the bounds of
/// its `impl` hold, and else that of [`Otherwise`]. Users' traits may have a `SEND` for every type.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(PhantomData<&'a ()>, PhantomData<T>);

pub trait Otherwise {
    const MP_ARGUMENT: bool = false;
    const MP_RESULT: bool = false;
    const MP_SEND: bool = false;
    const MP_SYNC: bool = false;
    const MP_ERROR: bool = false;
    const MP_KIND: Fault = Fault::Plain;
}

impl<T: ?Sized> Otherwise for Probe<'_, T> {}

impl<'a, T: Serialize + Deserialize<'a>> Probe<'a, T> {
    pub const MP_ARGUMENT: bool = true;
}

impl<T: Serialize + DeserializeOwned> Probe<'_, T> {
    pub const MP_RESULT: bool = true;
}

impl<T: ?Sized + Send> Probe<'_, T> {
    pub const MP_SEND: bool = true;
}

impl<T: ?Sized + Sync> Probe<'_, T> {
    pub const MP_SYNC: bool = true;
}

impl<T: ?Sized + Error> Probe<'_, T> {
    pub const MP_ERROR: bool = true;
}

impl<T: ?Sized + Known> Probe<'_, T> {
    pub const MP_KIND: Fault = T::KIND;
}

/// A type of which there is more to say than that it lacks two traits.
pub trait Known {
    const KIND: Fault;
}

/// Why a type cannot travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It can, or something else is to be told of.
    None,
    /// It stands for something of one process.
    Handle,
    /// It points to something in one process's memory.
    Pointer,
    /// It is the address of a function.
    Code,
    Error,
    /// A `Result` whose parts cannot be seen, so that it is its error.
    Outcome,
    /// It holds a trait object.
    Hidden,
    Plain,
}

impl Fault {
    /// The fault of a type of this kind: none if it is `excused`, since it can travel or is a part
    /// of what can, or if one `inside` it is to be told of.
    #[must_use]
    pub const fn find(self, excused: bool, inside: bool) -> Self {
        if excused || inside && !self.is_whole() { Self::None } else { self }
    }

    /// What else is known of a type that is nothing in particular.
    #[must_use]
    pub const fn or(self, other: Self, applies: bool) -> Self {
        if self.is(Self::Plain) && applies { other } else { self }
    }

    /// Whether the type is at fault whatever its parts are.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.is(Self::Handle) || self.is(Self::Pointer)
    }

    #[must_use]
    pub const fn is(self, other: Self) -> bool {
        self as u8 == other as u8
    }
}

macro_rules! known {
    ($($kind:ident: $([$($generics:tt)*] $type:ty,)+;)+) => {
        $($(impl<$($generics)*> Known for $type {
            const KIND: Fault = Fault::$kind;
        })+)+
    };
}

known! {
    Handle:
        [] Pool,
        [] Guard,
        [T] Process<T>,
        [R] AsyncResult<R>,
        [] fs::File,
        [] net::TcpStream,
        [] net::TcpListener,
        [] net::UdpSocket,
        [T] sync::mpsc::Sender<T>,
        [T] sync::mpsc::SyncSender<T>,
        [T] sync::mpsc::Receiver<T>,
        [T] thread::JoinHandle<T>,
        [] thread::Thread,
        [] std::process::Child,
        [] sync::Condvar,
        [] sync::Barrier,
        [] time::Instant,
    ;
    Pointer:
        [T: ?Sized] rc::Rc<T>,
        [T: ?Sized] rc::Weak<T>,
        [T: ?Sized] sync::Arc<T>,
        [T: ?Sized] sync::Weak<T>,
        [T: ?Sized] *const T,
        [T: ?Sized] *mut T,
    ;
    Error:
        [] Box<dyn Error>,
        [] Box<dyn Error + Send>,
        [] Box<dyn Error + Send + Sync>,
    ;
    Outcome:
        [T, E] Result<T, E>,
    ;
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` belongs to the process that made it, and cannot travel to another: make it \
               in the task, from values that can",
    label = "stays in its process",
    note = "an open file, socket or pipe travels as `mp::Fd<..>`"
)]
pub trait HandleTravels<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` points into the memory of one process, and cannot travel to another: send \
               the value itself",
    label = "means nothing in another process"
)]
pub trait PointerTravels<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` is where a function lies in one process, and cannot travel to another: send a \
               value that says which function to call, such as an enum",
    label = "means nothing in another process"
)]
pub trait CodeTravels<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "the error `{Self}` cannot travel between processes: return its text, a `String`, or an \
               error of yours with `#[derive(serde::Serialize, serde::Deserialize)]`",
    label = "does not implement serde's `Serialize` and `Deserialize`"
)]
pub trait ErrorTravels<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "the error of `{Self}` cannot travel between processes: return its text, a `String`, or \
               an error of yours with `#[derive(serde::Serialize, serde::Deserialize)]`",
    label = "its error does not implement serde's `Serialize` and `Deserialize`"
)]
pub trait OutcomeTravels<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` hides what it holds, and cannot travel between processes: send a type that \
               the other process can rebuild, such as an enum",
    label = "does not say what to rebuild"
)]
pub trait HiddenTravels<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel between processes: add \
               `#[derive(serde::Serialize, serde::Deserialize)]` to it",
    label = "does not implement serde's `Serialize` and `Deserialize`",
    note = "a type of another crate may have them behind its feature `serde`"
)]
pub trait Travels<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Send`, as the result of a task must be, since a callback gets it on \
               a thread of the pool: return a type without `Rc` and raw pointers",
    label = "cannot be sent to another thread"
)]
pub trait Sendable<const YES: bool> {
    const CHECKED: usize = 0;
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Send` and `Sync`, as an object in a manager's server must be, whose methods run on \
               threads: use `Arc` and `Mutex` in it in place of `Rc` and `RefCell`",
    label = "cannot be used by several threads"
)]
pub trait Keepable<const YES: bool> {
    const CHECKED: usize = 0;
}

impl<T: ?Sized> HandleTravels<true> for T {}
impl<T: ?Sized> PointerTravels<true> for T {}
impl<T: ?Sized> CodeTravels<true> for T {}
impl<T: ?Sized> ErrorTravels<true> for T {}
impl<T: ?Sized> OutcomeTravels<true> for T {}
impl<T: ?Sized> HiddenTravels<true> for T {}
impl<T: ?Sized> Travels<true> for T {}
impl<T: ?Sized> Sendable<true> for T {}
impl<T: ?Sized> Keepable<true> for T {}
