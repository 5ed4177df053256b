//! Who calls: this process and this thread, as locks know their owners, and who is alive. What a lock does with it is in
//! `raw`.

use crate::commons::{self, Number};
use crate::error::Result;
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// The caller, as an owner of locks.
#[derive(Clone, Copy)]
pub(crate) struct Me<'a> {
    number: u32,
    thread: u32,
    is_alive: &'a dyn Fn(u32) -> bool,
}

impl<'a> Me<'a> {
    /// `number` is that of the process in its tree, from 1 and below 2^31; `thread` that of the thread in the process.
    pub(crate) fn new(number: u32, thread: u32, is_alive: &'a dyn Fn(u32) -> bool) -> Self {
        Self { number, thread, is_alive }
    }

    #[inline]
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Process and thread in one.
    #[inline]
    pub(crate) fn holder(&self) -> u64 {
        u64::from(self.number) << 32 | u64::from(self.thread)
    }

    /// Whether the process of this number lives; nobody has the number 0.
    pub(crate) fn sees_alive(&self, number: u32) -> bool {
        number == self.number || number != 0 && (self.is_alive)(number)
    }
}

impl fmt::Debug for Me<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Me").field("number", &self.number).field("thread", &self.thread).finish()
    }
}

/// The number of the calling thread: given once in a process, unlike the kernel's, and without a
/// system call.
#[inline]
pub(crate) fn thread_number() -> u32 {
    thread_local! {
        static NUMBER: Cell<u32> = const { Cell::new(0) };
    }
    NUMBER.with(|number| match number.get() {
        0 => {
            static LAST: AtomicU32 = AtomicU32::new(0);
            let new = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
            number.set(new);
            new
        }
        known => known,
    })
}

/// The caller, in the tree of processes that it is part of.
///
/// # Errors
///
/// If this process cannot be entered in it.
#[inline]
pub(crate) fn me() -> Result<Me<'static>> {
    static IS_ALIVE: fn(u32) -> bool =
        |number| Number::from_raw(number).is_some_and(commons::is_alive);
    Ok(Me::new(commons::own()?.get(), thread_number(), &IS_ALIVE))
}
