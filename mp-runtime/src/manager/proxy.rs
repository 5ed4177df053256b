//! What all proxies have: which object of which server, and a hold on it that others see, so that the server gives up what
//! nobody has any more. What can be done with it is for the kinds.

use crate::channel::{Encoded, Rest, Sender};
use crate::commons::{Hold, Kind, Number, Role};
use crate::custody::{self, Attachments};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::far::Remote;
use crate::manager::far::lease::Lease;
use crate::manager::far::travel::{self, Cargo, Form, Passed};
use crate::manager::server::store::{self, object_of};
use crate::manager::session::Session;
use crate::manager::wire::{Message, Reader, method};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A process's way to a server.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Of its own program.
    Near(Arc<Session>),
    Far(Arc<Remote>),
}

impl Way {
    /// A call of one of the server's own methods.
    pub(super) fn request(&self, method: u16) -> Message {
        let request = Message::request(0, 0, method);
        match self {
            Self::Near(_) => request,
            Self::Far(remote) => Message { far: Some(Cargo::to(remote)), ..request },
        }
    }

    /// Makes it, and reads the answer; the objects in it are beside it for a server of this program.
    pub(super) fn call<R>(
        &self,
        request: Message,
        read: impl FnOnce(&mut Reader<'_>, Option<&Rest>) -> Result<R>,
    ) -> Result<R> {
        match self {
            Self::Near(session) => session.call(request, |answer, rest| read(answer, Some(rest))),
            Self::Far(remote) => remote.call(None, request, |answer| read(answer, None)),
        }
    }
}

/// A handle on a managed object.
#[derive(Clone)]
pub(super) struct Proxy(Arc<Core>);

enum Core {
    Near {
        /// None while it is dropped.
        hold: Option<Hold>,
        object: u64,
        session: Arc<Session>,
    },
    Far(Arc<Lease>),
}

/// What a value has in place of a proxy.
pub(super) enum Found {
    Proxy(Proxy),
    /// An object of this program's, by its number: put there by a client elsewhere.
    Number(Arc<Session>, u64),
}

impl Proxy {
    /// Has the server make an object.
    pub(super) fn create(way: &Way, kind: u8) -> Result<Self> {
        Self::create_with(way, kind, |_| Ok(()), |_| Ok(())).map(|(proxy, ())| proxy)
    }

