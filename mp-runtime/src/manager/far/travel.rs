//! Proxies of objects of servers elsewhere as parts of values: to their own server, as the number beside the bytes that is
//! theirs; to other processes of this program, with the way to the server. What a proxy is else is in `proxy`.

use crate::commons::{Hold, Sent};
use crate::custody::SHARED;
use crate::error::{Error, ErrorKind};
use crate::identity::AuthKey;
use crate::manager::far::lease::{Lease, Origin, of_the_past};
use crate::manager::far::{Remote, Terms};
use crate::manager::proxy::Held;
#[cfg(feature = "tls")]
use crate::socket::{ClientParts, TlsClient};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

thread_local! {
    /// Where the value goes that is being encoded.
    static ENCODING: RefCell<Option<Box<Cargo>>> = const { RefCell::new(None) };
    /// What was beside the value that is being decoded.
    static DECODING: RefCell<Option<vec::IntoIter<Option<Arc<Lease>>>>> = const { RefCell::new(None) };
}

/// What goes beside the values of a request to a server elsewhere.
#[derive(Debug)]
pub(in crate::manager) struct Cargo {
    remote: Arc<Remote>,
    /// Kept until the server has answered.
    leases: Vec<Arc<Lease>>,
}

impl Cargo {
    pub(in crate::manager) fn to(remote: &Arc<Remote>) -> Box<Self> {
        Box::new(Self { remote: Arc::clone(remote), leases: Vec::new() })
    }

    pub(in crate::manager) fn len(&self) -> usize {
        self.leases.len()
    }

    pub(in crate::manager) fn add(&mut self, lease: &Arc<Lease>) {
        self.leases.push(Arc::clone(lease));
    }

    /// Whether all of it is of that server: a number means something else in another one.
    pub(super) fn is_for(&self, server: u64) -> bool {
        self.leases.iter().all(|lease| lease.place().0 == server)
    }

    pub(super) fn numbers(&self) -> Vec<u64> {
        self.leases.iter().map(|lease| lease.place().1).collect()
    }
}

/// Encodes something for where `cargo` says.
pub(in crate::manager) fn encoding<R>(
    cargo: &mut Option<Box<Cargo>>,
    encode: impl FnOnce() -> R,
) -> R {
    /// Puts it back, during a panic too.
    struct Back<'a>(&'a mut Option<Box<Cargo>>, Option<Box<Cargo>>);

    impl Drop for Back<'_> {
        fn drop(&mut self) {
            *self.0 = ENCODING.replace(self.1.take());
        }
    }

    if cargo.is_none() {
        return encode();
    }
    let outer = ENCODING.replace(cargo.take());
    let _back = Back(cargo, outer);
    encode()
}

/// Decodes something beside which these were.
pub(in crate::manager) fn decoding<R>(
    leases: Vec<Option<Arc<Lease>>>,
    decode: impl FnOnce() -> R,
) -> R {
    struct Back(Option<vec::IntoIter<Option<Arc<Lease>>>>);

    impl Drop for Back {
        fn drop(&mut self) {
            let own = DECODING.replace(self.0.take());
            drop(own);
        }
    }

    let _back = Back(DECODING.replace(Some(leases.into_iter())));
    decode()
}

/// Whether the value that is being decoded comes from a server elsewhere.
pub(in crate::manager) fn is_foreign() -> bool {
    DECODING.with_borrow(Option::is_some)
}

/// The next object beside it.
pub(in crate::manager) fn next() -> Option<Arc<Lease>> {
    DECODING.with_borrow_mut(|all| all.as_mut()?.flatten().next())
}

/// Whether the value that is being encoded goes to a server elsewhere, where nothing means anything that this program's
/// processes share.
pub(in crate::manager) fn leaves() -> bool {
    ENCODING.with_borrow(Option::is_some)
}

/// Whether it goes by that way.
fn leaves_for(remote: &Arc<Remote>) -> bool {
    ENCODING.with_borrow(|to| to.as_ref().is_some_and(|to| Arc::ptr_eq(&to.remote, remote)))
}

