//! What `tracing` and `log` know of us in a process that has nothing else: it makes records of events. Spans are no
//! records; they cost nothing there.

use crate::log::record::Record;
use crate::log::{LogLevel, deliver, own_level, relay};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{self, Interest, NoSubscriber};
use tracing::{Event, Metadata, Subscriber, callsite, dispatcher, span};

/// Whether it is this process's subscriber, and its logger.
static SUBSCRIBES: AtomicBool = AtomicBool::new(false);
static LOGS: AtomicBool = AtomicBool::new(false);

struct Ours;

/// Has records of this process go where they are asked for, unless it has a subscriber, or a logger, of its own.
pub(crate) fn install() {
    if own_level().is_none() {
        return;
    }
    subscribe();
    if !LOGS.load(Relaxed) && ::log::set_logger(&Ours).is_ok() {
        LOGS.store(true, Relaxed);
    }
    refresh();
}

/// Has events of this process come here; false if it has a subscriber of its own.
pub(super) fn subscribe() -> bool {
    if !SUBSCRIBES.load(Relaxed) && subscriber::set_global_default(Ours).is_ok() {
        SUBSCRIBES.store(true, Relaxed);
    }
    SUBSCRIBES.load(Relaxed)
}

/// Makes a change of levels known.
pub(super) fn refresh() {
    callsite::rebuild_interest_cache();
    if LOGS.load(Relaxed) {
        let level = own_level().map(|level| level.to_log().to_level_filter());
        ::log::set_max_level(level.unwrap_or(::log::LevelFilter::Off));
    }
}

/// Runs what may set a subscriber of the user's, which can be done once in a process: on this thread ours is there
/// meanwhile. [`install`] is for afterwards.
pub(crate) fn during<R>(f: impl FnOnce() -> R) -> R {
    let has_one = dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>());
    if own_level().is_none() || has_one {
        return f();
    }
    subscriber::with_default(Ours, f)
}

fn wants(level: LogLevel) -> bool {
    own_level().is_some_and(|most| level <= most)
}

impl Subscriber for Ours {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_event() && wants(LogLevel::of_tracing(*metadata.level())) {
            // What is relayed here was printed by the process that made it.
            true => Interest::sometimes(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = LogLevel::of_tracing(*metadata.level());
        metadata.is_event() && wants(level) && !relay::is_current_thread()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(own_level().map_or(LevelFilter::OFF, |level| level.to_tracing().into()))
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        // None is enabled.
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        deliver(Record::of_event(event));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl ::log::Log for Ours {
    fn enabled(&self, metadata: &::log::Metadata<'_>) -> bool {
        wants(LogLevel::of_log(metadata.level())) && !relay::is_current_thread()
    }

    fn log(&self, record: &::log::Record<'_>) {
        if ::log::Log::enabled(self, record.metadata()) {
            deliver(Record::of_log(record));
        }
    }

    fn flush(&self) {}
}
