//! What a child prints about itself: panics and errors, with the process's name, and why it could not start. Standard
//! output and error are the parent's own, and standard input is empty; both are set up at the start by `process::launch`.

use crate::error::Error;
use crate::identity;
use crate::task::run;
use std::io::Write;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

/// Puts the process's name before every panic message. A panic in a pooled task, or in a method of
/// a managed object, prints nothing: the error that its caller gets carries it.
pub(crate) fn begin() {
    // One that a fork server has forked has it from there.
    static BEGUN: AtomicBool = AtomicBool::new(false);
    if BEGUN.swap(true, Ordering::Relaxed) {
        return;
    }
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let identity = identity::current();
        if run::note_panic(info) && (identity.pooled || run::is_reported()) {
            return;
        }
        line(&format!("Process {}:\n", identity.name));
        default(info);
    }));
}

/// Says on standard error what keeps this process from its task.
pub(crate) fn complain(error: &Error) {
    say(&format!("{error:?}"));
}

/// Says something on standard error, after this process's name.
pub(crate) fn say(text: &str) {
    line(&format!("Process {}: {text}\n", identity::current().name));
}

fn line(text: &str) {
    // A closed or broken standard error is no reason to fail.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
