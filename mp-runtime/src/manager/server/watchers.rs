//! Who watches entries of a dictionary: an event for each, which is set while there is a change that it has not fetched. So a
//! slow one costs the server nothing, and misses what was there in between. The dictionary is in `map`.

use super::Object;
use super::map::Entries;
use super::store::{Arguments, write_option};
use crate::error::Result;
use crate::manager::wire::{Message, watcher as method};
use crate::sync::Event;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

/// Those of one dictionary, by key.
#[derive(Debug, Default)]
pub(super) struct Watchers(HashMap<Box<[u8]>, Vec<Weak<Event>>>);

impl Watchers {
    /// The entry of that key has changed.
    #[inline]
    pub(super) fn tell(&self, key: &[u8]) {
        if !self.0.is_empty() {
            let watching = self.0.get(key).into_iter().flatten();
            watching.filter_map(Weak::upgrade).for_each(|event| event.set());
        }
    }

    /// The keys that are watched.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.keys().map(|key| &**key)
    }

    fn forget_gone(&mut self, key: &[u8]) {
        if let Some(watching) = self.0.get_mut(key) {
            watching.retain(|event| event.strong_count() > 0);
            if watching.is_empty() {
                self.0.remove(key);
            }
        }
    }
}

/// One who watches.
pub(super) struct Watcher {
    of: Rc<RefCell<Entries>>,
    key: Box<[u8]>,
    /// None while it is dropped.
    event: Option<Rc<Event>>,
}

impl Watcher {
    /// From now on.
    pub(super) fn new(of: &Rc<RefCell<Entries>>, key: &[u8]) -> Result<Self> {
        let (event, key) = (Rc::new(Event::new()?), Box::from(key));
        let watchers = &mut of.borrow_mut().watchers.0;
        watchers.entry(Box::clone(&key)).or_default().push(Rc::downgrade(&event));
        Ok(Self { of: Rc::clone(of), key, event: Some(event) })
    }
}

impl Object for Watcher {
    fn call(&mut self, method: u16, _: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        match (method, &self.event) {
            (method::FETCH, Some(event)) => {
                let changed = event.is_set();
                to.u8(changed.into());
                if !changed {
                    return Ok(());
                }
                event.clear();
                write_option(self.of.borrow().get(&self.key), to)
            }
            _ => Err(super::no_method(method)),
        }
    }

    fn hand_out(&self, answer: &mut Message) -> Result<()> {
        self.event.as_ref().map_or(Ok(()), |event| answer.value(&**event).map(drop))
    }

    fn end(&mut self) {
        self.event.iter().for_each(|event| event.set());
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.event = None;
        self.of.borrow_mut().watchers.forget_gone(&self.key);
    }
}
