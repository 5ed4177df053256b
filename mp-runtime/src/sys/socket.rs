//! A pair of sockets on which messages travel whole, with descriptors beside their bytes. What the messages say is for
//! the callers.
#![expect(unsafe_code, reason = "takes over the descriptors that came with a message")]

use crate::sys::{beside_standard, check};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, Shutdown, SockFlag, SockType, sendmsg, shutdown,
    socketpair,
};
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// The kernel takes no more descriptors than this with one message (SCM_MAX_FD).
pub(crate) const MOST: usize = 253;

/// One message as it came.
#[derive(Debug)]
pub(crate) struct Message<const N: usize> {
    pub(crate) bytes: [u8; N],
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Descriptors came with it for which this process had no number left.
    pub(crate) cut: bool,
}

/// What looking for a message found.
#[derive(Debug)]
pub(crate) enum Received<const N: usize> {
    Message(Message<N>),
    /// Nothing is there now.
    Nothing,
    /// Nothing is there, and nobody is left who could send.
    End,
}

/// Makes the pair.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SockType::SeqPacket;
    let (one, other) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
    Ok((beside_standard(one)?, beside_standard(other)?))
}

/// Has the other side see the end of this one, whoever else holds it.
pub(crate) fn shut_down(socket: BorrowedFd<'_>) {
    // It fails where the other side is gone already.
    let _ = shutdown(socket.as_raw_fd(), Shutdown::Both);
}

