//! Logging: what processes print of their records, what they send to their parent, and what becomes of it at each end.
//! How records are made into lines and bytes is tested beside that, in `mp-runtime`.

#[path = "../support/mod.rs"]
mod support;

mod arriving;
mod deaths;
mod fields;
mod footprint;
mod own;
mod printed;
mod steps;
mod subscriber;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

/// The upper bound of what may take a while.
const LONG: Duration = Duration::from_secs(30);
/// For tests that wait for the library to lose its patience.
const VERY_LONG: Duration = Duration::from_secs(100);

/// An event that the subscriber of these tests has had.
#[derive(Clone, Debug)]
struct Seen {
    level: tracing::Level,
    target: String,
    place: (Option<String>, Option<u32>),
    fields: BTreeMap<&'static str, String>,
}

impl Seen {
    fn text(&self) -> &str {
        self.fields.get("message").map_or("", String::as_str)
    }

    /// The process that it comes from; none for one of this process's own.
    fn process(&self) -> Option<&str> {
        self.fields.get("process.name").map(String::as_str)
    }
}

static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

/// All that was seen until now.
fn seen() -> MutexGuard<'static, Vec<Seen>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The texts that came from processes of that name, without the library's own.
fn texts_of(process: &str) -> Vec<String> {
    let from = |seen: &&Seen| seen.process() == Some(process) && !seen.target.starts_with("mp::");
    seen().iter().filter(from).map(|seen| seen.text().to_owned()).collect()
}

/// Keeps what it sees, up to that level; `first` is called before that, with the text of each event that came from
/// another process.
struct Keeps {
    most: tracing::Level,
    first: fn(&str),
}

impl Keeps {
    fn up_to(most: tracing::Level) -> Self {
        Self { most, first: |_| {} }
    }
}

/// The values as text, with the kind of those that are not shown by Debug.
#[derive(Default)]
struct Values(BTreeMap<&'static str, String>);

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name(), format!("i64 {value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), format!("u64 {value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), format!("f64 {value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name(), format!("bool {value}"));
    }
}

impl Subscriber for Keeps {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut values = Values::default();
        event.record(&mut values);
        let metadata = event.metadata();
        let place = (metadata.file().map(str::to_owned), metadata.line());
        let (level, target) = (*metadata.level(), metadata.target().to_owned());
        let event = Seen { level, target, place, fields: values.0 };
        if event.process().is_some() {
            (self.first)(event.text());
        }
        seen().push(event);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Sets the subscriber of these tests as this program's, and has children's records come to it.
fn keep_and_forward(level: mp::LogLevel) {
    let keeps = Keeps::up_to(tracing::Level::TRACE);
    tracing::subscriber::set_global_default(keeps).expect("there is none");
    mp::forward_logs(level).expect("there is memory");
}

/// Logs that, by both crates, at all levels.
#[mp::task]
fn say(text: &str) {
    tracing::trace!("{text}, traced");
    tracing::debug!("{text}, debugged");
    tracing::info!("{text}, told");
    log::info!("{text}, logged");
    log::debug!("{text}, logged in detail");
    tracing::error!("{text}, failed");
}

/// Logs so many numbered lines.
#[mp::task]
fn log_lines(lines: u32) {
    (0..lines).for_each(|line| tracing::info!("line {line}"));
}

/// What `log_lines` logs.
fn lines(lines: u32) -> Vec<String> {
    (0..lines).map(|line| format!("line {line}")).collect()
}
