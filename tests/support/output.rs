//! What a scenario writes: drained by a thread, so that its pipes never fill, and searched by line.
//! Knows nothing of processes; `running` waits for those.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// The line after which a scenario's own output begins; what libtest printed stands before it.
pub const BEGIN: &str = "\n\u{1}the scenario begins\n";

/// Why a line did not come.
#[derive(Debug)]
pub enum Missing {
    /// The output ended: nobody is left who could write the line.
    Ended,
    /// The time was up.
    Late,
}

#[derive(Default)]
struct State {
    /// What came before `BEGIN`, or everything when `BEGIN` never came.
    before: Vec<u8>,
    text: Vec<u8>,
    begun: bool,
    ended: bool,
    /// Where the lines start that were already handed out.
    taken: BTreeSet<usize>,
}

impl State {
    fn add(&mut self, bytes: &[u8]) {
        if self.begun {
            self.text.extend_from_slice(bytes);
            return;
        }
        self.before.extend_from_slice(bytes);
        let begin = BEGIN.as_bytes();
        if let Some(at) = self.before.windows(begin.len()).position(|window| window == begin) {
            self.text = self.before.split_off(at + begin.len());
            self.before.truncate(at);
            self.begun = true;
        }
    }

    /// Takes the first line that starts with `prefix` and was not taken before; gives what follows.
    fn take_line(&mut self, prefix: &str) -> Option<String> {
        let mut start = 0;
        for line in self.text.split_inclusive(|byte| *byte == b'\n') {
            let whole = line.ends_with(b"\n") || self.ended;
            if whole && line.starts_with(prefix.as_bytes()) && self.taken.insert(start) {
                let rest = String::from_utf8_lossy(&line[prefix.len()..]);
                return Some(rest.trim_end_matches('\n').to_owned());
            }
            start += line.len();
        }
        None
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One drained stream. Its thread ends when the last writer has closed it.
pub struct Output {
    shared: Arc<Shared>,
    link: String,
}

impl Output {
    /// Drains a stream; where it is `marked`, its text counts from `BEGIN` on.
    pub fn drain(mut stream: impl Read + AsFd + Send + 'static, marked: bool) -> Self {
        let descriptor = format!("/proc/self/fd/{}", stream.as_fd().as_raw_fd());
        let link = std::fs::read_link(descriptor).expect("the stream is open");
        let shared = Arc::new(Shared::default());
        shared.lock().begun = !marked;
        let output =
            Self { shared: Arc::clone(&shared), link: link.to_string_lossy().into_owned() };
        thread::spawn(move || {
            let mut bytes = [0; 8192];
            loop {
                let read = match stream.read(&mut bytes) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    read => read.unwrap_or(0),
                };
                let mut state = shared.lock();
                state.add(&bytes[..read]);
                state.ended = read == 0;
                shared.changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        output
    }

    /// How `/proc/PID/fd` shows the pipe of this stream.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Waits until the scenario's own output begins.
    pub fn wait_begin(&self, deadline: Instant) -> Result<(), Missing> {
        self.wait(deadline, |state| state.begun.then_some(()))
    }

    /// Waits until nobody has the stream open for writing any more; false when the deadline came first.
    pub fn wait_end(&self, deadline: Instant) -> bool {
        self.wait(deadline, |state| state.ended.then_some(())).is_ok()
    }

    /// Waits for a further line that starts with `prefix`; gives what follows the prefix.
    pub fn wait_line(&self, prefix: &str, deadline: Instant) -> Result<String, Missing> {
        self.wait(deadline, |state| state.take_line(prefix))
    }

    /// What was written so far. What came before the beginning, if it never began.
    pub fn text(&self) -> String {
        let state = self.shared.lock();
        let bytes = if state.begun { &state.text } else { &state.before };
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn wait<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Missing> {
        let mut state = self.shared.lock();
        loop {
            if let Some(found) = look(&mut state) {
                return Ok(found);
            }
            if state.ended {
                return Err(Missing::Ended);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Missing::Late);
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
