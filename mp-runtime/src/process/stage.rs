//! How far a `Process` has come: not yet started, started, closed; and how its `Debug` shows that.
//! What the child itself does is known to `children`.

use crate::error::signal_name;
use crate::process::Process;
use crate::process::children::Child;
use crate::task::Task;
use std::fmt;
use std::sync::Arc;

pub(super) enum Stage {
    Initial,
    /// From the start on, also when the child has ended.
    Started(Arc<Child>),
    /// What is still told of the child, if there was one.
    Closed {
        pid: Option<u32>,
        exit_code: Option<i32>,
    },
}

impl Stage {
    pub(super) fn is_alive(&self) -> bool {
        matches!(self, Self::Started(child) if child.exit_code().is_none())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Initial => None,
            Self::Started(child) => Some(child.pid()),
            Self::Closed { pid, .. } => *pid,
        }
    }

    pub(super) fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Initial => None,
            Self::Started(child) => child.exit_code(),
            Self::Closed { exit_code, .. } => *exit_code,
        }
    }

    /// Adds to what is shown of a process that `creator` has made.
    pub(super) fn show(&self, shown: &mut fmt::DebugStruct<'_, '_>, creator: u32) {
        if let Some(pid) = self.pid() {
            shown.field("pid", &pid);
        }
        let exit_code = self.exit_code();
        let state = match self {
            Self::Initial => "initial",
            Self::Started(_) if exit_code.is_none() => "started",
            Self::Started(_) => "stopped",
            Self::Closed { .. } => "closed",
        };
        shown.field("parent", &creator).field("state", &format_args!("{state}"));
        if let Some(code) = exit_code {
            match code.checked_neg().and_then(signal_name) {
                Some(signal) => shown.field("exit_code", &format_args!("-{signal}")),
                None => shown.field("exit_code", &code),
            };
        }
    }
}

impl<T: Task> fmt::Debug for Process<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Process");
        shown.field("name", &self.name);
        self.stage.show(&mut shown, self.creator);
        if self.daemon {
            shown.field("daemon", &true);
        }
        shown.field("task", &format_args!("{}", T::NAME)).finish()
    }
}
