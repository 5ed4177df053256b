//! What is published in a server: values by name, each with what it is, so that other programs find them.

use super::store::{Arguments, Stored};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::wire::Message;
use std::collections::BTreeMap;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, (String, Stored)>);

impl Names {
    pub(super) fn publish(&mut self, call: &mut Arguments<'_>) -> Result<()> {
        let (name, of) = (call.reader.text()?.to_owned(), call.reader.text()?.to_owned());
        let value = call.value()?;
        if self.0.contains_key(&name) {
            let text = format!("something is published as {name:?} already: unpublish that first");
            return Err(Error::new(ErrorKind::AlreadyExists, text));
        }
        self.0.insert(name, (of, value));
        Ok(())
    }

    pub(super) fn unpublish(&mut self, call: &mut Arguments<'_>) -> Result<()> {
        let name = call.reader.text()?;
        self.0.remove(name).map(drop).ok_or_else(|| missing(name))
    }

    pub(super) fn find(&self, call: &mut Arguments<'_>, answer: &mut Message) -> Result<()> {
        let (name, wanted) = (call.reader.text()?, call.reader.text()?);
        let (of, value) = self.0.get(name).ok_or_else(|| missing(name))?;
        if of != wanted {
            let text = format!("{name:?} is published as `{of}`, and not as `{wanted}`");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        value.write(answer)
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("nothing is published as {name:?}"))
}
