//! Classes: what `#[mp::manager]` makes of a type, found by its name in a table that is the same in all processes of a
//! program. Who calls is `object`; who runs the calls is `server::custom`.

use crate::codec::{self, From, To};
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::object::Object;
use crate::manager::wire::{Message, Reader};
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};
use std::any::{Any, type_name};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A type of which a manager's server can keep objects.
///
/// Implemented by `#[mp::manager]` only, which says what can be done with them.
#[diagnostic::on_unimplemented(
    message = "a manager has no objects of `{Self}`: put `#[mp::manager]` on the `impl` with its methods",
    label = "this type has no proxy"
)]
pub trait Managed: Sized + 'static {
    /// The parameters of `new`: none, `()`; one, itself; more, a tuple of them.
    type Args<'a>: Serialize + Deserialize<'a>;

    /// The handle on an object.
    type Proxy;

    /// What [`Manager::create`](crate::Manager::create) gives: the proxy, or if `new` returns a `Result`, one with the proxy in it.
    type Created;

    /// The type's full name, such as "crate::module::Counter".
    const NAME: &'static str;

    #[doc(hidden)]
    type __Refusal: Serialize + DeserializeOwned + 'static;

    #[doc(hidden)]
    fn __class() -> &'static Class;

    #[doc(hidden)]
    fn __new(args: Self::Args<'_>) -> Result<Self, Self::__Refusal>;

    #[doc(hidden)]
    fn __keep(self) -> Kept;

    #[doc(hidden)]
    fn __created(made: Result<Object, Self::__Refusal>) -> Option<Self::Created>;

    #[doc(hidden)]
    fn __encode(args: &Self::Args<'_>, to: To<'_>) -> Result<()> {
        to.encode(args)
    }

    #[doc(hidden)]
    fn __decode<'a>(from: From<'a, '_>) -> Result<Self::Args<'a>> {
        from.decode()
    }
}

/// One method of a class, as the macro writes it.
pub trait Method {
    /// As a task's.
    type Args<'a>: Serialize + Deserialize<'a>;
    /// What it returns.
    type Output: Serialize + DeserializeOwned + 'static;
    /// Which of its class's methods it is.
    const NUMBER: u16;
    /// Its name, with its class's.
    const NAME: &'static str;

    /// None if the object is of another class.
    fn __call(object: &Kept, args: Self::Args<'_>) -> Option<Self::Output>;

    /// # Errors
    ///
    /// If they do not travel.
    fn __encode(args: &Self::Args<'_>, to: To<'_>) -> Result<()> {
        to.encode(args)
    }

    /// # Errors
    ///
    /// If the bytes are none.
    fn __decode<'a>(from: From<'a, '_>) -> Result<Self::Args<'a>> {
        from.decode()
    }
}

/// What `new` may return: the object, or a `Result`.
#[diagnostic::on_unimplemented(
    message = "`new` gives a manager its object, so it returns `Self` or `Result<Self, E>` with an error that travels",
    label = "is neither"
)]
pub trait Made<C> {
    /// What the caller gets, of a proxy.
    type Given<P>;
    /// What there is in place of an object.
    type Refusal: Serialize + DeserializeOwned + 'static;

    /// # Errors
    ///
    /// What `new` returned.
    fn into_result(self) -> Result<C, Self::Refusal>;

    /// None if it cannot be so.
    fn given<P>(made: Result<P, Self::Refusal>) -> Option<Self::Given<P>>;
}

impl<C> Made<C> for C {
    type Given<P> = P;
    type Refusal = ();

    fn into_result(self) -> Result<C, ()> {
        Ok(self)
    }

    fn given<P>(made: Result<P, ()>) -> Option<P> {
        made.ok()
    }
}

impl<C, E: Serialize + DeserializeOwned + 'static> Made<C> for Result<C, E> {
    type Given<P> = Result<P, E>;
    type Refusal = E;

    fn into_result(self) -> Self {
        self
    }

    fn given<P>(made: Result<P, E>) -> Option<Result<P, E>> {
        Some(made)
    }
}

/// An object in its server. A panic in the middle of a change does not make it unusable.
pub struct Kept(Arc<dyn Any + Send + Sync>);

