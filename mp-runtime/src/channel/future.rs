//! Receiving and sending as futures. They try without waiting, and between two attempts leave it to the reactor; what can be
//! waited for is in `waiting`.

use crate::channel::handle::Way;
use crate::channel::message::Encoded;
use crate::channel::waiting::Awaited;
use crate::error::{Error, Result};
use crate::transport::reactor::Watch;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// So often one poll tries again, of those who come too late for what others have taken meanwhile.
const ATTEMPTS: u32 = 8;

/// One attempt; none if it would have to wait.
pub(super) type Attempt<'a, R> = Box<dyn FnMut() -> Result<Option<R>> + Send + 'a>;

pub(super) struct Trying<'a, R> {
    attempt: Attempt<'a, R>,
    way: Way<'a>,
    what: Awaited,
    watch: Option<Watch>,
}

impl<'a, R> Trying<'a, R> {
    pub(super) fn new(way: Way<'a>, what: Awaited, attempt: Attempt<'a, R>) -> Self {
        Self { attempt, way, what, watch: None }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<R>> {
        let Way { handle, lane, by } = self.way;
        for _ in 0..ATTEMPTS {
            // Before the attempt, so that who goes after it is not missed.
            let departed = handle.lane(lane).departed();
            if let Some(done) = (self.attempt)().transpose() {
                self.watch = None;
                return Poll::Ready(done);
            }
            let watch = self.watch.get_or_insert_with(|| {
                Watch::new(Arc::new(handle.waiting(lane, self.what, by, departed)))
            });
            match watch.poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => self.watch = None,
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(Error::io("waiting for a queue or channel", error)));
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The future of [`Receiver::recv_async`](crate::Receiver::recv_async), [`Connection::recv_async`](crate::Connection::recv_async)
/// and [`Queue::get_async`](crate::Queue::get_async), and of the taking of messages in place.
///
/// Dropped before it is ready, it has taken no message.
#[must_use = "a future does nothing until it is awaited"]
pub struct Receiving<'a, T>(Trying<'a, T>);

impl<'a, T> Receiving<'a, T> {
    /// `attempt` does not wait, but asks whether there is any sense in it.
    pub(super) fn new(
        way: Way<'a>,
        attempt: impl FnMut() -> Result<Option<T>> + Send + 'a,
    ) -> Self {
        Self(Trying::new(way, Awaited::Item, Box::new(attempt)))
    }
}

impl<T> Future for Receiving<'_, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        self.0.poll(context)
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").finish_non_exhaustive()
    }
}

/// The future of [`Sender::send_async`](crate::Sender::send_async), [`Connection::send_async`](crate::Connection::send_async)
/// and [`Queue::put_async`](crate::Queue::put_async), and of [`Loan::send_async`](crate::Loan::send_async).
///
/// Dropped before it is ready, it has sent nothing.
#[must_use = "a future does nothing until it is awaited"]
pub struct Sending<'a>(Trying<'a, ()>);

impl<'a> Sending<'a> {
    pub(super) fn new(way: Way<'a>, message: Result<Encoded>) -> Self {
        let size = message.as_ref().map_or(0, Encoded::size);
        let mut message = Some(message);
        let attempt = move || {
            let put = match &mut message {
                Some(Ok(message)) => {
                    way.may_send().and_then(|()| message.put(&way.lane(), || way.still()))
                }
                _ => Ok(true),
            };
            match put {
                Ok(false) => Ok(None),
                // What has ended is not put again by one more poll.
                done => {
                    message.take().map_or(Ok(()), |message| message.and(done.map(drop))).map(Some)
                }
            }
        };
        Self::by(way, size, attempt)
    }

    /// For what takes so many bytes of room.
    pub(super) fn by(
        way: Way<'a>,
        size: usize,
        attempt: impl FnMut() -> Result<Option<()>> + Send + 'a,
    ) -> Self {
        Self(Trying::new(way, Awaited::Room(size), Box::new(attempt)))
    }
}

impl Future for Sending<'_> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll(context)
    }
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
