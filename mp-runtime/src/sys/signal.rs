//! Signal numbers used here, and the few dispositions that children set. Handlers of users are never touched.
#![expect(unsafe_code, reason = "installs signal handlers")]

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::io;

pub(crate) const SIGINT: i32 = libc::SIGINT;
pub(crate) const SIGKILL: i32 = libc::SIGKILL;
pub(crate) const SIGTERM: i32 = libc::SIGTERM;

/// The signals by which people end programs.
pub(crate) const ENDING: [i32; 5] =
    [libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];

extern "C" fn nothing(_: libc::c_int) {}

/// Makes SIGINT do nothing here, and unblocks it; programs started from here get its default action back, which
/// they would not if it were ignored.
pub(crate) fn disregard_interrupt() -> io::Result<()> {
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: `nothing` touches nothing, so it may run at any point of any thread.
    unsafe { sigaction(Signal::SIGINT, &action) }?;
    Ok(SigSet::from(Signal::SIGINT).thread_unblock()?)
}

/// Blocks no signal of this thread but, if told so, SIGINT.
pub(crate) fn set_mask(interruptible: bool) -> io::Result<()> {
    let mut mask = SigSet::empty();
    if !interruptible {
        mask.add(Signal::SIGINT);
    }
    Ok(mask.thread_set_mask()?)
}

/// Makes a write to a pipe without reader an error, as the start of every Rust program does.
pub(crate) fn ignore_broken_pipe() -> io::Result<()> {
    let action = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: ignoring a signal runs no code.
    unsafe { sigaction(Signal::SIGPIPE, &action) }?;
    Ok(())
}

/// Has the signals by which people end programs do nothing here, but SIGKILL.
pub(crate) fn ignore_ending() -> io::Result<()> {
    let action = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    for number in ENDING.into_iter().filter(|number| *number != SIGKILL) {
        // SAFETY: ignoring a signal runs no code.
        unsafe { sigaction(Signal::try_from(number)?, &action) }?;
    }
    Ok(())
}
