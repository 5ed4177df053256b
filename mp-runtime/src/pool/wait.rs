//! Waiting for several handles at once. One handle by itself is in `handle`.

use crate::error::{Error, ErrorKind, Result};
use crate::pool::bell::{Awaited, Bell};
use crate::pool::engine::{Engine, lock};
use crate::pool::handle::AsyncResult;
use crate::sys::clock::Deadline;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

/// What a wait for several handles has found: each of them in one of the two lists, in the order in
/// which they were given, and once.
#[derive(Debug)]
pub struct Waited<'h, R> {
    /// Those that have an outcome.
    pub done: Vec<&'h AsyncResult<R>>,
    /// Those that have none yet.
    pub pending: Vec<&'h AsyncResult<R>>,
}

/// Waits until one of `handles` has an outcome, at most `timeout` (`None`: without limit).
///
/// A callback that waits for nothing but its own handle gets it back as pending at once.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// #[mp::task]
/// fn sleep(millis: u64) -> u64 {
///     std::thread::sleep(Duration::from_millis(millis));
///     millis
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     let handles = [pool.submit(sleep, 30_000), pool.submit(sleep, 1)];
///     let waited = mp::wait_any(&handles, None);
///     assert_eq!(waited.done[0].get()?, 1);
///     assert_eq!(waited.pending.len(), 1);
///     pool.terminate();
///     Ok(())
/// }
/// ```
pub fn wait_any<'h, R: 'h>(
    handles: impl IntoIterator<Item = &'h AsyncResult<R>>,
    timeout: Option<Duration>,
) -> Waited<'h, R> {
    wait(handles, timeout, |waiting| waiting.next_ready().is_none())
}

/// Waits until all of `handles` have an outcome, at most `timeout` (`None`: without limit).
///
/// A callback that waits for nothing but its own handle gets it back as pending at once.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn double(x: i32) -> i32 {
///     2 * x
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     let handles: Vec<_> = (0..10).map(|i| pool.submit(double, i)).collect();
///     let waited = mp::wait_all(&handles, None);
///     assert_eq!((waited.done.len(), waited.pending.len()), (10, 0));
///     Ok(())
/// }
/// ```
pub fn wait_all<'h, R: 'h>(
    handles: impl IntoIterator<Item = &'h AsyncResult<R>>,
    timeout: Option<Duration>,
) -> Waited<'h, R> {
    wait(handles, timeout, |waiting| {
        while waiting.next_ready().is_some() {}
        waiting.left > 0
    })
}

/// The handles as they get their outcomes, each once; those that have one come first.
///
/// If `timeout` passes first, the iterator gives a [`Timeout`](ErrorKind::Timeout) that says how many
/// have none, and ends.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn double(x: i32) -> i32 {
///     2 * x
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     let handles: Vec<_> = (0..10).map(|i| pool.submit(double, i)).collect();
///     let mut sum = 0;
///     for handle in mp::as_completed(&handles, None) {
///         sum += handle?.get()?;
///     }
///     assert_eq!(sum, 90);
///     Ok(())
/// }
/// ```
pub fn as_completed<'h, R: 'h>(
    handles: impl IntoIterator<Item = &'h AsyncResult<R>>,
    timeout: Option<Duration>,
) -> AsCompleted<'h, R> {
    let deadline = timeout.and_then(Deadline::after);
    AsCompleted { waiting: Waiting::new(handles), deadline, over: false }
}

/// An iterator over handles in the order of their outcomes; made by [`as_completed`].
#[must_use = "an iterator does nothing until it is asked"]
pub struct AsCompleted<'h, R> {
    waiting: Waiting<'h, R>,
    deadline: Option<Deadline>,
    over: bool,
}

impl<'h, R> Iterator for AsCompleted<'h, R> {
    type Item = Result<&'h AsyncResult<R>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { waiting, deadline, over } = self;
        if *over || waiting.left == 0 {
            return None;
        }
        loop {
            if let Some(at) = waiting.next_ready() {
                return Some(Ok(waiting.handles[at]));
            }
            if !waiting.sleep(*deadline) {
                *over = true;
                let (left, all) = (waiting.left, waiting.handles.len());
                let text = format!("{left} (of {all}) tasks have no outcome yet");
                return Some(Err(Error::new(ErrorKind::Timeout, text)));
            }
        }
    }
}

impl<R> fmt::Debug for AsCompleted<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.waiting.left).finish_non_exhaustive()
    }
}

/// Waits as long as `more` says so.
fn wait<'h, R: 'h>(
    handles: impl IntoIterator<Item = &'h AsyncResult<R>>,
    timeout: Option<Duration>,
    mut more: impl FnMut(&mut Waiting<'h, R>) -> bool,
) -> Waited<'h, R> {
    let deadline = timeout.and_then(Deadline::after);
    let mut waiting = Waiting::new(handles);
    while !waiting.handles.is_empty() && more(&mut waiting) {
        if !waiting.sleep(deadline) {
            break;
        }
    }
    let (done, pending) = waiting.handles.iter().partition(|handle| handle.ready());
    Waited { done, pending }
}

