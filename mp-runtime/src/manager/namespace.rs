//! `NamespaceProxy`: values of different types by name, in a manager's server: a dictionary whose values say their type.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::{Error, ErrorKind, Result};
use crate::manager::proxy::Proxy;
use crate::manager::wire::{Message, map as method};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

/// Values by name in a manager's server, each of a type of its own.
///
/// Made by [`Manager::namespace`](crate::Manager::namespace). Handles and steps are as a [`DictProxy`](crate::DictProxy)'s.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, `Encode` or `Decode` if a value does not travel.
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let settings = manager.namespace()?;
///     settings.set("threads", 4_u32)?;
///     settings.set("title", "a run".to_owned())?;
///     assert_eq!(settings.get::<u32>("threads")?, 4);
///     assert_eq!(settings.get::<u32>("speed").unwrap_err().kind(), mp::ErrorKind::NotFound);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct NamespaceProxy(Proxy);

impl NamespaceProxy {
    pub(super) fn of(proxy: Proxy) -> Self {
        Self(proxy)
    }

    fn with_name(&self, method: u16, name: &str) -> Result<Message> {
        let mut request = self.0.request(method);
        request.value(&name.to_owned())?;
        Ok(request)
    }

    /// The value of a name.
    ///
    /// # Errors
    ///
    /// `NotFound` if it has none; `Decode` if it was set as another type.
    pub fn get<T: DeserializeOwned + 'static>(&self, name: &str) -> Result<T> {
        let found = self.0.call(self.with_name(method::GET, name)?, |answer| answer.option())?;
        found.map(|Typed(value)| value).ok_or_else(|| missing(name))
    }

    /// Gives a name a value.
    pub fn set<T: Serialize + 'static>(&self, name: &str, value: T) -> Result<()> {
        let mut request = self.with_name(method::INSERT, name)?;
        request.value(&Typed(value))?;
        self.0.call(request, |_| Ok(()))
    }

    /// Takes a name and its value out.
    ///
    /// # Errors
    ///
    /// `NotFound` if it has none.
    pub fn remove(&self, name: &str) -> Result<()> {
        let there = self.0.call(self.with_name(method::REMOVE, name)?, |answer| answer.flag())?;
        if there { Ok(()) } else { Err(missing(name)) }
    }

    /// Whether a name has a value.
    pub fn contains(&self, name: &str) -> Result<bool> {
        self.0.call(self.with_name(method::CONTAINS, name)?, |answer| answer.flag())
    }

    /// All names, sorted.
    pub fn names(&self) -> Result<Vec<String>> {
        self.0.ask(method::ALL, |answer| {
            let names = (0..answer.len()?).map(|_| {
                let name = answer.value()?;
                answer.kept()?;
                Ok(name)
            });
            let mut names: Vec<String> = names.collect::<Result<_>>()?;
            names.sort();
            Ok(names)
        })
    }
}

/// The names, but for those that begin with `_`; or why they cannot be had.
impl fmt::Debug for NamespaceProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names() {
            Ok(names) => {
                let names = names.iter().filter(|name| !name.starts_with('_'));
                f.write_str("NamespaceProxy ")?;
                f.debug_set().entries(names).finish()
            }
            Err(error) => write!(f, "NamespaceProxy ({error})"),
        }
    }
}

impl Serialize for NamespaceProxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NamespaceProxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Proxy::deserialize(deserializer).map(Self)
    }
}

/// A value behind the name of its type.
struct Typed<T>(T);

impl<T: Serialize> Serialize for Typed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (type_name::<T>(), &self.0).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair<T>(PhantomData<fn() -> T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pair<T> {
            type Value = Typed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value behind the name of its type")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Typed<T>, A::Error> {
                let of: String =
                    pair.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                if of != type_name::<T>() {
                    let text = format!("it was set as `{of}`");
                    return Err(A::Error::custom(text));
                }
                let value = pair.next_element()?;
                value.map(Typed).ok_or_else(|| A::Error::invalid_length(1, &self))
            }
        }

        deserializer.deserialize_tuple(2, Pair(PhantomData))
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the namespace has no `{name}`"))
}
