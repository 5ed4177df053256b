//! What carries the bytes of a connection: the socket, or TLS over it. Nothing here waits; messages are for `frame`, who
//! waits for them for `link` and `guest`.

#[cfg(feature = "tls")]
use crate::socket::tls::Sealed;
use crate::sys::stream;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[derive(Debug)]
pub(super) enum Carrier {
    Open(OwnedFd),
    #[cfg(feature = "tls")]
    Sealed(Box<Sealed>),
}

impl Carrier {
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        match self {
            Self::Open(socket) => socket.as_fd(),
            #[cfg(feature = "tls")]
            Self::Sealed(sealed) => sealed.socket(),
        }
    }

    /// Whether nobody in between can read or change what is sent.
    pub(super) fn is_sealed(&self) -> bool {
        !matches!(self, Self::Open(_))
    }

    /// Takes what has come, as much as fits; 0 if nothing will come any more. Of a message of which so many bytes are
    /// `due`, the socket is read no further than its end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing has come, `UnexpectedEof` if the end was not announced where it has to be,
    /// `InvalidData` if what came is not from the other side.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "TLS has a use for it"))]
    pub(super) fn receive(&self, into: &mut [u8], due: usize) -> io::Result<usize> {
        match self {
            Self::Open(socket) => stream::receive(socket.as_fd(), into),
            #[cfg(feature = "tls")]
            Self::Sealed(sealed) => sealed.receive(into, due),
        }
    }

    /// Takes on what there is room for of two parts; gives how many bytes that were. They have gone when
    /// [`flush`](Self::flush) says so.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is no room now.
    pub(super) fn send(&self, parts: [&[u8]; 2]) -> io::Result<usize> {
        match self {
            Self::Open(socket) => stream::send(socket.as_fd(), parts),
            #[cfg(feature = "tls")]
            Self::Sealed(sealed) => sealed.send(parts),
        }
    }

    /// Whether all that was taken on has gone to the system.
    pub(super) fn flush(&self) -> io::Result<bool> {
        match self {
            Self::Open(_) => Ok(true),
            #[cfg(feature = "tls")]
            Self::Sealed(sealed) => sealed.flush(),
        }
    }

    /// Whether there is something to receive that the socket does not show. Not with programs of this library
    /// at the other end, which begin each message anew.
    pub(super) fn has_more(&self) -> bool {
        match self {
            Self::Open(_) => false,
            #[cfg(feature = "tls")]
            Self::Sealed(sealed) => sealed.has_more(),
        }
    }

    /// Tells the other side that nothing more comes, where that is more than closing the socket.
    pub(super) fn say_end(&self) {
        match self {
            Self::Open(_) => {}
            #[cfg(feature = "tls")]
            Self::Sealed(sealed) => sealed.say_end(),
        }
    }

    /// Ends what is sent here in the middle of it, and goes on receiving.
    pub(super) fn cut_off(&self) {
        match self {
            Self::Open(socket) => stream::end_sending(socket.as_fd()),
            #[cfg(feature = "tls")]
            Self::Sealed(sealed) => sealed.cut_off(),
        }
    }
}
