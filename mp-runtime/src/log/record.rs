//! A record: what was logged, where in the program, and by which process; made of an event of `tracing` or a record of
//! `log`, and sent as bytes. What becomes of it is for the sinks.

use crate::identity;
use crate::log::LogLevel;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};
use tracing::field::Visit;

/// The field that is the text of a record.
const MESSAGE: &str = "message";
/// Whoever receives a record adds two fields, and no event has more than 32.
pub(super) const MOST: usize = 30;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record<'a> {
    pub(super) level: LogLevel,
    pub(super) name: &'a str,
    pub(super) target: &'a str,
    #[serde(borrow)]
    pub(super) module: Option<&'a str>,
    #[serde(borrow)]
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
    /// The process that made it.
    pub(super) process: &'a str,
    pub(super) pid: u32,
    /// How many of that process's records are missing before this one.
    pub(super) lost: u64,
    #[serde(borrow)]
    pub(super) fields: Vec<Field<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) value: Value,
}

/// A value of a field. What is more than that comes as the text that it is shown by.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Value {
    Text(String),
    Shown(String),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
}

impl<'a> Record<'a> {
    pub(super) fn of_event(event: &tracing::Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        let mut record = Self {
            level: LogLevel::of_tracing(*metadata.level()),
            name: metadata.name(),
            target: metadata.target(),
            module: metadata.module_path(),
            file: metadata.file(),
            line: metadata.line(),
            process: &identity::current().name,
            pid: std::process::id(),
            lost: 0,
            fields: fields.0,
        };
        record.join_surplus();
        record
    }

    pub(super) fn of_log(record: &'a ::log::Record<'_>) -> Self {
        Self {
            name: "log record",
            target: record.target(),
            module: record.module_path(),
            file: record.file(),
            line: record.line(),
            ..Self::plain(LogLevel::of_log(record.level()), record.args().to_string())
        }
    }

    /// What says how many are missing before this one; none if none are.
    pub(super) fn missing_before(&self) -> Option<Self> {
        let (process, pid) = (self.process, self.pid);
        Self::missing(self.lost).map(|record| Self { process, pid, ..record })
    }

    /// What says that so many of this process's are missing; none if none are.
    pub(super) fn missing(lost: u64) -> Option<Self> {
        let text = format!("{lost} records of this process are missing here");
        (lost != 0).then(|| Self::plain(LogLevel::Warn, text))
    }

    /// A record of nothing but a text.
    fn plain(level: LogLevel, text: String) -> Self {
        Self {
            level,
            name: "record",
            target: "mp",
            module: None,
            file: None,
            line: None,
            process: &identity::current().name,
            pid: std::process::id(),
            lost: 0,
            fields: vec![Field { name: MESSAGE, value: Value::Shown(text) }],
        }
    }

    /// Makes one of the fields that are too many.
    fn join_surplus(&mut self) {
        if self.fields.len() <= MOST {
            return;
        }
        let mut more = String::new();
        for field in self.fields.drain(MOST - 1..) {
            // A String takes whatever it is given.
            let _ = write!(more, "{}={} ", field.name, field.value);
        }
        let value = Value::Shown(more.trim_end().to_owned());
        self.fields.push(Field { name: "more", value });
    }
}

/// Its text: the message, then the other fields.
impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, others): (Vec<_>, Vec<_>) =
            self.fields.iter().partition(|field| field.name == MESSAGE);
        let mut between = "";
        for field in messages {
            match &field.value {
                Value::Text(text) => f.write_str(text)?,
                value => write!(f, "{value}")?,
            }
            between = " ";
        }
        for Field { name, value } in others {
            write!(f, "{between}{name}={value}")?;
            between = " ";
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Shown(text) => f.write_str(text),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
        }
    }
}

/// Collects the fields of an event.
struct Fields<'a>(Vec<Field<'a>>);

impl Fields<'_> {
    fn add(&mut self, field: &tracing::field::Field, value: Value) {
        self.0.push(Field { name: field.name(), value });
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.add(field, Value::Shown(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.add(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &tracing::field::Field, value: i64) {
        self.add(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        self.add(field, Value::Unsigned(value));
    }

    fn record_f64(&mut self, field: &tracing::field::Field, value: f64) {
        self.add(field, Value::Float(value));
    }

    fn record_bool(&mut self, field: &tracing::field::Field, value: bool) {
        self.add(field, Value::Bool(value));
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, MOST, Record, Value};
    use crate::codec;
    use crate::log::LogLevel;

    #[test]
    fn a_record_comes_back_from_its_bytes() {
        let mut record = Record::plain(LogLevel::Warn, "a text".to_owned());
        record.file = Some("here.rs");
        let values = [
            Value::Text("quoted".to_owned()),
            Value::Signed(-1),
            Value::Unsigned(u64::MAX),
            Value::Float(0.5),
            Value::Bool(true),
        ];
        record.fields.extend(values.map(|value| Field { name: "field", value }));
        let mut bytes = Vec::new();
        codec::encode(&record, &mut bytes).unwrap();
        let back: Record<'_> = codec::decode(&bytes).unwrap();
        let text =
            format!("a text field=\"quoted\" field=-1 field={} field=0.5 field=true", u64::MAX);
        assert_eq!(back.to_string(), text);
        assert_eq!(
            (back.level, back.file, back.pid),
            (LogLevel::Warn, Some("here.rs"), record.pid)
        );
    }

    #[test]
    fn fields_that_are_too_many_become_one() {
        let mut record = Record::plain(LogLevel::Info, "a text".to_owned());
        record.fields.extend((0..40).map(|_| Field { name: "n", value: Value::Unsigned(7) }));
        record.join_surplus();
        assert_eq!(record.fields.len(), MOST);
        assert_eq!(record.to_string().matches("n=7").count(), 40);
    }
}