    /// Has the server make an object of what is written, and reads what the answer has besides.
    pub(super) fn create_with<R>(
        way: &Way,
        kind: u8,
        write: impl FnOnce(&mut Message) -> Result<()>,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<(Self, R)> {
        let mut request = way.request(method::CREATE);
        request.u8(kind);
        write(&mut request)?;
        way.call(request, |answer, rest| Ok((Self::made(answer, rest, way)?, read(answer)?)))
    }

    /// The object that an answer gives.
    pub(super) fn made(answer: &mut Reader<'_>, rest: Option<&Rest>, way: &Way) -> Result<Self> {
        match (way, rest) {
            (Way::Near(session), Some(rest)) => Self::near(answer, rest, session),
            _ => {
                answer.u64()?;
                answer.lease().map(Self::far).ok_or_else(none)
            }
        }
    }

    /// The object that an answer of a server of this program gives.
    pub(super) fn near(
        answer: &mut Reader<'_>,
        rest: &Rest,
        session: &Arc<Session>,
    ) -> Result<Self> {
        answer.u64()?;
        rest.first()?.map(|hold| Self::of(hold, Arc::clone(session))).ok_or_else(none)
    }

    pub(super) fn of(hold: Hold, session: Arc<Session>) -> Self {
        let object = object_of(&hold);
        Self(Arc::new(Core::Near { hold: Some(hold), object, session }))
    }

    fn far(lease: Arc<Lease>) -> Self {
        Self(Arc::new(Core::Far(lease)))
    }

    /// Asks the server of this program for an object, and reads what its maker got besides.
    pub(super) fn resolve<R>(
        session: &Arc<Session>,
        object: u64,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<(Self, R)> {
        let mut request = Message::request(0, 0, method::RESOLVE);
        request.u64(object);
        session.call(request, |answer, rest| {
            let proxy = Self::near(answer, rest, session)?;
            answer.u8()?;
            Ok((proxy, read(answer)?))
        })
    }

    /// The way to its server, wherever that is.
    pub(super) fn any_way(&self) -> Way {
        match &*self.0 {
            Core::Near { session, .. } => Way::Near(Arc::clone(session)),
            Core::Far(lease) => Way::Far(Arc::clone(lease.remote())),
        }
    }

    /// The way to its server.
    ///
    /// # Errors
    ///
    /// `Unsupported` if that is of another program.
    pub(super) fn way(&self) -> Result<Way> {
        match &*self.0 {
            Core::Near { session, .. } => Ok(Way::Near(Arc::clone(session))),
            Core::Far(_) => Err(elsewhere()),
        }
    }

    /// Which server that is.
    pub(super) fn server_number(&self) -> u64 {
        self.place().0
    }

    /// Which of its server's objects it is.
    pub(super) fn number(&self) -> u64 {
        self.place().1
    }

    /// A call of one of its methods.
    pub(super) fn request(&self, method: u16) -> Message {
        match &*self.0 {
            Core::Near { object, .. } => Message::request(0, *object, method),
            Core::Far(lease) => {
                let request = Message::request(0, 0, method);
                Message { far: Some(Cargo::to(lease.remote())), ..request }
            }
        }
    }

    pub(super) fn call<R>(
        &self,
        request: Message,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<R> {
        match &*self.0 {
            Core::Near { session, .. } => session.call(request, |answer, _| read(answer)),
            Core::Far(lease) => lease.remote().call(Some(lease), request, read),
        }
    }

    /// Calls a method without arguments.
    pub(super) fn ask<R>(
        &self,
        method: u16,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<R> {
        self.call(self.request(method), read)
    }

    /// What this process has of it, if it is elsewhere.
    pub(super) fn lease(&self) -> Option<&Arc<Lease>> {
        match &*self.0 {
            Core::Near { .. } => None,
            Core::Far(lease) => Some(lease),
        }
    }

    /// Adds what holds it to a message.
    pub(super) fn attach(&self, attachments: &mut Attachments) -> Result<()> {
        match &*self.0 {
            Core::Near { hold: Some(hold), .. } => attachments.hold(hold).map(drop),
            _ => Ok(()),
        }
    }

    /// The server's process, which has lived lately: what is asked without asking the server.
    #[inline]
    pub(super) fn server(&self) -> Result<Number> {
        let Core::Near { hold, session, .. } = &*self.0 else { return Err(elsewhere()) };
        if hold.as_ref().is_some_and(|hold| hold.u32(store::ENDED).load(Relaxed) != 0) {
            return Err(session.gone());
        }
        session.living_lately()
    }

    /// An error if the server has ended.
    pub(super) fn expect_server(&self) -> Result<()> {
        match &*self.0 {
            Core::Near { session, .. } => session.living().map(drop),
            Core::Far(_) => Ok(()),
        }
    }

    pub(super) fn gone(&self) -> Error {
        match &*self.0 {
            Core::Near { session, .. } => session.gone(),
            Core::Far(_) => elsewhere(),
        }
    }

    /// Of which server it is, and which of its objects.
    fn place(&self) -> (u64, u64) {
        match &*self.0 {
            Core::Near { object, session, .. } => (session.server(), *object),
            Core::Far(lease) => lease.place(),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

fn none() -> Error {
    Error::new(ErrorKind::Remote, "the manager's server has given no object")
}

/// What is said where only objects of this program will do.
pub(super) fn elsewhere() -> Error {
    let text = "the object is in a server of another program, where this cannot be done";
    Error::new(ErrorKind::Unsupported, text)
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Self::Near { hold, object, session } = self {
            drop(hold.take());
            session.tell(*object);
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {}", self.place().1)
    }
}

/// A hold on a managed object, as it travels.
pub(super) struct Held<H>(pub(super) H);

impl Serialize for Held<&Hold> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        custody::serialize_hold(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Held<Hold> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hold = custody::deserialize_hold(Kind::Managed, deserializer)?;
        if hold.role() != Role::RECEIVER || hold.len() < store::LEN {
            return Err(D::Error::custom("the handle in it is of another kind"));
        }
        Ok(Self(hold))
    }
}

impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            Core::Near { .. } if travel::leaves() => {
                let text =
                    "a managed object of this program does not travel to the server of another one";
                Err(S::Error::custom(text))
            }
            Core::Near { hold, session, .. } => {
                let near = hold.as_ref().map(|hold| (Held(hold), session.door()));
                (near, None::<Form>).serialize(serializer)
            }
            Core::Far(lease) => {
                let form: Form = Form::of(lease)?;
                (None::<()>, Some(form)).serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Found::deserialize(deserializer)? {
            Found::Proxy(proxy) => Ok(proxy),
            Found::Number(session, object) => {
                let found = Self::resolve(&session, object, |_| Ok(()));
                found.map(|(proxy, ())| proxy).map_err(D::Error::custom)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let without = || D::Error::custom("a managed object without a handle");
        if travel::is_foreign() {
            // What it says means nothing here; what it is stands beside it.
            <(Option<(Passed, Passed)>, Option<Form>)>::deserialize(deserializer)?;
            let lease = travel::next().ok_or_else(without)?;
            return Ok(Self::Proxy(Proxy::far(lease)));
        }
        type Parts = (Option<(Held<Hold>, Sender<Encoded>)>, Option<Form>);
        let (near, form) = Parts::deserialize(deserializer)?;
        if let Some((Held(hold), door)) = near {
            let server = hold.u64(store::SERVER).load(Relaxed);
            let process = hold.u32(store::PROCESS).load(Relaxed);
            return Ok(Self::Proxy(Proxy::of(hold, Session::to(server, process, door))));
        }
        match form.ok_or_else(without)?.take::<D::Error>()? {
            Ok(lease) => Ok(Self::Proxy(Proxy::far(lease))),
            Err(Form { server, object, .. }) => {
                let session = Session::known(server).ok_or_else(without)?;
                Ok(Self::Number(session, object))
            }
        }
    }
}
