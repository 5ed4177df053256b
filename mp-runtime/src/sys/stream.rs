//! Streams of bytes between programs, over Unix sockets and TCP: listening, connecting, and moving bytes without waiting.
//! What the bytes say is for the callers.

use crate::sys::beside_standard;
use crate::sys::clock::Deadline;
use crate::sys::rendezvous::check_user;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{
    KeepAlive, SendTimeout, TcpKeepCount, TcpKeepIdle, TcpKeepInterval, TcpNoDelay, TcpUserTimeout,
};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, Shutdown, SockFlag, SockType, UnixAddr, accept4, bind,
    connect, listen, recv, sendmsg, setsockopt, shutdown, socket,
};
use nix::sys::time::TimeVal;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A host that is gone without a word is found out by this: the first question after so many seconds of
/// silence, the next ones so many apart, and so many of them.
const KEEP_IDLE: u32 = 60;
const KEEP_INTERVAL: u32 = 10;
const KEEP_COUNT: u32 = 6;
/// How long bytes may be under way to such a host, in milliseconds.
const UNACKNOWLEDGED: u32 = 120_000;

/// A Unix socket's place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unix<'a> {
    Path(&'a Path),
    /// In no folder; anyone on the machine can reach it.
    Name(&'a [u8]),
}

impl Unix<'_> {
    fn address(self) -> io::Result<UnixAddr> {
        Ok(match self {
            Unix::Path(path) => UnixAddr::new(path)?,
            Unix::Name(name) => UnixAddr::new_abstract(name)?,
        })
    }
}

/// Listens on a port of TCP, also right after another program has done so; gives the port too.
///
/// # Errors
///
/// `AddrInUse` if somebody listens there.
pub(crate) fn listen_tcp(address: SocketAddr) -> io::Result<(OwnedFd, SocketAddr)> {
    // It sets SO_REUSEADDR.
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    // As many may wait as the system allows, not the few of std.
    listen(&listener, Backlog::MAXCONN)?;
    Ok((beside_standard(listener.into())?, address))
}

/// Listens on a Unix socket.
///
/// # Errors
///
/// `AddrInUse` if something has that name.
pub(crate) fn listen_unix(place: Unix<'_>) -> io::Result<OwnedFd> {
    let listener = open_unix(SockFlag::SOCK_NONBLOCK)?;
    bind(listener.as_raw_fd(), &place.address()?)?;
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

/// One who has connected, and from where if that was by TCP; none if there is none now.
///
/// # Errors
///
/// If the system refuses, for instance since this process may open no more.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    match accept4(listener, SockFlag::SOCK_CLOEXEC) {
        Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED) => Ok(None),
        other => beside_standard(other?).map(Some),
    }
}

/// The other side's address; none if it is gone.
pub(crate) fn peer_of(socket: OwnedFd) -> (OwnedFd, Option<SocketAddr>) {
    let stream = TcpStream::from(socket);
    let peer = stream.peer_addr().ok();
    (stream.into(), peer)
}

/// Whether the other side of a Unix socket is of the same user, or the superuser.
///
/// # Errors
///
/// `PermissionDenied` if it is not.
pub(crate) fn check_peer(socket: BorrowedFd<'_>) -> io::Result<()> {
    check_user(socket)
}

/// Makes a TCP stream send what it is given at once, and find out a host that is gone.
pub(crate) fn prepare_tcp(socket: BorrowedFd<'_>) -> io::Result<()> {
    setsockopt(&socket, TcpNoDelay, &true)?;
    setsockopt(&socket, KeepAlive, &true)?;
    setsockopt(&socket, TcpKeepIdle, &KEEP_IDLE)?;
    setsockopt(&socket, TcpKeepInterval, &KEEP_INTERVAL)?;
    setsockopt(&socket, TcpKeepCount, &KEEP_COUNT)?;
    setsockopt(&socket, TcpUserTimeout, &UNACKNOWLEDGED)?;
    Ok(())
}

/// Connects by TCP.
///
/// # Errors
///
/// `ConnectionRefused` if nobody listens there, `TimedOut` if the deadline has passed.
pub(crate) fn connect_tcp(address: SocketAddr, deadline: Option<Deadline>) -> io::Result<OwnedFd> {
    let stream = match deadline {
        None => TcpStream::connect(address)?,
        // It takes no zero.
        Some(at) if at.has_passed() => return Err(io::ErrorKind::TimedOut.into()),
        Some(at) => TcpStream::connect_timeout(&address, at.remaining().max(LEAST))?,
    };
    beside_standard(stream.into())
}

