//! Threads that work for somebody elsewhere, such as the other end of a connection, and wait for nothing any more when that one is
//! gone: those who wait ask here when they look again. Who that is is for the callers.

use std::cell::RefCell;
use std::marker::PhantomData;

type Gone = Box<dyn Fn() -> bool>;

thread_local! {
    static FOR: RefCell<Option<Gone>> = const { RefCell::new(None) };
}

/// This thread works for somebody, until this is dropped.
#[must_use = "it works for somebody only as long as this is there"]
#[derive(Debug)]
pub(crate) struct Working(PhantomData<*const ()>);

/// Has this thread work for somebody of whom `is_gone` says whether they are gone.
pub(crate) fn work_for(is_gone: impl Fn() -> bool + 'static) -> Working {
    FOR.set(Some(Box::new(is_gone)));
    Working(PhantomData)
}

impl Drop for Working {
    fn drop(&mut self) {
        FOR.set(None);
    }
}

/// Whether this thread works for somebody who is gone.
pub(crate) fn is_abandoned() -> bool {
    FOR.with_borrow(|gone| gone.as_ref().is_some_and(|is_gone| is_gone()))
}