impl Kept {
    /// An object that several threads use.
    pub fn new<C: Send + Sync + 'static>(object: C) -> Self {
        Self(Arc::new(RwLock::new(object)))
    }

    /// The object, for a method that does not change it.
    #[must_use]
    pub fn shared<C: 'static>(&self) -> Option<RwLockReadGuard<'_, C>> {
        let lock = self.0.downcast_ref::<RwLock<C>>()?;
        Some(lock.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The object, for a method that does.
    #[must_use]
    pub fn alone<C: 'static>(&self) -> Option<RwLockWriteGuard<'_, C>> {
        let lock = self.0.downcast_ref::<RwLock<C>>()?;
        Some(lock.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

type Run = fn(&Kept, &mut Reader<'_>, &mut Message) -> Result<()>;
type Make = fn(&mut Reader<'_>, &mut Message) -> Result<Option<Kept>>;

/// A method in its class's table.
pub struct MethodEntry {
    number: u16,
    pub(super) name: &'static str,
    /// Whether it runs alone.
    pub(super) alone: bool,
    pub(super) run: Run,
}

impl MethodEntry {
    /// The entry of `M`; `alone`: no other method of the object runs meanwhile.
    #[must_use]
    pub const fn new<M: Method>(alone: bool) -> Self {
        Self { number: M::NUMBER, name: M::NAME, alone, run: run::<M> }
    }
}

impl fmt::Debug for MethodEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A class as the macro registers it.
pub struct Class {
    pub(super) name: &'static str,
    place: (&'static str, u32, u32),
    pub(super) make: Make,
    methods: &'static [MethodEntry],
}

/// What goes into the link-time list.
#[derive(Debug)]
pub struct ClassRegistration(pub &'static Class);

inventory::collect!(ClassRegistration);

impl Class {
    /// The class of `C`, whose `impl` stands at `file:line:column`.
    #[must_use]
    pub const fn new<C: Managed>(
        methods: &'static [MethodEntry],
        file: &'static str,
        line: u32,
        column: u32,
    ) -> Self {
        Self { name: C::NAME, place: (file, line, column), make: make::<C>, methods }
    }

    /// The method of that number, which is not its place: some that are conditional may be missing.
    pub(super) fn method(&self, number: u16) -> Option<&'static MethodEntry> {
        self.methods.iter().find(|method| method.number == number)
    }

    /// Says which one it is.
    pub(super) fn write(&self, request: &mut Message) {
        let (file, line, column) = self.place;
        request.text(self.name).text(file).u64(line.into()).u64(column.into());
    }

    /// The one that was said.
    pub(super) fn read(request: &mut Reader<'_>) -> Result<&'static Self> {
        let name = request.text()?;
        let (file, line, column) = (request.text()?, request.u64()?, request.u64()?);
        let is = |class: &&Self| {
            let place = (class.place.0, class.place.1.into(), class.place.2.into());
            class.name == name && place == (file, line, column)
        };
        inventory::iter::<ClassRegistration>().map(|it| it.0).find(is).ok_or_else(|| {
            let text = format!("the manager's server has no class {name}");
            Error::new(ErrorKind::NotFound, text)
        })
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Class").field(&self.name).finish()
    }
}

fn not_sent(what: &str, error: &Error) -> Error {
    let text = format!("the result of method {what} could not be sent back: {error:?}");
    Error::new(ErrorKind::Remote, text)
}

fn run<M: Method>(object: &Kept, call: &mut Reader<'_>, answer: &mut Message) -> Result<()> {
    let args = M::__decode(From::new(call.kept()?.0, &mut Attachments::default()))?;
    let Some(output) = M::__call(object, args) else {
        return Err(Error::new(ErrorKind::Remote, "the object is of another class"));
    };
    let encode = |bytes: &mut Vec<u8>, attachments: &mut Attachments| {
        codec::encode_value(&output, bytes, attachments)
    };
    answer
        .encoded(type_name::<M::Output>(), encode)
        .map(drop)
        .map_err(|error| not_sent(M::NAME, &error))
}

fn make<C: Managed>(call: &mut Reader<'_>, answer: &mut Message) -> Result<Option<Kept>> {
    let args = C::__decode(From::new(call.kept()?.0, &mut Attachments::default()))?;
    match C::__new(args) {
        Ok(object) => Ok(Some(object.__keep())),
        Err(refusal) => {
            let done = answer.u8(0).value(&refusal).map(drop);
            done.map_err(|error| not_sent(&format!("{}::new", C::NAME), &error))?;
            Ok(None)
        }
    }
}
