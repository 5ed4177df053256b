//! A child's end of the socket to its parent, by which the descriptors of values come and go. The messages are in
//! `protocol::post`.

use crate::custody::Attachments;
use crate::protocol::post::{self, Address, Mail, Parcel};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

static PARENT: OnceLock<OwnedFd> = OnceLock::new();

/// Takes over the inherited end.
pub(crate) fn begin(inherited: OwnedFd) {
    // A second call would come from a second bootstrap, and a process has one.
    let _ = PARENT.set(inherited);
}

fn parent() -> io::Result<BorrowedFd<'static>> {
    PARENT.get().map(AsFd::as_fd).ok_or_else(|| io::ErrorKind::NotConnected.into())
}

/// Gets the descriptors of a call that this worker has begun.
pub(crate) fn fetch(of: Address) -> io::Result<Attachments> {
    let parent = parent()?;
    post::ask(parent, of)?;
    let mut parcel = Parcel::default();
    loop {
        match post::receive(parent, true)? {
            Mail::Part(address, part) if address == of => {
                if parcel.add(part)? {
                    return parcel.open();
                }
            }
            Mail::End => return Err(io::ErrorKind::UnexpectedEof.into()),
            Mail::Ask(_) | Mail::Part(..) | Mail::Leave | Mail::Nothing => {}
        }
    }
}

/// Tells the parent that this worker has run its last task.
pub(crate) fn leave() -> io::Result<()> {
    post::leave(parent()?)
}

/// Sends the descriptors of a result, before its bytes.
pub(crate) fn send(of: Address, attachments: Attachments, wait: bool) -> io::Result<()> {
    let parent = parent()?;
    post::send(parent, of, attachments, wait).inspect_err(|_| {
        // A part may have gone out: this one of nothing says that the rest will not come. If not even
        // that can be sent, the parent is gone, or finds one result less than it was sent handles for.
        let _ = post::send(parent, of, Attachments::default(), wait);
    })
}
