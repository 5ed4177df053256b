//! Publishing: how other programs, and any process of this one, find a manager's objects by name. What the server keeps of it is
//! in `server::names`.

use crate::error::Result;
use crate::manager::Manager;
use crate::manager::far::lease::Origin;
use crate::manager::wire::method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;

impl Manager {
    /// Publishes a proxy, or any value that travels, by a name: [`lookup`](Self::lookup) gives it to who asks, in other programs
    /// too. What is published is there until it is taken back or the server ends.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if something has that name; else as [`dict_from`](Self::dict_from).
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let manager = mp::Manager::builder().address("abstract:").authkey("a key").start()?;
    ///     manager.publish("jobs", &manager.queue::<String>()?)?;
    ///
    ///     // Another program does this:
    ///     let remote = mp::Manager::connect(manager.address().unwrap(), "a key")?;
    ///     let jobs: mp::QueueProxy<String> = remote.lookup("jobs")?;
    ///     jobs.put("sweep".into())?;
    ///     assert_eq!(remote.lookup::<String>("jobs").unwrap_err().kind(), mp::ErrorKind::InvalidArgument);
    ///     Ok(())
    /// }
    /// ```
    pub fn publish<T: Serialize + 'static>(&self, name: &str, value: &T) -> Result<()> {
        let mut request = self.way.request(method::PUBLISH);
        request.text(name).text(&short(type_name::<T>())).value(value)?;
        self.way.call(request, |_, _| Ok(()))
    }

    /// Takes a name back; who has looked it up keeps what it found.
    ///
    /// # Errors
    ///
    /// `NotFound` if nothing has that name.
    pub fn unpublish(&self, name: &str) -> Result<()> {
        let mut request = self.way.request(method::UNPUBLISH);
        request.text(name);
        self.way.call(request, |_, _| Ok(()))
    }

    /// What is published by that name.
    ///
    /// Types are compared by their names, without the paths of their modules, so that two programs may each have their own of
    /// one that travels alike.
    ///
    /// # Errors
    ///
    /// `NotFound` if nothing has that name, `InvalidArgument` if what has is of another type.
    pub fn lookup<T: DeserializeOwned + 'static>(&self, name: &str) -> Result<T> {
        let of = short(type_name::<T>());
        let mut request = self.way.request(method::LOOKUP);
        request.text(name).text(&of);
        self.way.call(request, |answer, _| {
            for (place, lease) in answer.leases().iter().enumerate() {
                let place = u32::try_from(place).unwrap_or(u32::MAX);
                let origin = || Origin { name: name.to_owned(), of: of.clone(), place };
                lease.iter().for_each(|lease| lease.set_origin(origin()));
            }
            answer.value()
        })
    }
}

/// A type's name without the paths in it.
fn short(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut begin = 0;
    for (at, found) in name.match_indices(|c: char| !c.is_alphanumeric() && c != '_' && c != ':') {
        short.push_str(last(&name[begin..at]));
        short.push_str(found);
        begin = at + found.len();
    }
    short + last(&name[begin..])
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn names_are_compared_without_paths() {
        assert_eq!(short("mp::QueueProxy<alloc::string::String>"), "QueueProxy<String>");
        assert_eq!(short("(a::B, [core::option::Option<u8>; 3])"), "(B, [Option<u8>; 3])");
        assert_eq!(short("&str"), "&str");
    }
}
