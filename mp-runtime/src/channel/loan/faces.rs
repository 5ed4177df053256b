//! Where users get loans: from what sends and receives bytes. What a loan is, is beside this.

use crate::channel::future::Receiving;
use crate::channel::lane::Until;
use crate::channel::loan::{Lending, Lent, Loan};
use crate::channel::message::{BYTES, TYPED};
use crate::channel::queue::empty;
use crate::channel::{Connection, Queue, Receiver, Sender};
use crate::error::{Error, ErrorKind, Result};
use crate::shared::Plain;
use std::time::Duration;

/// How many loans there can be is in `lane`.
fn all_out() -> Error {
    Error::new(ErrorKind::Full, "all loans are out: written, under way, or being read")
}

impl<S, R> Connection<S, R> {
    /// Lends `len` values to be written where the other end reads them: the fastest way for large messages, since
    /// nothing is copied. [`Loan::send`] sends them as [`send_bytes`](Self::send_bytes) would; at the other
    /// end [`recv_loan`](Self::recv_loan) reads them in place, and [`recv_bytes`](Self::recv_bytes) copies.
    ///
    /// About four megabytes of loans, or one that is larger, may wait to be received, as a quarter of that of other
    /// messages. And of each way of a pipe, as of a queue and a channel, there are 16 loans at most: being written, under way, or being
    /// read. One more waits for one of them. Those of a killed process come back.
    ///
    /// # Errors
    ///
    /// `Disconnected` if the other end is gone, `Closed` if this handle is closed, and if there is no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::task]
    /// fn sum(images: mp::Connection<f64, ()>) {
    ///     while let Ok(image) = images.recv_loan::<f32>() {
    ///         images.send(image.iter().copied().map(f64::from).sum()).expect("the other end waits");
    ///     }
    /// }
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let (images, end) = mp::pipe::<(), f64>()?;
    ///     mp::spawn(sum, end)?;
    ///     let mut image = images.loan::<f32>(1 << 18)?;
    ///     image.fill(0.5);
    ///     image.send()?;
    ///     assert_eq!(images.recv()?, f64::from(1 << 17));
    ///     Ok(())
    /// }
    /// ```
    pub fn loan<T: Plain>(&self, len: usize) -> Result<Loan<'_, T>> {
        Loan::new(self.way(false), BYTES, len, Until::Ever)?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), without waiting for one.
    ///
    /// # Errors
    ///
    /// `Full` if all 16 are out; else as `loan`.
    pub fn try_loan<T: Plain>(&self, len: usize) -> Result<Loan<'_, T>> {
        Loan::new(self.way(false), BYTES, len, Until::Now)?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), waiting for one for so long at most.
    ///
    /// # Errors
    ///
    /// `Full` if all 16 are out until then; else as `loan`.
    pub fn loan_timeout<T: Plain>(&self, len: usize, timeout: Duration) -> Result<Loan<'_, T>> {
        Loan::new(self.way(false), BYTES, len, Until::after(timeout))?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), for any executor: the future waits for one.
    ///
    /// # Errors
    ///
    /// As `loan`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn loan_async<T: Plain>(&self, len: usize) -> Lending<'_, T> {
        Lending::new(self.way(false), BYTES, len)
    }

    /// Takes the next message, which must be bytes, to be read where it lies; waits for it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv); `Decode` if it is not made of whole values, too.
    pub fn recv_loan<T: Plain>(&self) -> Result<Lent<T>> {
        self.lent(Until::Ever)?.ok_or_else(empty)
    }

    /// As [`recv_loan`](Self::recv_loan), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is no message; else as `recv_loan`.
    pub fn try_recv_loan<T: Plain>(&self) -> Result<Lent<T>> {
        self.lent(Until::Now)?.ok_or_else(empty)
    }

    /// As [`recv_loan`](Self::recv_loan), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if there was no message until then; else as `recv_loan`.
    pub fn recv_loan_timeout<T: Plain>(&self, timeout: Duration) -> Result<Lent<T>> {
        self.lent(Until::after(timeout))?.ok_or_else(empty)
    }

    /// As [`recv_loan`](Self::recv_loan), for any executor. A future that is dropped before it is ready has taken no
    /// message.
    ///
    /// # Errors
    ///
    /// As `recv_loan`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn recv_loan_async<T: Plain>(&self) -> Receiving<'_, Lent<T>> {
        Receiving::new(self.way(true), || self.lent(Until::Now))
    }

    fn lent<T: Plain>(&self, until: Until) -> Result<Option<Lent<T>>> {
        Lent::take(self.way(true), BYTES, until, || self.expect_sender())
    }
}