/// What a value gives that cannot leave this program.
pub(in crate::manager) fn stays(name: &str) -> Error {
    let text = format!(
        "cannot encode {name}: a lock, queue or other object in it only travels between processes of one program; make \
         it by the manager"
    );
    Error::new(ErrorKind::Encode, text)
}

/// What is said where a value is to be compared with its own bytes, which do not come back as they went.
pub(in crate::manager) fn has_proxies() -> Error {
    let text = "a value with proxies in it cannot be updated in another program's server: get it, and put it";
    Error::new(ErrorKind::Unsupported, text)
}

/// How such a proxy is written.
#[derive(serde::Serialize, serde::Deserialize)]
pub(in crate::manager) struct Form {
    pub(in crate::manager) server: u64,
    pub(in crate::manager) object: u64,
    /// None in a value that goes to the server itself.
    route: Option<Route>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Route {
    /// First, so that serialisers which are not ours stop here.
    tree: Tree,
    address: String,
    key: Vec<u8>,
    timeout: Duration,
    any_user: bool,
    reconnects: bool,
    #[cfg(feature = "tls")]
    tls: Option<ClientParts>,
    origin: Option<Origin>,
}

impl Form {
    /// Of that object, for where the value goes that is just encoded.
    pub(in crate::manager) fn of<E: serde::ser::Error>(lease: &Arc<Lease>) -> Result<Self, E> {
        let remote = lease.remote();
        if lease.origin().is_some()
            && leaves_for(remote)
            && remote.server() != Some(lease.place().0)
        {
            remote.follow(lease).map_err(E::custom)?;
        }
        let (server, object) = lease.place();
        let here = ENCODING.with_borrow_mut(|cargo| {
            let cargo = cargo.as_mut()?;
            let own = cargo.remote.server() == Some(server);
            if own {
                cargo.add(lease);
            }
            Some(own)
        });
        match here {
            Some(true) => return Ok(Self { server, object, route: None }),
            Some(false) if leaves_for(remote) => return Err(E::custom(of_the_past())),
            Some(false) => {
                let text =
                    "a managed object travels to its own server, and not to another program's";
                return Err(E::custom(text));
            }
            None => {}
        }
        let terms = remote.terms();
        let route = Route {
            tree: Tree(lease.tree().map_err(E::custom)?),
            address: remote.address().to_string(),
            key: remote.key().as_bytes().to_vec(),
            timeout: terms.timeout,
            any_user: terms.any_user,
            reconnects: terms.reconnects,
            #[cfg(feature = "tls")]
            tls: terms.tls.as_ref().map(TlsClient::parts),
            origin: lease.origin(),
        };
        Ok(Self { server, object, route: Some(route) })
    }

    /// The reference, if the way to the server is in it.
    pub(in crate::manager) fn take<E: serde::de::Error>(
        self,
    ) -> Result<Result<Arc<Lease>, Self>, E> {
        let Some(route) = self.route else { return Ok(Err(self)) };
        let Route { tree: Tree(hold), address, key, origin, .. } = route;
        if !Lease::is_of(&hold, self.server) {
            return Err(E::custom(
                "a managed object of another program with a way that is not its",
            ));
        }
        let address = address.parse().map_err(E::custom)?;
        let terms = Terms {
            timeout: route.timeout,
            any_user: route.any_user,
            reconnects: route.reconnects,
            #[cfg(feature = "tls")]
            tls: route.tls.map(|parts| parts.whole()).transpose().map_err(E::custom)?,
        };
        let remote = Remote::to(self.server, address, AuthKey::from(key), terms);
        let lease = remote.adopt(self.server, self.object);
        lease.keep(hold);
        origin.into_iter().for_each(|origin| lease.set_origin(origin));
        Ok(Ok(lease))
    }
}

struct Tree(Hold);

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Held(&self.0).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Held::deserialize(from).map(|held| Self(held.0))
    }
}

/// The words of a handle that mean nothing here.
#[derive(Debug)]
pub(in crate::manager) struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Passed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a handle of another program's")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                content: D,
            ) -> Result<Passed, D::Error> {
                Sent::deserialize(content).map(|_| Passed)
            }
        }

        from.deserialize_newtype_struct(SHARED, Words)
    }
}
