//! Taking an address to listen at, and connecting to one: for a path also whose socket may be replaced, and when its file
//! goes. What is said over a connection is for `connect` and `reception`.

use crate::error::{Error, ErrorKind, Result};
use crate::process::exit;
use crate::socket::address::{Address, Place};
use crate::socket::turns::lock;
use crate::sys::clock::Deadline;
use crate::sys::stream::{self, Unix};
use crate::sys::{own, random};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

/// A socket that listens, and where.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) socket: OwnedFd,
    pub(super) address: Address,
    /// What its drop removes.
    pub(super) file: Option<SocketFile>,
}

/// Listens at an address.
pub(super) fn listen(address: &Address) -> Result<Bound> {
    match &address.0 {
        Place::Tcp { host, port } => {
            let mut last = None;
            for place in Address::resolve(host, *port)? {
                match stream::listen_tcp(place) {
                    Ok((socket, at)) => {
                        return Ok(Bound { socket, address: at.into(), file: None });
                    }
                    Err(error) => last = Some(error),
                }
            }
            let error = last.unwrap_or_else(|| io::ErrorKind::NotFound.into());
            Err(taken(address, "end that program, or choose another port, or 0 for any", error))
        }
        Place::Path(path) => {
            let (socket, file) = listen_path(address, path)?;
            Ok(Bound { socket, address: address.clone(), file: Some(file) })
        }
        Place::Name(name) => {
            let name = if name.is_empty() { made_up()? } else { name.clone() };
            let address = Address(Place::Name(name.clone()));
            let socket = stream::listen_unix(Unix::Name(name.as_bytes()));
            let socket = socket.map_err(|error| {
                taken(
                    &address,
                    "end that program, or choose another name, or none for a new one",
                    error,
                )
            })?;
            Ok(Bound { socket, address, file: None })
        }
    }
}

/// Connects to who listens at an address.
pub(super) fn connect(address: &Address, deadline: Option<Deadline>) -> Result<OwnedFd> {
    let nobody = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            let text = format!("nobody listens at {address}");
            Error::with_source(ErrorKind::NotFound, text, error)
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            let text = format!("the listener at {address} did not take the connection in time");
            Error::with_source(ErrorKind::Timeout, text, error)
        }
        _ => Error::io(format!("connecting to {address}"), error),
    };
    match &address.0 {
        Place::Tcp { host, port } => {
            let mut last = None;
            for place in Address::resolve(host, *port)? {
                match stream::connect_tcp(place, deadline) {
                    Ok(socket) => return Ok(socket),
                    Err(error) => last = Some(error),
                }
            }
            Err(nobody(last.unwrap_or_else(|| io::ErrorKind::NotFound.into())))
        }
        Place::Path(path) => stream::connect_unix(Unix::Path(path), deadline).map_err(nobody),
        Place::Name(name) if name.is_empty() => {
            let text = "a client needs the name that the listener's `address` says";
            Err(Error::new(ErrorKind::InvalidArgument, text))
        }
        Place::Name(name) => {
            stream::connect_unix(Unix::Name(name.as_bytes()), deadline).map_err(nobody)
        }
    }
}

fn made_up() -> Result<String> {
    let random = random::bytes().map(u128::from_ne_bytes);
    let random = random.map_err(|error| Error::io("a name needs random bytes", error))?;
    Ok(format!("mp-{random:032x}"))
}

fn taken(address: &Address, mend: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists => {
            let text = format!("somebody listens at {address} already: {mend}");
            Error::with_source(ErrorKind::AlreadyExists, text, error)
        }
        io::ErrorKind::NotFound => {
            let text = format!("there is no place for {address}: make its folder first");
            Error::with_source(ErrorKind::NotFound, text, error)
        }
        _ => Error::io(format!("listening at {address}"), error),
    }
}

/// Makes a socket that listens before it has its path, so that a path on which nobody listens is a dead
/// program's and may be taken.
fn listen_path(address: &Address, path: &Path) -> Result<(OwnedFd, SocketFile)> {
    let io = |error| taken(address, "end that program, or choose another path", error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = File::open(parent.unwrap_or(Path::new("."))).map_err(io)?;
    // By the folder's descriptor, since the path with another name may be too long for a socket.
    let cradle =
        PathBuf::from(format!("/proc/self/fd/{}/.{}", folder.as_fd().as_raw_fd(), made_up()?));
    let socket = stream::listen_unix(Unix::Path(&cradle)).map_err(io)?;
    let named = match fs::hard_link(&cradle, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            replace(&cradle, address, path)
        }
        other => other.map_err(io),
    };
    // It is not there any more if it was renamed.
    let _ = fs::remove_file(&cradle);
    named?;
    Ok((socket, SocketFile::new(path).map_err(io)?))
}

/// Gives the path of a socket on which nobody listens to the one that lies in `cradle`.
fn replace(cradle: &Path, address: &Address, path: &Path) -> Result<()> {
    let io = |error| Error::io(format!("replacing what lies at {}", path.display()), error);
    let refuse = |text: String| Err(Error::new(ErrorKind::AlreadyExists, text));
    let old = fs::symlink_metadata(path).map_err(io)?;
    if !old.file_type().is_socket() {
        return refuse(format!(
            "{} is there, and is no socket: choose another path",
            path.display()
        ));
    }
    // Of several that find the same one dead, one replaces it.
    let name = format!("mp-replaces-{}-{}", old.dev(), old.ino());
    let Ok(_lock) = stream::listen_unix(Unix::Name(name.as_bytes())) else {
        return refuse(format!("another program is just about to listen at {address}"));
    };
    let now = fs::symlink_metadata(path).map_err(io)?;
    let same = (old.dev(), old.ino()) == (now.dev(), now.ino());
    match stream::is_listening(path) {
        Ok(false) if same => fs::rename(cradle, path).map_err(io),
        Ok(_) => {
            let mend = "end that program, or choose another path";
            Err(taken(address, mend, io::ErrorKind::AddrInUse.into()))
        }
        Err(error) => {
            let text = format!("{address} is taken, and cannot be looked at: choose another path");
            Err(Error::with_source(ErrorKind::AlreadyExists, text, error))
        }
    }
}

/// The files to remove at the program's end, each with the process that it belongs to, by its forks.
static FILES: Mutex<Vec<(u32, Named)>> = Mutex::new(Vec::new());

/// A path, and which file it was given to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    path: PathBuf,
    file: (u64, u64),
}

impl Named {
    fn new(path: &Path) -> io::Result<Self> {
        let file = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), file: (file.dev(), file.ino()) })
    }

    fn remove(&self) {
        // Another program may have the path by now.
        if Self::new(&self.path).is_ok_and(|now| now == *self) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A socket's file, removed when this is dropped, or at the end of the program.
#[derive(Debug)]
pub(super) struct SocketFile(Named);

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        static REGISTERED: Once = Once::new();
        // The program may have another working directory by then.
        let path = std::path::absolute(path)?;
        let named = Named::new(&path)?;
        REGISTERED.call_once(|| exit::before_children(remove_all));
        lock(&FILES).push((own::forks(), named.clone()));
        Ok(Self(named))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let mut files = lock(&FILES);
        let at = files.iter().position(|it| it.1 == self.0 && it.0 == own::forks());
        if let Some(at) = at {
            files.swap_remove(at).1.remove();
        }
    }
}

fn remove_all() {
    let files = std::mem::take(&mut *lock(&FILES));
    files.iter().filter(|file| file.0 == own::forks()).for_each(|file| file.1.remove());
}
