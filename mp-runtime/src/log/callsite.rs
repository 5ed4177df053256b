//! Events that were made in other processes, made again here. `tracing` wants for each a description that lives as long
//! as the program: one is made for each place that has logged, and kept. Since a child is the same program, there are
//! not more of these than in the program itself.

use crate::log::LogLevel;
use crate::log::record::{Field, Record, Value};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::OnceLock;
use tracing::callsite::{self, Callsite, Identifier};
use tracing::field::{self, FieldSet};
use tracing::level_filters::LevelFilter;
use tracing::metadata::Kind;
use tracing::subscriber::{Interest, NoSubscriber};
use tracing::{Dispatch, Event, Metadata, dispatcher};

/// Beyond so many descriptions, which only targets can make that are made up as the program runs, records have one of
/// few, and their target as a field.
const MOST: usize = 4096;
/// What `tracing` allows.
const MOST_FIELDS: usize = 32;

/// What distinguishes events of one place from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    level: LogLevel,
    name: String,
    target: String,
    module: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    fields: Vec<String>,
}

#[derive(Default)]
pub(super) struct Callsites(HashMap<Place, &'static Relayed>);

/// The description of a place.
struct Relayed(OnceLock<Metadata<'static>>);

impl Callsite for Relayed {
    // The subscriber is asked each time.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().expect("it is set before anybody has this")
    }
}

impl Callsites {
    /// Gives a record to this thread's subscriber, or without one to the logger.
    pub(super) fn emit(&mut self, record: &Record<'_>) {
        dispatcher::get_default(|dispatch| match dispatch.is::<NoSubscriber>() {
            true => log(record),
            false => self.dispatch(record, dispatch),
        });
    }

    fn dispatch(&mut self, record: &Record<'_>, dispatch: &Dispatch) {
        if record.level.to_tracing() > LevelFilter::current() {
            return;
        }
        let place = self.of(record);
        let metadata = place.0.get().expect("it is set");
        if !dispatch.enabled(metadata) {
            return;
        }
        let own = record.fields.iter().take(MOST_FIELDS - 2);
        let mut values: Vec<Box<dyn tracing::Value + '_>> = match metadata.target() == record.target
        {
            true => own.map(value).collect(),
            false => vec![Box::new(field::display(record)), Box::new(record.target)],
        };
        values.push(Box::new(record.process));
        values.push(Box::new(u64::from(record.pid)));
        let fields: Vec<field::Field> = metadata.fields().iter().collect();
        let Some(first) = fields.first() else { return };
        let mut all: [(&field::Field, Option<&dyn tracing::Value>); MOST_FIELDS] =
            [(first, None); MOST_FIELDS];
        for (place, (field, value)) in all.iter_mut().zip(fields.iter().zip(&values)) {
            *place = (field, Some(&**value));
        }
        dispatch.event(&Event::new(metadata, &metadata.fields().value_set(&all)));
    }

    /// The description of where it was made.
    fn of(&mut self, record: &Record<'_>) -> &'static Relayed {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let place = Place {
            level: record.level,
            name: record.name.to_owned(),
            target: record.target.to_owned(),
            module: owned(record.module),
            file: owned(record.file),
            line: record.line,
            fields: record.fields.iter().map(|field| field.name.to_owned()).collect(),
        };
        if let Some(known) = self.0.get(&place) {
            return known;
        }
        let place = if self.0.len() < MOST { place } else { Place::any(record.level) };
        self.0.entry(place.clone()).or_insert_with(|| place.leak())
    }
}

impl Place {
    fn any(level: LogLevel) -> Self {
        let (name, target) = ("record".to_owned(), "mp::records".to_owned());
        let fields = ["message", "target"].map(str::to_owned).to_vec();
        Self { level, name, target, module: None, file: None, line: None, fields }
    }

    /// Makes the description.
    fn leak(self) -> &'static Relayed {
        let text = |text: String| &*text.leak();
        let mut fields: Vec<&'static str> = self.fields.into_iter().map(text).collect();
        fields.truncate(MOST_FIELDS - 2);
        fields.extend(["process.name", "process.pid"]);
        let relayed: &'static Relayed = Box::leak(Box::new(Relayed(OnceLock::new())));
        let metadata = Metadata::new(
            text(self.name),
            text(self.target),
            self.level.to_tracing(),
            self.file.map(text),
            self.line,
            self.module.map(text),
            FieldSet::new(fields.leak(), Identifier(relayed)),
            Kind::EVENT,
        );
        relayed.0.get_or_init(|| metadata);
        callsite::register(relayed);
        relayed
    }
}

fn value<'a>(field: &'a Field<'_>) -> Box<dyn tracing::Value + 'a> {
    match &field.value {
        Value::Text(text) => Box::new(text.as_str()),
        Value::Shown(text) => Box::new(field::display(text)),
        Value::Signed(value) => Box::new(*value),
        Value::Unsigned(value) => Box::new(*value),
        Value::Float(value) => Box::new(*value),
        Value::Bool(value) => Box::new(*value),
    }
}

/// Gives a record to the logger of `log`, which knows no fields: they are in the text.
fn log(record: &Record<'_>) {
    let level = record.level.to_log();
    let metadata = ::log::Metadata::builder().level(level).target(record.target).build();
    if level > ::log::max_level() || !::log::logger().enabled(&metadata) {
        return;
    }
    let mut text = record.to_string();
    // A String takes whatever it is given.
    let _ = write!(text, " process.name={:?} process.pid={}", record.process, record.pid);
    ::log::logger().log(
        &::log::Record::builder()
            .metadata(metadata)
            .args(format_args!("{text}"))
            .module_path(record.module)
            .file(record.file)
            .line(record.line)
            .build(),
    );
}

#[cfg(test)]
mod tests {
    use super::Callsites;
    use crate::log::LogLevel;
    use crate::log::record::{Field, Record, Value};
    use std::io::{self, Write};
    use std::sync::Mutex;

    static SHOWN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    struct Shown;

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            SHOWN.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn record<'a>(fields: Vec<Field<'a>>) -> Record<'a> {
        Record {
            level: LogLevel::Info,
            name: "an event",
            target: "some::target",
            module: None,
            file: None,
            line: None,
            process: "Process-1",
            pid: 7,
            lost: 0,
            fields,
        }
    }

    #[test]
    fn bey_52_what_no_event_can_be_is_none_or_a_part_of_it() {
        let subscriber = tracing_subscriber::fmt().with_writer(|| Shown).without_time().finish();
        let number = |name| Field { name, value: Value::Unsigned(1) };
        let text = |name| Field { name, value: Value::Shown("a text".to_owned()) };
        tracing::subscriber::with_default(subscriber, || {
            let mut callsites = Callsites::default();
            for _ in 0..2 {
                callsites.emit(&record(vec![text("message"), number("n")]));
            }
            assert_eq!(callsites.0.len(), 1);
            // More than there may be, of one name, without a name, and ours.
            callsites.emit(&record((0..100).map(|_| number("n")).collect()));
            callsites.emit(&record(vec![number(""), number("process.pid"), text("message")]));
            callsites.emit(&record(Vec::new()));
        });
        let shown = String::from_utf8(SHOWN.lock().unwrap().clone()).unwrap();
        let own = "process.name=\"Process-1\" process.pid=7";
        let lines: Vec<&str> = shown.lines().collect();
        let first = format!(" INFO some::target: a text n=1 {own}");
        assert_eq!(lines[..2], [&first, &first]);
        assert_eq!(lines[2], format!(" INFO some::target: {}{own}", "n=1 ".repeat(30)));
        assert!(lines.iter().all(|line| line.ends_with(own)), "{shown}");
        assert_eq!(lines.len(), 5);
    }
}
