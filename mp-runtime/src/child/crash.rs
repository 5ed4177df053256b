//! What a child says of its own crash: who, in which task, of what, and from where. How a crash is caught is in `sys::crash`.

use crate::error::signal_name;
use crate::identity;
use crate::sys::crash::{self, Cause, Crash, Line, Report};
use crate::task::current;
use std::backtrace::Backtrace;
use std::ffi::CStr;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// So many frames of a long backtrace are shown: that of an endless recursion repeats itself.
const MOST_FRAMES: usize = 50;

/// Has crashes of this child told on standard error from now on; with a backtrace, unless
/// `RUST_BACKTRACE=0` says that none is wanted.
pub(crate) fn begin() {
    // One that a fork server has forked has it from there, and is not to undo what a preload has set.
    static BEGUN: AtomicBool = AtomicBool::new(false);
    if !BEGUN.swap(true, Ordering::Relaxed) {
        // A child that cannot tell runs its task all the same.
        let _ = crash::install(Report { describe, backtrace });
    }
}

/// Runs inside a signal handler: all that it reads was made at the start.
fn describe(crash: &Crash, line: &mut Line) {
    // A line takes whatever it is given.
    let _ = write_description(crash, line);
}

fn write_description(crash: &Crash, line: &mut Line) -> std::fmt::Result {
    let name = first_bytes(&identity::current().name, 256);
    write!(line, "Process {name} (pid {}) crashed", std::process::id())?;
    match current::name() {
        Some(task) => write!(line, " in task {}", first_bytes(task, 1024))?,
        None => write!(line, " outside any task")?,
    }
    if let Some(thread) = &crash.thread
        && let Ok(Ok(thread)) = CStr::from_bytes_until_nul(thread).map(CStr::to_str)
    {
        write!(line, " (thread {thread})")?;
    }
    write!(line, ": ")?;
    if let Cause::StackOverflow(_) = crash.cause {
        write!(line, "stack overflow, ")?;
    }
    match signal_name(crash.signal) {
        Some(signal) => write!(line, "{signal}")?,
        None => write!(line, "signal {}", crash.signal)?,
    }
    match crash.cause {
        Cause::Address(at) | Cause::StackOverflow(at) => write!(line, " at address {at:#x}"),
        Cause::Sent(by) if by.cast_unsigned() != std::process::id() => {
            write!(line, " sent by process {by}")
        }
        Cause::Sent(_) | Cause::Untold => Ok(()),
    }
}

fn first_bytes(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn backtrace() -> String {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value == "0") {
        return String::new();
    }
    let whole = Backtrace::force_capture().to_string();
    let text = if own_frames_wanted() { whole } else { shorten(&whole) };
    format!("stack backtrace:\n{text}\n")
}

fn own_frames_wanted() -> bool {
    std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value == "full")
}

/// Leaves the frames from the crash up to where the task was called, and of many the first.
fn shorten(backtrace: &str) -> String {
    let mut frames: Vec<Vec<&str>> = Vec::new();
    for line in backtrace.lines() {
        match (numbered(line), frames.last_mut()) {
            (Some(name), _) => frames.push(vec![name]),
            (None, Some(frame)) => frame.push(line),
            (None, None) => {}
        }
    }
    let named =
        |frame: &Vec<&str>, names: &[&str]| names.iter().any(|name| frame[0].contains(name));
    // The handler's frame, and the one that the kernel has put between it and the crash.
    let handler = frames.iter().position(|frame| named(frame, &["sys::crash::on_crash"]));
    let crash = frames.split_off(handler.map_or(0, |at| at + 2).min(frames.len()));
    let callers =
        ["__rust_begin_short_backtrace", "mp_runtime::task::run::", "mp_runtime::task::Task for "];
    // The task may be inlined into what calls it.
    let end = crash.iter().skip(1).position(|frame| named(frame, &callers));
    let own = &crash[..end.map_or(crash.len(), |at| at + 1)];
    let mut text = String::new();
    for (number, frame) in own.iter().take(MOST_FRAMES).enumerate() {
        // The body of a task, which the macro has put into a function beside it.
        let frame = frame.join("\n").replace("_::__mp_body_", "");
        text += &format!("{number:4}: {frame}\n");
    }
    match own.len().saturating_sub(MOST_FRAMES) {
        0 => {}
        more => text += &format!("      and {more} frames more\n"),
    }
    // A crash in mp itself.
    if text.is_empty() { backtrace.to_owned() } else { text }
}

/// The name in the first line of a frame: "  12: name".
fn numbered(line: &str) -> Option<&str> {
    let (number, name) = line.trim_start().split_once(": ")?;
    number.parse::<u32>().is_ok().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{MOST_FRAMES, shorten};

    const OURS: &str = "   0: mp_runtime::child::crash::backtrace\n             at ./crash.rs:1:1\n   \
                        1: mp_runtime::sys::crash::on_crash\n   2: <unknown>\n";

    #[test]
    fn what_lies_between_handler_and_call_is_left() {
        let frames = "   3: a::b\n             at ./a.rs:2:3\n   4: a::_::__mp_body_task\n   5: a::_::<impl \
                      mp_runtime::task::Task for a::task>::__call\n   6: _start\n";
        let left = "   0: a::b\n             at ./a.rs:2:3\n   1: a::task\n";
        assert_eq!(shorten(&format!("{OURS}{frames}")), left);
    }

    #[test]
    fn the_first_frame_is_left_whatever_it_is() {
        let frames = "   3: a::_::<impl mp_runtime::task::Task for a::task>::__call\n   4: \
                      mp_runtime::task::run::run\n   5: _start\n";
        let left = "   0: a::_::<impl mp_runtime::task::Task for a::task>::__call\n";
        assert_eq!(shorten(&format!("{OURS}{frames}")), left);
    }

    #[test]
    fn a_program_without_symbols_has_them_all() {
        let frames = "   0: <unknown>\n   1: <unknown>\n   2: _start\n";
        assert_eq!(shorten(frames), frames);
        assert_eq!(shorten("no frames\n"), "no frames\n");
    }

    #[test]
    fn many_frames_are_counted() {
        let many: String = (0..200).map(|n| format!("{n:4}: a::b\n")).collect();
        let text = shorten(&many);
        assert_eq!(text.lines().count(), MOST_FRAMES + 1);
        assert!(text.ends_with("      and 150 frames more\n"), "{text}");
    }
}