const LEAST: std::time::Duration = std::time::Duration::from_millis(1);

/// Connects to a Unix socket.
///
/// # Errors
///
/// `ConnectionRefused` if nobody listens, `NotFound` if there is no such path, `WouldBlock` if the deadline
/// has passed while the listener had many waiting.
pub(crate) fn connect_unix(place: Unix<'_>, deadline: Option<Deadline>) -> io::Result<OwnedFd> {
    let socket = open_unix(SockFlag::empty())?;
    loop {
        if let Some(deadline) = deadline {
            let left = deadline.remaining().max(LEAST);
            let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
            setsockopt(&socket, SendTimeout, &TimeVal::new(seconds, left.subsec_micros().into()))?;
        }
        match connect(socket.as_raw_fd(), &place.address()?) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    }
    Ok(socket)
}

/// Whether somebody listens there now.
///
/// # Errors
///
/// If the system does not let this process know.
pub(crate) fn is_listening(path: &Path) -> io::Result<bool> {
    let probe = open_unix(SockFlag::SOCK_NONBLOCK)?;
    match connect(probe.as_raw_fd(), &Unix::Path(path).address()?) {
        Ok(()) | Err(Errno::EAGAIN | Errno::EINTR) => Ok(true),
        Err(Errno::ECONNREFUSED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn open_unix(flags: SockFlag) -> io::Result<OwnedFd> {
    let flags = flags | SockFlag::SOCK_CLOEXEC;
    beside_standard(socket(AddressFamily::Unix, SockType::Stream, flags, None)?)
}

/// Sends what there is room for of two parts; gives how many bytes that were.
///
/// # Errors
///
/// `WouldBlock` if there is no room now; `BrokenPipe` or `ConnectionReset` if the other side is gone.
pub(crate) fn send(socket: BorrowedFd<'_>, parts: [&[u8]; 2]) -> io::Result<usize> {
    send_parts(socket, &parts.map(IoSlice::new))
}

/// As [`send`], of any number of parts.
pub(crate) fn send_parts(socket: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), parts, &[], flags, None) {
            Err(Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Takes what has come, as much as fits; 0 if nothing will come any more.
///
/// # Errors
///
/// `WouldBlock` if nothing has come, `ConnectionReset` if the other side is gone.
pub(crate) fn receive(socket: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match recv(socket.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Has the other side see the end of what is sent here, and goes on receiving.
pub(crate) fn end_sending(socket: BorrowedFd<'_>) {
    // It fails where the other side is gone already.
    let _ = shutdown(socket.as_raw_fd(), Shutdown::Write);
}

/// Whether a failed call of this process's means that it may open no more.
pub(crate) fn is_out_of_numbers(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM))
}

#[cfg(test)]
mod tests {
    use super::{Unix, accept, check_peer, connect_unix, is_listening, listen_unix, receive, send};
    use std::io::ErrorKind;
    use std::os::fd::AsFd;

    #[test]
    fn bytes_go_through_and_ends_are_seen() {
        let name = format!("mp-stream-{}", std::process::id());
        let place = Unix::Name(name.as_bytes());
        let listener = listen_unix(place).unwrap();
        assert_eq!(listen_unix(place).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert!(accept(listener.as_fd()).unwrap().is_none());
        let one = connect_unix(place, None).unwrap();
        let other = accept(listener.as_fd()).unwrap().expect("it has connected");
        check_peer(other.as_fd()).unwrap();
        assert_eq!(send(one.as_fd(), [b"ab", b"c"]).unwrap(), 3);
        let mut buffer = [0; 8];
        assert_eq!(receive(other.as_fd(), &mut buffer).unwrap(), 3);
        assert_eq!(buffer[..3], *b"abc");
        assert_eq!(receive(other.as_fd(), &mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(one);
        assert_eq!(receive(other.as_fd(), &mut buffer).unwrap(), 0);
        assert_eq!(send(other.as_fd(), [b"x", b""]).unwrap_err().kind(), ErrorKind::BrokenPipe);
        drop(listener);
        assert_eq!(connect_unix(place, None).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(is_listening("/no/such/path".as_ref()).is_err());
    }
}
