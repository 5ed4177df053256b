//! Addresses of listeners: how they are written and read. Who listens there is for `place`.

use crate::error::{Error, ErrorKind, Result};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The kernel keeps at most so many bytes of a path or a name.
const LEN_MAX: usize = 107;

/// Where a [`Listener`](crate::Listener) is found.
///
/// | written as | is |
/// | --- | --- |
/// | `tcp://127.0.0.1:5000`, `tcp://[::1]:0`, `tcp://host:80` | a port of TCP; 0 has the system choose one |
/// | `unix:///run/app.sock`, or the path alone, from its `/` on | a socket in a folder |
/// | `abstract:name` | a Unix socket that is in no folder, and gone with its listener; `abstract:` alone has a name made up |
///
/// # Examples
///
/// ```
/// let address: mp::Address = "tcp://127.0.0.1:5000".parse()?;
/// assert_eq!(address.port(), Some(5000));
/// assert_eq!(address.to_string(), "tcp://127.0.0.1:5000");
/// let refused = "127.0.0.1:5000".parse::<mp::Address>().unwrap_err();
/// assert_eq!(refused.kind(), mp::ErrorKind::InvalidArgument);
/// # Ok::<(), mp::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(pub(super) Place);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Tcp {
        host: String,
        port: u16,
    },
    Path(PathBuf),
    /// An abstract name; empty: one is to be made up.
    Name(String),
}

impl Address {
    /// The port, of an address of TCP.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match &self.0 {
            Place::Tcp { port, .. } => Some(*port),
            _ => None,
        }
    }

    /// The path, of a Unix socket that has one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::Path(path) => Some(path),
            _ => None,
        }
    }

    /// What an address of TCP means, as the system resolves it.
    pub(super) fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = (bare, port).to_socket_addrs().map(Vec::from_iter);
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            other => {
                let source = other.err().unwrap_or_else(|| io::ErrorKind::NotFound.into());
                let text = format!("no host is known as {host}");
                Err(Error::with_source(ErrorKind::NotFound, text, source))
            }
        }
    }

    fn from_path(path: PathBuf) -> Result<Self> {
        let len = path.as_os_str().len();
        let has_end =
            path.file_name().is_some() && !path.as_os_str().as_encoded_bytes().contains(&0);
        if len > LEN_MAX || !has_end {
            let text = format!(
                "{} is no path for a socket: at most {LEN_MAX} bytes, with a name at its end",
                path.display()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        Ok(Self(Place::Path(path)))
    }

    fn from_name(name: &str) -> Result<Self> {
        if name.len() > LEN_MAX {
            let text = format!("an abstract name has at most {LEN_MAX} bytes, not {}", name.len());
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        Ok(Self(Place::Name(name.to_owned())))
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let text = format!("{text:?} is no address: {why}");
            Error::new(ErrorKind::InvalidArgument, text)
        };
        if let Some(place) = text.strip_prefix("tcp://") {
            let (host, port) = place
                .rsplit_once(':')
                .ok_or_else(|| wrong("a port is missing, as in tcp://127.0.0.1:0"))?;
            let port = port.parse().map_err(|_| wrong("a port is a number up to 65535"))?;
            let bracketed = host.starts_with('[') && host.ends_with(']');
            if host.is_empty() || host.contains(['/', '\0']) || host.contains(':') && !bracketed {
                return Err(wrong("a host is a name or an address, in [] where it holds colons"));
            }
            return Ok(Self(Place::Tcp { host: host.to_owned(), port }));
        }
        if let Some(path) = text.strip_prefix("unix://").or(text.starts_with('/').then_some(text)) {
            return Self::from_path(path.into());
        }
        // Python writes an abstract name with a zero byte before it.
        match text.strip_prefix("abstract:").or(text.strip_prefix('\0')) {
            Some(name) => Self::from_name(name),
            None => Err(wrong("it begins with tcp://, unix://, abstract: or is a path from / on")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Place::Path(path) => write!(f, "unix://{}", path.display()),
            Place::Name(name) => write!(f, "abstract:{name}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        Self(Place::Tcp { host, port: address.port() })
    }
}

impl From<&Self> for Address {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

impl TryFrom<&str> for Address {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<String> for Address {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<&String> for Address {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<&Path> for Address {
    type Error = Error;

    fn try_from(path: &Path) -> Result<Self> {
        Self::from_path(path.to_owned())
    }
}

impl TryFrom<PathBuf> for Address {
    type Error = Error;

    fn try_from(path: PathBuf) -> Result<Self> {
        Self::from_path(path)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use crate::error::ErrorKind;

    #[test]
    fn addresses_are_read_and_written() {
        for text in [
            "tcp://127.0.0.1:0",
            "tcp://[::1]:65535",
            "tcp://localhost:80",
            "unix:///run/a.sock",
            "unix://below/here",
            "abstract:",
            "abstract:a b",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let written = |text: &str| text.parse::<Address>().unwrap().to_string();
        assert_eq!(written("/run/a.sock"), "unix:///run/a.sock");
        assert_eq!(written("\0name"), "abstract:name");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("abstract:{}", "x".repeat(108));
        let long_path = format!("/{}", "x".repeat(107));
        for text in [
            "",
            "name",
            r"\\.\pipe\pyc-1",
            "127.0.0.1:80",
            "udp://127.0.0.1:80",
            "tcp://127.0.0.1",
            "tcp://:80",
            "tcp://::1:80",
            "tcp://127.0.0.1:65536",
            "tcp://127.0.0.1:-1",
            "unix://",
            "unix:///",
            "/a\0b",
            &long,
            &long_path,
        ] {
            let refused = text.parse::<Address>().unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{text}");
        }
    }
}