/// Handles that are waited for.
struct Waiting<'h, R> {
    /// Each once.
    handles: Vec<&'h AsyncResult<R>>,
    /// How many have not been seen ready.
    left: usize,
    group: Arc<Group>,
    wakers: Vec<Waker>,
}

impl<'h, R> Waiting<'h, R> {
    fn new(handles: impl IntoIterator<Item = &'h AsyncResult<R>>) -> Self {
        let mut seen = HashSet::new();
        let new = |handle: &&'h AsyncResult<R>| seen.insert(handle.completion.address());
        let handles: Vec<_> = handles.into_iter().filter(new).collect();
        let addresses: Vec<_> = handles.iter().map(|h| h.completion.address()).collect();
        let came = Mutex::new(Came { ready: VecDeque::new(), pending: vec![true; handles.len()] });
        let pool = pool_of(&handles);
        let group = Arc::new(Group { pool, bell: Bell::default(), addresses, came });
        let mut wakers = Vec::with_capacity(handles.len());
        for (index, handle) in handles.iter().enumerate() {
            let member = Member { index, group: Arc::clone(&group) };
            let waker = Waker::from(Arc::new(member));
            let completion = &handle.completion;
            if !completion.bell().register(completion, &waker) {
                lock(&group.came).add(index);
            }
            wakers.push(waker);
        }
        Self { left: handles.len(), handles, group, wakers }
    }

    /// One that has not been seen ready before.
    fn next_ready(&mut self) -> Option<usize> {
        let at = lock(&self.group.came).ready.pop_front()?;
        self.left -= 1;
        Some(at)
    }

    /// Sleeps until one is ready; `false` if the deadline passed first.
    fn sleep(&self, deadline: Option<Deadline>) -> bool {
        match self.group.pool.upgrade() {
            Some(engine) => engine.wait(&self.group, deadline),
            None => self.group.bell.sleep(&self.group, deadline),
        }
    }
}

/// Whose results a thread reads that waits for these handles; those of other pools come by
/// themselves. The callbacks of a pool come by themselves unless the thread is inside one of them.
fn pool_of<R>(handles: &[&AsyncResult<R>]) -> Weak<Engine> {
    let mut pools: Vec<&Weak<Engine>> = Vec::new();
    for handle in handles.iter().filter(|handle| !handle.ready()) {
        if !pools.iter().any(|known| known.ptr_eq(&handle.pool)) {
            pools.push(&handle.pool);
        }
    }
    let is_inside = |pool: &&&Weak<Engine>| {
        pool.upgrade().is_some_and(|engine| engine.callbacks.is_current_thread())
    };
    let pool = pools.iter().find(is_inside).or(pools.first());
    pool.map_or_else(Weak::new, |pool| Weak::clone(pool))
}

impl<R> Drop for Waiting<'_, R> {
    fn drop(&mut self) {
        for (handle, waker) in self.handles.iter().zip(&self.wakers) {
            handle.completion.bell().forget(waker);
        }
    }
}

/// What the handles of one wait share.
struct Group {
    pool: Weak<Engine>,
    bell: Bell,
    /// Where the handles lie.
    addresses: Vec<usize>,
    came: Mutex<Came>,
}

/// What has become of the handles of a group.
struct Came {
    /// Those that are ready and have not been seen so.
    ready: VecDeque<usize>,
    /// For each, whether it is not ready.
    pending: Vec<bool>,
}

impl Came {
    fn add(&mut self, index: usize) {
        self.ready.push_back(index);
        self.pending[index] = false;
    }
}

impl Awaited for Arc<Group> {
    fn is_ready(&self) -> bool {
        !lock(&self.came).ready.is_empty()
    }

    fn bell(&self) -> &Bell {
        &self.bell
    }

    fn address(&self) -> usize {
        Arc::as_ptr(self).addr()
    }

    fn needs(&self, address: usize) -> bool {
        self.addresses.contains(&address)
    }

    fn comes_after(&self, running: &[usize]) -> bool {
        let came = lock(&self.came);
        let mut pending = self.addresses.iter().zip(&came.pending).filter(|(_, pending)| **pending);
        came.ready.is_empty() && pending.all(|(address, _)| running.contains(address))
    }
}

/// One handle of a group.
struct Member {
    index: usize,
    group: Arc<Group>,
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let group = &self.group;
        let ready = || {
            lock(&group.came).add(self.index);
            Some(())
        };
        let told = group.bell.ring(ready).map(|((), told)| told);
        if let Some(engine) = group.pool.upgrade() {
            // Nobody registers with a group.
            drop(engine.tell(told));
        }
    }
}
