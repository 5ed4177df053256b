//! How much is logged: the five levels that `tracing` and `log` have in common. Who goes by them is in `log`.

use crate::error::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A level of records, and with it all that are more important: [`Info`](Self::Info) stands for errors, warnings
/// and information.
///
/// # Examples
///
/// ```
/// assert!(mp::LogLevel::Error < mp::LogLevel::Trace);
/// assert_eq!("info".parse::<mp::LogLevel>()?, mp::LogLevel::Info);
/// assert_eq!(mp::LogLevel::Warn.to_string(), "WARN");
/// # Ok::<(), mp::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LogLevel {
    /// What has failed.
    Error,
    /// What may be wrong.
    Warn,
    /// What goes on; of the library's own records, the start and the end of each process.
    Info,
    /// How; of the library's own, the steps of pools.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    pub(super) const ALL: [Self; 5] =
        [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    pub(super) fn of_tracing(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }

    pub(super) fn to_tracing(self) -> tracing::Level {
        match self {
            Self::Error => tracing::Level::ERROR,
            Self::Warn => tracing::Level::WARN,
            Self::Info => tracing::Level::INFO,
            Self::Debug => tracing::Level::DEBUG,
            Self::Trace => tracing::Level::TRACE,
        }
    }

    pub(super) fn of_log(level: ::log::Level) -> Self {
        match level {
            ::log::Level::Error => Self::Error,
            ::log::Level::Warn => Self::Warn,
            ::log::Level::Info => Self::Info,
            ::log::Level::Debug => Self::Debug,
            ::log::Level::Trace => Self::Trace,
        }
    }

    pub(super) fn to_log(self) -> ::log::Level {
        match self {
            Self::Error => ::log::Level::Error,
            Self::Warn => ::log::Level::Warn,
            Self::Info => ::log::Level::Info,
            Self::Debug => ::log::Level::Debug,
            Self::Trace => ::log::Level::Trace,
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for LogLevel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = |level: &Self| level.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or_else(|| {
            let text =
                format!("{text:?} is no level of logging: error, warn, info, debug or trace");
            Error::new(ErrorKind::InvalidArgument, text)
        })
    }
}
