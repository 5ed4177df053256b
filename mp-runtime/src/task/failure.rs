//! Whether what a task returned is an `Err`, and how it reads: found out by its type, whatever name the signature gives it.
//! Who prints it is for `child`.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// What a task returned, for [`Shown`], [`Hidden`] and [`NoResult`]: called on `&&&Outcome`,
/// `failure` is the first of them that there is for the type.
#[derive(Debug)]
pub struct Outcome<'a, T>(pub &'a T);

/// An error that a task returned, as text.
pub type Failure = Option<String>;

/// A `Result` whose error can be shown.
pub trait Shown {
    /// The error, if it is one.
    fn failure(&self) -> Failure;
}

/// A `Result` whose error cannot be shown.
pub trait Hidden {
    /// The error, if it is one.
    fn failure(&self) -> Failure;
}

/// Anything else.
pub trait NoResult {
    /// The error, if it is one.
    fn failure(&self) -> Failure;
}

impl<T, E: Debug> Shown for &&Outcome<'_, Result<T, E>> {
    fn failure(&self) -> Failure {
        let error = self.0.as_ref().err()?;
        // The text is extra: a panic on the way to it does not cost the value.
        let text = catch_unwind(AssertUnwindSafe(|| format!("{error:?}")));
        Some(text.unwrap_or_else(|_| "an error whose Debug panics".to_owned()))
    }
}

impl<T, E> Hidden for &Outcome<'_, Result<T, E>> {
    fn failure(&self) -> Failure {
        self.0.as_ref().err()?;
        Some("an error whose type has no Debug".to_owned())
    }
}

impl<T> NoResult for Outcome<'_, T> {
    fn failure(&self) -> Failure {
        None
    }
}

/// What the task of this process, which runs one, has returned as an error.
static RETURNED: Mutex<Failure> = Mutex::new(None);

pub(super) fn note(failure: Failure) {
    *RETURNED.lock().unwrap_or_else(PoisonError::into_inner) = failure;
}

/// The error that the task has returned, once.
pub(crate) fn take() -> Failure {
    RETURNED.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[cfg(test)]
mod tests {
    use super::{Failure, Hidden as _, NoResult as _, Outcome, Shown as _};
    use std::fmt::{Debug, Formatter};

    struct Mute;
    struct Fussy;
    type Alias<T> = Result<T, String>;

    impl Debug for Fussy {
        fn fmt(&self, _: &mut Formatter<'_>) -> std::fmt::Result {
            panic!("as planned");
        }
    }

    /// As the macro writes it, for a type that it does not know.
    macro_rules! failure {
        ($value:expr) => {{
            let failure: Failure = (&&&Outcome(&$value)).failure();
            failure
        }};
    }

    #[test]
    fn an_error_reads_as_its_debug() {
        assert_eq!(failure!(Err::<i32, _>("no")).as_deref(), Some("\"no\""));
        let alias: Alias<i32> = Err("no".to_owned());
        assert_eq!(failure!(alias).as_deref(), Some("\"no\""));
        assert!(failure!(Err::<i32, _>(Mute)).is_some_and(|text| text.contains("no Debug")));
        assert!(failure!(Err::<i32, _>(Fussy)).is_some_and(|text| text.contains("panics")));
    }

    #[test]
    fn anything_else_is_no_failure() {
        assert_eq!(failure!(Ok::<i32, &str>(5)), None);
        assert_eq!(failure!(Ok::<i32, Mute>(5)), None);
        assert_eq!(failure!(None::<i32>), None);
        assert_eq!(failure!(()), None);
        assert_eq!(failure!(Mute), None);
    }
}
