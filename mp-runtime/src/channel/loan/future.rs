//! Waiting for a loan as a future.

use crate::channel::future::Trying;
use crate::channel::handle::Way;
use crate::channel::lane::{Kind, Until};
use crate::channel::loan::Loan;
use crate::channel::waiting::Awaited;
use crate::error::Result;
use crate::shared::Plain;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The future of [`Sender::loan_async`](crate::Sender::loan_async), [`Connection::loan_async`](crate::Connection::loan_async)
/// and [`Queue::loan_async`](crate::Queue::loan_async).
#[must_use = "a future does nothing until it is awaited"]
pub struct Lending<'a, T>(Trying<'a, Loan<'a, T>>);

impl<'a, T: Plain> Lending<'a, T> {
    pub(super) fn new(way: Way<'a>, kind: Kind, len: usize) -> Self {
        let attempt = move || Loan::new(way, kind, len, Until::Now);
        Self(Trying::new(way, Awaited::Loan, Box::new(attempt)))
    }
}

impl<'a, T> Future for Lending<'a, T> {
    type Output = Result<Loan<'a, T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(context)
    }
}

impl<T> fmt::Debug for Lending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lending").finish_non_exhaustive()
    }
}