/// Sends one message with at most [`MOST`] descriptors, which the receiver gets copies of.
///
/// # Errors
///
/// `WouldBlock` if `wait` is false and the other side has many unread; `BrokenPipe` if it is gone.
pub(crate) fn send<D: AsRawFd>(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[D],
    wait: bool,
) -> io::Result<()> {
    let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = if numbers.is_empty() { &rights[..0] } else { &rights[..] };
    let flags = if wait { MsgFlags::empty() } else { MsgFlags::MSG_DONTWAIT };
    let (fd, part) = (socket.as_raw_fd(), [IoSlice::new(bytes)]);
    loop {
        match sendmsg::<()>(fd, &part, control, flags | MsgFlags::MSG_NOSIGNAL, None) {
            Err(Errno::EINTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// Takes one message; one of another length than `N` is an error, since nobody sends such.
///
/// Not nix's recvmsg: that one loses the descriptors that did come when others could not.
pub(crate) fn receive<const N: usize>(
    socket: BorrowedFd<'_>,
    wait: bool,
) -> io::Result<Received<N>> {
    let mut bytes = [0; N];
    let mut space = Space([0; SPACE]);
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: N };
    // SAFETY: all zeros is a value of this type.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    (header.msg_control, header.msg_controllen) = (space.0.as_mut_ptr().cast(), SPACE);
    let flags = libc::MSG_CMSG_CLOEXEC | if wait { 0 } else { libc::MSG_DONTWAIT };
    let len = loop {
        // SAFETY: the header points to the one part and the space, which outlive the call and are
        // as long as it says.
        let rc = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
        match check(rc as libc::c_long).map_err(|error| (error.kind(), error)) {
            Ok(len) => break usize::try_from(len).unwrap_or(0),
            Err((io::ErrorKind::Interrupted, _)) => {}
            Err((io::ErrorKind::WouldBlock, _)) => return Ok(Received::Nothing),
            Err((io::ErrorKind::ConnectionReset, _)) => return Ok(Received::End),
            Err((_, error)) => return Err(error),
        }
    };
    let descriptors = adopt(&header);
    let cut = header.msg_flags & libc::MSG_CTRUNC != 0;
    if len == 0 && descriptors.is_empty() && !cut {
        return Ok(Received::End);
    }
    if len != N || header.msg_flags & libc::MSG_TRUNC != 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let descriptors = descriptors.into_iter().map(beside_standard).collect::<io::Result<_>>()?;
    Ok(Received::Message(Message { bytes, descriptors, cut }))
}

/// Room for the descriptors of one message, as the kernel lays them out.
#[repr(align(8))]
struct Space([u8; SPACE]);

/// What CMSG_SPACE would give.
const SPACE: usize =
    size_of::<libc::cmsghdr>() + (MOST * size_of::<RawFd>()).next_multiple_of(size_of::<usize>());

/// What a process is told that can open no more.
pub(crate) fn no_numbers() -> io::Error {
    io::Error::from_raw_os_error(libc::EMFILE)
}

/// Takes over the descriptors that `recvmsg` has put behind `header`.
fn adopt(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut descriptors = Vec::new();
    // SAFETY: recvmsg has filled the header, and its control space is still there.
    let mut at = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !at.is_null() {
        // SAFETY: the macros give null or a header that lies wholly in the control space.
        let part = unsafe { at.read_unaligned() };
        if (part.cmsg_level, part.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: as above; the content is behind the header.
            let content = unsafe { libc::CMSG_DATA(at) }.cast::<RawFd>();
            // SAFETY: the call only computes.
            let before = unsafe { libc::CMSG_LEN(0) } as usize;
            for index in 0..part.cmsg_len.saturating_sub(before) / size_of::<RawFd>() {
                // SAFETY: that many numbers lie there, of descriptors that the kernel has just made
                // for us, so nobody else owns them.
                descriptors
                    .push(unsafe { OwnedFd::from_raw_fd(content.add(index).read_unaligned()) });
            }
        }
        // SAFETY: `at` came from these macros, on the same header.
        at = unsafe { libc::CMSG_NXTHDR(header, at) };
    }
    descriptors
}

#[cfg(test)]
mod tests {
    use super::{MOST, Received, pair, receive, send};
    use crate::sys::memory::Memory;
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::{AsFd, OwnedFd};

    const NONE: &[OwnedFd] = &[];

    fn null() -> OwnedFd {
        File::open("/dev/null").unwrap().into()
    }

    #[test]
    fn a_message_comes_whole_with_its_descriptors() {
        let (one, other) = pair().unwrap();
        assert!(matches!(receive::<3>(other.as_fd(), false).unwrap(), Received::Nothing));
        let memory = Memory::new("mp-test").unwrap();
        let mut file = File::from(memory.as_fd().try_clone_to_owned().unwrap());
        file.write_all(b"content").unwrap();
        send(one.as_fd(), b"abc", &[OwnedFd::from(file)], false).unwrap();
        drop(one);
        let Received::Message(message) = receive::<3>(other.as_fd(), true).unwrap() else {
            panic!("there is one");
        };
        assert_eq!((&message.bytes, message.cut), (b"abc", false));
        let [file] = <[OwnedFd; 1]>::try_from(message.descriptors).unwrap();
        let (mut file, mut text) = (File::from(file), String::new());
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "content");
        assert!(matches!(receive::<3>(other.as_fd(), true).unwrap(), Received::End));
    }

    #[test]
    fn one_message_carries_so_many_and_not_more() {
        let (one, other) = pair().unwrap();
        let many: Vec<_> = (0..=MOST).map(|_| null()).collect();
        assert!(send(one.as_fd(), b"x", &many, false).is_err());
        send(one.as_fd(), b"x", &many[1..], false).unwrap();
        let Received::Message(message) = receive::<1>(other.as_fd(), false).unwrap() else {
            panic!("there is one");
        };
        assert_eq!(message.descriptors.len(), MOST);
    }

    #[test]
    fn a_full_socket_and_a_message_of_another_length_are_errors() {
        let (one, other) = pair().unwrap();
        while send(one.as_fd(), b"x", NONE, false).is_ok() {}
        let full = send(one.as_fd(), b"x", NONE, false).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::WouldBlock);
        assert!(receive::<2>(other.as_fd(), false).is_err());
    }
}
