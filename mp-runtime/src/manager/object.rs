//! What the proxies of `#[mp::manager]` are made of: the way from a typed call to its object, and how one is made. What
//! classes are is in `class`.

use crate::codec;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::class::{Managed, Method};
use crate::manager::proxy::{Proxy, Way};
use crate::manager::session::Session;
use crate::manager::wire::{kind, method};
use crate::manager::{Manager, SHUTDOWN_TIMEOUT};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::any::type_name;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// The way to the server that this process is.
static CURRENT: RwLock<Option<Arc<Session>>> = RwLock::new(None);

/// This process serves, and reaches itself that way.
pub(super) fn serve_here(session: &Arc<Session>) {
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    current.get_or_insert_with(|| Arc::clone(session));
}

/// That server has ended.
pub(super) fn serve_no_more(session: &Session) {
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    let gone = current.take_if(|current| current.server() == session.server());
    drop(current);
    drop(gone);
}

/// The way to the server that this process is, if it is one.
pub(super) fn here() -> Option<Arc<Session>> {
    CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A handle on an object of any class.
#[derive(Clone)]
pub struct Object(Proxy);

impl Object {
    /// Calls a method, and waits for what it returns.
    ///
    /// # Errors
    ///
    /// What the server or the way there gives; `Panicked` if the method did.
    pub fn call<M: Method>(&self, args: M::Args<'_>) -> Result<M::Output> {
        let mut request = self.0.request(M::NUMBER);
        request.encoded(type_name::<M::Args<'_>>(), |bytes, attachments| {
            M::__encode(&args, codec::To::new(bytes, attachments))
        })?;
        drop(args);
        self.0.call(request, |answer| answer.value())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Proxy::deserialize(deserializer).map(Self)
    }
}

impl Manager {
    /// Has the server make an object of a type with [`#[mp::manager]`](https://docs.rs/mp-rs/latest/mp/attr.manager.html), and
    /// gives its proxy. `args` are those of the type's `new`, as a task's are given: `()` for none, the value itself for
    /// one, a tuple for more. If `new` returns a `Result`, so is what is given here.
    ///
    /// # Errors
    ///
    /// `Disconnected` if the server has ended, `Encode` if the arguments cannot travel, `Panicked` if `new` did.
    ///
    /// # Examples
    ///
    /// ```
    /// struct Percent(u8);
    ///
    /// #[mp::manager]
    /// impl Percent {
    ///     pub fn new(value: u8) -> Result<Self, String> {
    ///         if value > 100 { Err(format!("{value} is more than all")) } else { Ok(Self(value)) }
    ///     }
    ///
    ///     pub fn get(&self) -> u8 {
    ///         self.0
    ///     }
    /// }
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let manager = mp::Manager::new()?;
    ///     let half = manager.create::<Percent>(50)?.unwrap();
    ///     assert_eq!(half.get()?, 50);
    ///     assert_eq!(manager.create::<Percent>(101)?.unwrap_err(), "101 is more than all");
    ///     Ok(())
    /// }
    /// ```
    pub fn create<C: Managed>(&self, args: C::Args<'_>) -> Result<C::Created> {
        let mut request = self.way.request(method::CREATE);
        C::__class().write(request.u8(kind::CUSTOM));
        request.encoded(type_name::<C::Args<'_>>(), |bytes, attachments| {
            C::__encode(&args, codec::To::new(bytes, attachments))
        })?;
        drop(args);
        let made = self.way.call(request, |answer, rest| match answer.flag()? {
            true => Proxy::made(answer, rest, &self.way).map(|proxy| Ok(Object(proxy))),
            false => answer.value().map(Err),
        })?;
        C::__created(made).ok_or_else(|| {
            Error::new(ErrorKind::Remote, "the manager's server has given no object")
        })
    }

    /// The manager whose server this process is, for methods of [`#[mp::manager]`](https://docs.rs/mp-rs/latest/mp/attr.manager.html)
    /// that make objects. Dropped, it ends nothing.
    ///
    /// # Errors
    ///
    /// `NotRunning` in any other process.
    pub fn current() -> Result<Self> {
        let current = CURRENT.read().unwrap_or_else(PoisonError::into_inner);
        let session = current.clone().ok_or_else(|| {
            Error::new(ErrorKind::NotRunning, "this process is no manager's server")
        })?;
        Ok(Self {
            process: None,
            way: Way::Near(session),
            address: None,
            timeout: SHUTDOWN_TIMEOUT,
        })
    }
}

/// The steps of a managed object that has a method `next`: what its proxy iterates by.
///
/// It ends with the first error.
pub struct Steps<P, T> {
    proxy: Option<P>,
    next: fn(&P) -> Result<Option<T>>,
}

impl<P, T> Steps<P, T> {
    #[doc(hidden)]
    pub fn __new(proxy: P, next: fn(&P) -> Result<Option<T>>) -> Self {
        Self { proxy: Some(proxy), next }
    }
}

impl<P, T> Iterator for Steps<P, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = (self.next)(self.proxy.as_ref()?).transpose();
        if !matches!(step, Some(Ok(_))) {
            self.proxy = None;
        }
        step
    }
}

impl<P: fmt::Debug, T> fmt::Debug for Steps<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Steps").field(&self.proxy).finish()
    }
}
