//! `PoolProxy`: a pool in a manager's server, which any number of processes give tasks to. What the server does is in
//! `server::pool`, the handles are in `outcome`.

use crate::codec::To;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::Manager;
use crate::manager::outcome::ResultProxy;
use crate::manager::proxy::{Proxy, Way, elsewhere};
use crate::manager::wire::{Message, kind, pool as method};
use crate::pool::served::{Batch, Limits};
use crate::task::Task;
use serde::{Deserialize, Serialize};
use std::any::type_name;
use std::fmt;
use std::time::Duration;

/// A [`Pool`](crate::Pool) in a manager's server, which any number of processes give tasks to, in its words.
///
/// Made by [`Manager::pool`](crate::Manager::pool). A handle can be cloned, be an argument, a result or a message, part of
/// one, and a value in another managed object. When the last one goes, the pool is closed as a dropped `Pool` is: what it has
/// accepted still runs. Its workers are the server's children, and end with it, however that ends.
///
/// Tasks, arguments and results are typed as everywhere; they go by the server, which looks at none of them, and no call
/// waits for another. Descriptors ([`Fd`](crate::Fd)) cannot be in them. Where one process alone gives the tasks, a `Pool` of
/// its own is quicker, and can do more: callbacks and initializers. A task that waits for other tasks of the pool that runs it
/// takes a worker from them, and one that joins it waits for itself.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, which a call that waits sees within a second or so.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[mp::task]
/// fn sum_of_squares(pool: mp::PoolProxy, to: u64) -> mp::Result<u64> {
///     Ok(pool.map(square, 0..to)?.iter().sum())
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let pool = manager.pool(2)?;
///     let other = mp::spawn(sum_of_squares, (pool.clone(), 10))?;
///     assert_eq!(pool.apply(square, 12)?, 144);
///     let one = pool.submit(square, 7)?; // does not wait
///     assert_eq!((one.get()?, other.result()??), (49, 285));
///     pool.close()?;
///     pool.join()
/// }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PoolProxy(Proxy);

impl Manager {
    /// Makes a pool of so many workers in the server. See [`PoolProxy`].
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict), and as [`Pool::new`](crate::Pool::new).
    pub fn pool(&self, processes: usize) -> Result<PoolProxy> {
        if matches!(self.way, Way::Far(_)) {
            return Err(elsewhere());
        }
        let proxy = self.make(kind::POOL)?;
        let write = |request: &mut Message| {
            request.u64(processes as u64);
            Ok(())
        };
        // It is there when it can be used; others are not kept waiting by its start.
        ResultProxy::<()>::begin(&proxy, method::START, write)?.get()?;
        Ok(PoolProxy(proxy))
    }
}

impl PoolProxy {
    /// Runs `task` in a worker, waits for it, and gives its value.
    ///
    /// # Errors
    ///
    /// As [`ResultProxy::get`]; [`Encode`](ErrorKind::Encode) if the arguments do not travel.
    pub fn apply<T: Task>(&self, task: T, arguments: T::Args<'_>) -> Result<T::Output> {
        self.submit(task, arguments)?.get()
    }

    /// Gives `task` to the workers, without waiting: whatever stands against it there is what the handle gives.
    ///
    /// # Errors
    ///
    /// [`Encode`](ErrorKind::Encode) if the arguments do not travel; else as the [type](Self) says.
    pub fn submit<T: Task>(
        &self,
        task: T,
        arguments: T::Args<'_>,
    ) -> Result<ResultProxy<T::Output>> {
        self.call(task, arguments).submit()
    }

    /// A call with options, given to the workers by [`PoolCall::submit`].
    ///
    /// # Examples
    ///
    /// See [`PoolCall`].
    pub fn call<'p, 'a, T: Task>(&'p self, task: T, arguments: T::Args<'a>) -> PoolCall<'p, 'a, T> {
        let _ = task;
        PoolCall { pool: self, arguments, limits: Limits::default() }
    }