impl Sender<Vec<u8>> {
    /// Lends `len` values to be written where the receiver reads them, without a copy: see [`Connection::loan`].
    /// The message is their bytes: [`Receiver::recv_loan`] reads them in place, [`Receiver::recv`] copies.
    ///
    /// # Errors
    ///
    /// `Disconnected` if all receivers are gone, `Closed` if this handle is closed, and if there is no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = mp::channel::<Vec<u8>>()?;
    /// let mut loan = sender.loan::<u32>(3)?;
    /// loan.copy_from_slice(&[1, 2, 3]);
    /// loan.send()?;
    /// sender.send(vec![4, 0, 0, 0])?;
    /// assert_eq!(*receiver.recv_loan::<u32>()?, [1, 2, 3]);
    /// assert_eq!(*receiver.recv_loan::<u32>()?, [4]);
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn loan<T: Plain>(&self, len: usize) -> Result<Loan<'_, T>> {
        Loan::new(self.way(), TYPED, len, Until::Ever)?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), without waiting for one.
    ///
    /// # Errors
    ///
    /// `Full` if all 16 are out; else as `loan`.
    pub fn try_loan<T: Plain>(&self, len: usize) -> Result<Loan<'_, T>> {
        Loan::new(self.way(), TYPED, len, Until::Now)?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), waiting for one for so long at most.
    ///
    /// # Errors
    ///
    /// `Full` if all 16 are out until then; else as `loan`.
    pub fn loan_timeout<T: Plain>(&self, len: usize, timeout: Duration) -> Result<Loan<'_, T>> {
        Loan::new(self.way(), TYPED, len, Until::after(timeout))?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), for any executor: the future waits for one.
    ///
    /// # Errors
    ///
    /// As `loan`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn loan_async<T: Plain>(&self, len: usize) -> Lending<'_, T> {
        Lending::new(self.way(), TYPED, len)
    }
}

impl Receiver<Vec<u8>> {
    /// Takes the next message to be read where it lies; waits for it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv); `Decode` if the message is not made of whole values.
    pub fn recv_loan<T: Plain>(&self) -> Result<Lent<T>> {
        self.lent(Until::Ever)?.ok_or_else(empty)
    }

    /// As [`recv_loan`](Self::recv_loan), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is no message; else as `recv_loan`.
    pub fn try_recv_loan<T: Plain>(&self) -> Result<Lent<T>> {
        self.lent(Until::Now)?.ok_or_else(empty)
    }

    /// As [`recv_loan`](Self::recv_loan), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if there was no message until then; else as `recv_loan`.
    pub fn recv_loan_timeout<T: Plain>(&self, timeout: Duration) -> Result<Lent<T>> {
        self.lent(Until::after(timeout))?.ok_or_else(empty)
    }

    /// As [`recv_loan`](Self::recv_loan), for any executor. A future that is dropped before it is ready has taken no
    /// message.
    ///
    /// # Errors
    ///
    /// As `recv_loan`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn recv_loan_async<T: Plain>(&self) -> Receiving<'_, Lent<T>> {
        Receiving::new(self.way(), || self.lent(Until::Now))
    }

    fn lent<T: Plain>(&self, until: Until) -> Result<Option<Lent<T>>> {
        Lent::take(self.way(), TYPED, until, || self.expect_sender())
    }
}

impl Queue<Vec<u8>> {
    /// Lends `len` values to be written where they are read, without a copy: see [`Connection::loan`]. The item
    /// is their bytes: [`get_loan`](Self::get_loan) reads them in place, [`get`](Self::get) copies.
    ///
    /// # Errors
    ///
    /// `Closed` if this handle or the queue is closed; `Disconnected` if all other handles are gone while 16 loans
    /// are out; and if there is no memory.
    pub fn loan<T: Plain>(&self, len: usize) -> Result<Loan<'_, T>> {
        Loan::new(self.others(), TYPED, len, Until::Ever)?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), without waiting for one.
    ///
    /// # Errors
    ///
    /// `Full` if all 16 are out; else as `loan`.
    pub fn try_loan<T: Plain>(&self, len: usize) -> Result<Loan<'_, T>> {
        Loan::new(self.others(), TYPED, len, Until::Now)?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), waiting for one for so long at most.
    ///
    /// # Errors
    ///
    /// `Full` if all 16 are out until then; else as `loan`.
    pub fn loan_timeout<T: Plain>(&self, len: usize, timeout: Duration) -> Result<Loan<'_, T>> {
        Loan::new(self.others(), TYPED, len, Until::after(timeout))?.ok_or_else(all_out)
    }

    /// As [`loan`](Self::loan), for any executor: the future waits for one.
    ///
    /// # Errors
    ///
    /// As `loan`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn loan_async<T: Plain>(&self, len: usize) -> Lending<'_, T> {
        Lending::new(self.others(), TYPED, len)
    }

    /// Takes the item at the front to be read where it lies; waits for one if there is none.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); `Decode` if the item is not made of whole values.
    pub fn get_loan<T: Plain>(&self) -> Result<Lent<T>> {
        self.lent(Until::Ever)?.ok_or_else(empty)
    }

    /// As [`get_loan`](Self::get_loan), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is no item; else as `get_loan`.
    pub fn try_get_loan<T: Plain>(&self) -> Result<Lent<T>> {
        self.lent(Until::Now)?.ok_or_else(empty)
    }

    /// As [`get_loan`](Self::get_loan), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if there was no item until then; else as `get_loan`.
    pub fn get_loan_timeout<T: Plain>(&self, timeout: Duration) -> Result<Lent<T>> {
        self.lent(Until::after(timeout))?.ok_or_else(empty)
    }

    /// As [`get_loan`](Self::get_loan), for any executor. A future that is dropped before it is ready has taken no
    /// item.
    ///
    /// # Errors
    ///
    /// As `get_loan`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn get_loan_async<T: Plain>(&self) -> Receiving<'_, Lent<T>> {
        Receiving::new(self.others(), || self.lent(Until::Now))
    }

    fn lent<T: Plain>(&self, until: Until) -> Result<Option<Lent<T>>> {
        Lent::take(self.others(), TYPED, until, || self.others().still())
    }
}
