//! What all proxies have: which object of which server, and a hold on it that others see, so that the server gives up what
//! nobody has any more. What can be done with it is for the kinds.

use crate::channel::{Encoded, Rest, Sender};
use crate::commons::{Hold, Kind, Number, Role};
use crate::custody;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::server::store::{self, object_of};
use crate::manager::session::Session;
use crate::manager::wire::{Message, Reader, method};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A handle on a managed object.
#[derive(Clone)]
pub(super) struct Proxy(Arc<Core>);

struct Core {
    /// None while it is dropped.
    hold: Option<Hold>,
    object: u64,
    session: Arc<Session>,
}

impl Proxy {
    /// Has the server make an object.
    pub(super) fn create(session: &Arc<Session>, kind: u8) -> Result<Self> {
        Self::create_with(session, kind, |_| Ok(()), |_| Ok(())).map(|(proxy, ())| proxy)
    }

    /// Has the server make an object of what is written, and reads what the answer has besides.
    pub(super) fn create_with<R>(
        session: &Arc<Session>,
        kind: u8,
        write: impl FnOnce(&mut Message) -> Result<()>,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<(Self, R)> {
        let mut request = Message::request(0, 0, method::CREATE);
        request.u8(kind);
        write(&mut request)?;
        session
            .call(request, |answer, rest| Ok((Self::made(answer, rest, session)?, read(answer)?)))
    }

    /// The object that an answer gives.
    pub(super) fn made(
        answer: &mut Reader<'_>,
        rest: &Rest,
        session: &Arc<Session>,
    ) -> Result<Self> {
        answer.u64()?;
        let hold = rest.holds()?.into_iter().next();
        hold.map(|hold| Self::of(hold, Arc::clone(session))).ok_or_else(|| {
            Error::new(ErrorKind::Remote, "the manager's server has given no object")
        })
    }

    fn of(hold: Hold, session: Arc<Session>) -> Self {
        let object = object_of(&hold);
        Self(Arc::new(Core { hold: Some(hold), object, session }))
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.0.session
    }

    /// Which of its server's objects it is.
    pub(super) fn number(&self) -> u64 {
        self.0.object
    }

    /// A call of one of its methods.
    pub(super) fn request(&self, method: u16) -> Message {
        Message::request(0, self.0.object, method)
    }

    pub(super) fn call<R>(
        &self,
        request: Message,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<R> {
        self.0.session.call(request, |answer, _: &Rest| read(answer))
    }

    /// Calls a method without arguments.
    pub(super) fn ask<R>(
        &self,
        method: u16,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<R> {
        self.call(self.request(method), read)
    }

    /// The server's process, which has lived lately: what is asked without asking the server.
    #[inline]
    pub(super) fn server(&self) -> Result<Number> {
        let hold = self.0.hold.as_ref();
        if hold.is_some_and(|hold| hold.u32(store::ENDED).load(Relaxed) != 0) {
            return Err(self.gone());
        }
        self.0.session.living_lately()
    }

    /// An error if the server has ended.
    pub(super) fn expect_server(&self) -> Result<()> {
        self.0.session.living().map(drop)
    }

    pub(super) fn gone(&self) -> Error {
        self.0.session.gone()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let (one, other) = (&self.0, &other.0);
        one.object == other.object && one.session.server() == other.session.server()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        drop(self.hold.take());
        self.session.tell(self.object);
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {}", self.0.object)
    }
}

struct Held<H>(H);

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
        let hold = self.0.hold.as_ref().map(Held);
        (hold, self.0.session.door()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = <(Option<Held<Hold>>, Sender<Encoded>)>::deserialize(deserializer)?;
        let (Some(Held(hold)), door) = read else {
            return Err(D::Error::custom("a managed object without a handle"));
        };
        let server = hold.u64(store::SERVER).load(Relaxed);
        let process = hold.u32(store::PROCESS).load(Relaxed);
        Ok(Self::of(hold, Session::to(server, process, door)))
    }
}
