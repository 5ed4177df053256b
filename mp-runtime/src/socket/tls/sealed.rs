//! A socket with TLS over it: bytes in and out without waiting, by one thread that receives and one that sends, at once.
//!
//! rustls keeps one state for both ways, which is locked for encrypting, decrypting and giving bytes to the
//! system, never while somebody waits. So neither side can hold up the other. What rustls has to say itself (a handshake, an
//! alert, new keys) is in the same order as what is sent, since all that goes out goes by `flush`.

use crate::error::{Error, ErrorKind, Result};
use crate::socket::address::{Address, Place};
use crate::socket::tls::records::Records;
use crate::socket::tls::{TlsClient, TlsServer, named};
use crate::socket::turns::lock;
use crate::sys::{own, stream};
use rustls::{AlertDescription, CertificateError, ClientConnection, Connection, ServerConnection};
use std::fmt;
use std::io::{self, BufRead, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

pub(in crate::socket) struct Sealed {
    socket: OwnedFd,
    state: Mutex<State>,
    /// Locked before `state`.
    records: Mutex<Records>,
    /// The process that this is of, by its forks.
    forks: u32,
}

struct State {
    connection: Connection,
    /// Nothing more goes out: the end was said, or a message cut off.
    ended: bool,
}

impl Sealed {
    /// The side of a listener.
    pub(in crate::socket) fn accept(socket: OwnedFd, tls: &TlsServer) -> Result<Self> {
        let connection = ServerConnection::new(Arc::clone(&tls.config)).map_err(cannot_begin)?;
        Ok(Self::new(socket, connection.into()))
    }

    /// The side of a client, for the listener at an address.
    pub(in crate::socket) fn connect(
        socket: OwnedFd,
        tls: &TlsClient,
        address: &Address,
    ) -> Result<Self> {
        let name = match (&tls.name, &address.0) {
            (Some(name), _) => name.clone(),
            (None, Place::Tcp { host, .. }) => named(host)?,
            (None, _) => return Err(not_here(address)),
        };
        let connection = ClientConnection::new(Arc::clone(&tls.config), name);
        Ok(Self::new(socket, connection.map_err(cannot_begin)?.into()))
    }

    fn new(socket: OwnedFd, connection: Connection) -> Self {
        let state = Mutex::new(State { connection, ended: false });
        Self { socket, state, records: Mutex::default(), forks: own::forks() }
    }

    pub(in crate::socket) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(in crate::socket) fn receive(&self, into: &mut [u8], due: usize) -> io::Result<usize> {
        let mut records = lock(&self.records);
        loop {
            if let Some(count) = self.decrypt(&mut records, into)? {
                return Ok(count);
            }
            let may = records.may_read(due);
            let came = stream::receive(self.socket(), records.room(may));
            records.came(*came.as_ref().unwrap_or(&0));
            if came? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Decrypts what has come, as much as fits; none if more has to come first, 0 at an end that was said.
    fn decrypt(&self, records: &mut Records, into: &mut [u8]) -> io::Result<Option<usize>> {
        let mut state = lock(&self.state);
        let mut have = 0;
        loop {
            match state.connection.reader().read(&mut into[have..]) {
                Ok(0) => return Ok(Some(have)),
                Ok(count) => {
                    have += count;
                    if have == into.len() {
                        return Ok(Some(have));
                    }
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) if records.unfed().is_empty() => return Ok((have > 0).then_some(have)),
                Err(_) => {
                    let count = state.connection.read_tls(&mut records.unfed())?;
                    records.feed(count);
                    let outcome = state.connection.process_new_packets();
                    // What rustls says to that. If it cannot go now, it goes before the next message.
                    let _ = state.flush(self.socket());
                    outcome.map_err(refused)?;
                }
            }
        }
    }

    pub(in crate::socket) fn send(&self, parts: [&[u8]; 2]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !state.flush(self.socket())? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = state.connection.writer().write_vectored(&parts.map(IoSlice::new))?;
        state.flush(self.socket())?;
        if count == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(count) }
    }

    pub(in crate::socket) fn flush(&self) -> io::Result<bool> {
        lock(&self.state).flush(self.socket())
    }

    pub(in crate::socket) fn has_more(&self) -> bool {
        let records = lock(&self.records);
        let mut state = lock(&self.state);
        let decrypted = state.connection.reader().fill_buf().is_ok_and(|bytes| !bytes.is_empty());
        decrypted || !records.unfed().is_empty()
    }

    pub(in crate::socket) fn say_end(&self) {
        let mut state = lock(&self.state);
        if state.ended || state.connection.is_handshaking() {
            return;
        }
        state.ended = true;
        state.connection.send_close_notify();
        // One who does not read learns it from the socket.
        let _ = state.flush(self.socket());
    }

    pub(in crate::socket) fn cut_off(&self) {
        lock(&self.state).ended = true;
        stream::end_sending(self.socket());
    }
}

impl State {
    /// Gives the system what is encrypted; true if that was all.
    fn flush(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Out(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        // A copy made by a bare fork does not speak for the process that it is of.
        if self.forks == own::forks() {
            self.say_end();
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// The socket, as rustls writes to it.
struct Out<'s>(BorrowedFd<'s>);

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        stream::send(self.0, [bytes, &[]])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        stream::send_parts(self.0, parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error of rustls's, which [`explain`] finds again.
fn refused(error: rustls::Error) -> io::Error {
    let kind = match &error {
        rustls::Error::AlertReceived(_) => io::ErrorKind::ConnectionAborted,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

fn cannot_begin(error: rustls::Error) -> Error {
    Error::with_source(ErrorKind::Io, "TLS could not begin", error)
}

/// Why nothing but TCP has TLS.
pub(in crate::socket) fn not_here(address: &Address) -> Error {
    let text = format!(
        "TLS is for addresses of TCP, and {address} is none: nobody but the system is between the two sides there, so \
         leave `tls` out"
    );
    Error::new(ErrorKind::InvalidArgument, text)
}

/// What an error of a handshake means, if it is TLS's.
pub(in crate::socket) fn explain(error: &io::Error) -> Option<String> {
    use rustls::Error as Tls;
    let tls: &Tls = error.get_ref()?.downcast_ref()?;
    Some(match tls {
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the other side's certificate was issued by none that is trusted here".to_owned()
        }
        Tls::InvalidCertificate(why) => {
            let text = format!("the other side's certificate is not accepted: {why}");
            match text.contains("CaUsedAsEndEntity") {
                true => {
                    format!("{text}; an authority's cannot be shown itself: make one with CA:FALSE")
                }
                false => text,
            }
        }
        Tls::NoCertificatesPresented => {
            "the other side shows no certificate: see `TlsClient::identity`".to_owned()
        }
        Tls::AlertReceived(AlertDescription::CertificateRequired) => {
            "the listener wants a certificate of this client's: see `TlsClient::identity`"
                .to_owned()
        }
        Tls::AlertReceived(why) => format!(
            "the other side has refused TLS with this one ({why:?}): it may not trust the certificate shown to it"
        ),
        Tls::InvalidMessage(_) => {
            "the other side does not speak TLS: `tls` is to be set on both, or on neither"
                .to_owned()
        }
        other => format!("TLS with the other side failed: {other}"),
    })
}
