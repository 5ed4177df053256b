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
pub(super) struct Watchers(HashMap<Box<[u8]>, OfKey>);

#[derive(Debug, Default)]
struct OfKey {
    events: Vec<Weak<Event>>,
    /// How many of these are gone.
    gone: usize,
}

impl Watchers {
    /// The entry of that key has changed.
    #[inline]
    pub(super) fn tell(&self, key: &[u8]) {
        if !self.0.is_empty() {
            let watching = self.0.get(key).into_iter().flat_map(|of| &of.events);
            watching.filter_map(Weak::upgrade).for_each(|event| event.set());
        }
    }

    /// The keys that are watched.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.keys().map(|key| &**key)
    }

    /// One of that key's is gone. They are looked through when half of them are: thousands may go at once.
    fn forget_one(&mut self, key: &[u8]) {
        let Some(OfKey { events, gone }) = self.0.get_mut(key) else { return };
        *gone += 1;
        if *gone == events.len() {
            self.0.remove(key);
        } else if *gone > events.len() / 2 {
            events.retain(|event| event.strong_count() > 0);
            *gone = 0;
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
        watchers.entry(Box::clone(&key)).or_default().events.push(Rc::downgrade(&event));
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
        self.of.borrow_mut().watchers.forget_one(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::Watchers;
    use crate::sync::Event;
    use std::rc::Rc;
    use std::time::{Duration, Instant};

    #[test]
    fn bey_43_thousands_who_watch_a_key_go_at_once() {
        let (event, key) = (Event::new().unwrap(), b"key");
        let mut all: Vec<Rc<Event>> = (0..100_000).map(|_| Rc::new(event.clone())).collect();
        let mut watchers = Watchers::default();
        let of_key = watchers.0.entry(Box::from(&key[..])).or_default();
        of_key.events.extend(all.iter().map(Rc::downgrade));
        let before = Instant::now();
        while all.len() > 1 {
            all.pop();
            watchers.forget_one(key);
        }
        // A look at all of the others for each of them takes minutes, and nobody is answered meanwhile.
        assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
        watchers.tell(key);
        assert!(event.is_set());
        all.pop();
        watchers.forget_one(key);
        assert!(watchers.0.is_empty());
    }
}
