//! The way of records out of this process: into a channel of the process that relays them, each before the program goes
//! on. So whatever becomes of this process then, they are there.

use crate::channel::{Sender, TrySendError};
use crate::codec;
use crate::log::record::Record;
use crate::sys::own;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How long a record waits for room. A program that takes none for so long hangs, perhaps because it waits for this process.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Way {
    to: Sender<Vec<u8>>,
    /// The same, for a child.
    told: Vec<u8>,
    /// How many records of this process found no room since the last that did.
    lost: AtomicU64,
}

impl Way {
    pub(super) fn new(to: Sender<Vec<u8>>, told: Vec<u8>) -> Self {
        Self { to, told, lost: AtomicU64::new(0) }
    }

    pub(super) fn told(&self) -> &[u8] {
        &self.told
    }

    /// Sends a record, waiting for room; not again before one has found some.
    pub(super) fn send(&self, record: &mut Record<'_>) {
        record.lost = self.lost.swap(0, Relaxed);
        let patience = if record.lost == 0 { PATIENCE } else { Duration::ZERO };
        let mut bytes = Vec::new();
        // Texts and numbers can be written, and if there is nobody left, nobody misses it.
        if codec::encode(record, &mut bytes).is_ok()
            && let Err(TrySendError::Full(_)) = self.to.send_timeout(bytes, patience)
        {
            self.lost.fetch_add(record.lost + 1, Relaxed);
            static TOLD: Once = Once::new();
            TOLD.call_once(|| own::at_exit(super::tell_missing));
        }
    }
    /// The process ends: tells how many of its records have found no room, if none that did has told since, and if
    /// there is room now.
    pub(super) fn end(&self) {
        let lost = self.lost.swap(0, Relaxed);
        let mut bytes = Vec::new();
        if let Some(record) = Record::missing(lost)
            && codec::encode(&record, &mut bytes).is_ok()
        {
            // Who takes none even now is told nothing.
            let _ = self.to.send_timeout(bytes, Duration::ZERO);
        }
    }
}