    /// Runs `task` on each item, and gives the values in the order of the items. A task of several parameters takes
    /// tuples. All items go to the server at once, and to the workers many at a time.
    ///
    /// # Errors
    ///
    /// The first error that came, after all other items were run, each as of [`ResultProxy::get`];
    /// [`Encode`](ErrorKind::Encode) if an item does not travel: then none is run.
    pub fn map<'a, T, I>(&self, task: T, items: I) -> Result<Vec<T::Output>>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        self.map_async(task, items)?.get()
    }

    /// As [`map`](Self::map), under the name that Python has for a task of several parameters.
    ///
    /// # Errors
    ///
    /// As [`map`](Self::map).
    pub fn starmap<'a, T, I>(&self, task: T, items: I) -> Result<Vec<T::Output>>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        self.map(task, items)
    }

    /// As [`map`](Self::map), without waiting. There is no callback: whoever waits for the handle is told.
    ///
    /// # Errors
    ///
    /// [`Encode`](ErrorKind::Encode) if an item does not travel, [`InvalidArgument`](ErrorKind::InvalidArgument) if
    /// their iterator panicked; else as the [type](Self) says.
    pub fn map_async<'a, T, I>(&self, task: T, items: I) -> Result<ResultProxy<Vec<T::Output>>>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        let _ = task;
        let Batch { bytes, count, turn, attached } = Batch::new::<T>(items.into_iter())?;
        ResultProxy::begin(&self.0, method::MAP, |request| {
            write_call::<T>(request, Limits::default())?;
            request.u64(count).u64(turn.unwrap_or(u64::MAX)).u64(attached.len() as u64);
            for (index, attachments) in attached {
                if attachments.has_descriptors() {
                    let text = "a manager's server keeps no descriptors, which an item has";
                    return Err(Error::new(ErrorKind::Encode, text));
                }
                request.u64(index).u64(attachments.objects() as u64);
                request.attachments.append(attachments);
            }
            request.kept(&bytes, &[]).map(drop)
        })
    }

    /// Has the pool have so many workers from now on, 1 to 1024.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a number out of range; else as the [type](Self) says.
    pub fn resize(&self, processes: usize) -> Result<()> {
        let mut request = self.0.request(method::RESIZE);
        request.u64(processes as u64);
        self.0.call(request, |_| Ok(()))
    }

    /// Takes no more tasks, from anybody. Those accepted are all run; then the workers end. Does not wait.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn close(&self) -> Result<()> {
        self.0.ask(method::CLOSE, |_| Ok(()))
    }

    /// Ends the workers whatever they do, by SIGTERM and soon by SIGKILL, and waits for that. Tasks without an outcome
    /// give [`Terminated`](ErrorKind::Terminated).
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn terminate(&self) -> Result<()> {
        self.end(method::TERMINATE)
    }

    /// As [`terminate`](Self::terminate), by SIGKILL at once.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn kill(&self) -> Result<()> {
        self.end(method::KILL)
    }

    /// Waits until a closed or terminated pool has ended: all accepted tasks, and the workers.
    ///
    /// # Errors
    ///
    /// [`StillRunning`](ErrorKind::StillRunning) if it was neither closed nor terminated; else as the [type](Self)
    /// says.
    pub fn join(&self) -> Result<()> {
        self.end(method::JOIN)
    }

    fn end(&self, how: u8) -> Result<()> {
        ResultProxy::<()>::begin(&self.0, how, |_| Ok(()))?.get()
    }

    /// Whether both are handles on one pool.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }
}

/// A call of a managed pool that is being put together; made by [`PoolProxy::call`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// #[mp::task]
/// fn sleep(seconds: u64) {
///     std::thread::sleep(Duration::from_secs(seconds));
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let pool = manager.pool(1)?;
///     let long = pool.call(sleep, 60).timeout(Duration::from_millis(10)).submit()?;
///     assert_eq!(long.get().unwrap_err().kind(), mp::ErrorKind::Timeout);
///     Ok(())
/// }
/// ```
#[must_use = "a call does nothing until submit() is called"]
pub struct PoolCall<'p, 'a, T: Task> {
    pool: &'p PoolProxy,
    arguments: T::Args<'a>,
    limits: Limits,
}

impl<T: Task> PoolCall<'_, '_, T> {
    /// As [`Call::timeout`](crate::Call::timeout): how long running the task may take.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limits.timeout = Some(limit);
        self
    }

    /// As [`Call::retries`](crate::Call::retries): how often the task is run again if it panics, takes too long, or its
    /// worker dies.
    pub fn retries(mut self, times: u32) -> Self {
        self.limits.retries = times;
        self
    }

    /// Gives the call to the pool.
    ///
    /// # Errors
    ///
    /// As [`PoolProxy::submit`].
    pub fn submit(self) -> Result<ResultProxy<T::Output>> {
        let Self { pool, arguments, limits } = self;
        ResultProxy::begin(&pool.0, method::CALL, |request| {
            write_call::<T>(request, limits)?;
            let encode = |bytes: &mut _, attachments: &mut _| {
                T::__encode(&arguments, To::new(bytes, attachments))
            };
            request.encoded(type_name::<T::Args<'_>>(), encode).map(drop)
        })
    }
}

fn write_call<T: Task>(request: &mut Message, limits: Limits) -> Result<()> {
    let nanos = |limit: Duration| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX - 1);
    request.task(&T::__entry().key()).u64(limits.timeout.map_or(u64::MAX, nanos));
    request.bytes.extend_from_slice(&limits.retries.to_le_bytes());
    Ok(())
}

impl<T: Task> fmt::Debug for PoolCall<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolCall").field("task", &T::NAME).field("limits", &self.limits).finish()
    }
}
