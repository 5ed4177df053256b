//! Sockets that processes of one user find by a name in the kernel, which is in no folder and is gone with the last
//! descriptor. What is said there is for the callers, by `sys::socket`.

use crate::sys::beside_standard;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{PeerCredentials, SendTimeout};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, accept4, bind, getsockopt, listen,
    setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::geteuid;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// How long a message may wait for somebody to read the ones before it, in seconds.
const PATIENCE: i64 = 10;

/// Takes the name, and hears who connects to it.
///
/// # Errors
///
/// `AddrInUse` if somebody has the name.
pub(crate) fn take(name: &str) -> io::Result<OwnedFd> {
    let listener = open(SockFlag::SOCK_NONBLOCK)?;
    bind(listener.as_raw_fd(), &address(name)?)?;
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

/// Connects to whoever has the name. What is sent there is an error after a while if nobody reads it.
///
/// # Errors
///
/// `ConnectionRefused` if nobody has it, `PermissionDenied` if another user does.
pub(crate) fn connect(name: &str) -> io::Result<OwnedFd> {
    let socket = open(SockFlag::empty())?;
    setsockopt(&socket, SendTimeout, &TimeVal::seconds(PATIENCE))?;
    loop {
        match nix::sys::socket::connect(socket.as_raw_fd(), &address(name)?) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    }
    check_user(socket.as_fd())?;
    Ok(socket)
}

/// The next one who has connected; none if there is none now.
///
/// # Errors
///
/// `PermissionDenied` if it was another user, who is sent away.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let socket = match accept4(listener, SockFlag::SOCK_CLOEXEC) {
        Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED) => return Ok(None),
        other => other?,
    };
    let socket = beside_standard(socket)?;
    check_user(socket.as_fd())?;
    Ok(Some(socket))
}

fn open(flags: SockFlag) -> io::Result<OwnedFd> {
    let flags = flags | SockFlag::SOCK_CLOEXEC;
    beside_standard(socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?)
}

fn address(name: &str) -> io::Result<UnixAddr> {
    Ok(UnixAddr::new_abstract(name.as_bytes())?)
}

/// Anyone on the machine can reach such a name.
pub(super) fn check_user(socket: BorrowedFd<'_>) -> io::Result<()> {
    let other = getsockopt(&socket, PeerCredentials)?.uid();
    if other == geteuid().as_raw() || other == 0 {
        return Ok(());
    }
    Err(io::ErrorKind::PermissionDenied.into())
}
