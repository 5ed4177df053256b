//! What a client elsewhere has of the server's objects: by number, and how often it was told so. It goes with the client's last
//! connection.

use crate::channel::Rest;
use crate::commons::{Hold, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::gate::hands::Hand;
use crate::manager::gate::lock;
use crate::manager::proxy::Proxy;
use crate::manager::server::store::{self, object_of};
use crate::manager::session::Session;
use crate::manager::wire::{Message, method};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

pub(super) struct Guest {
    session: Arc<Session>,
    objects: Mutex<HashMap<u64, Object>>,
}

struct Object {
    proxy: Proxy,
    /// What is done with it here; none if the server does it. Known once it was asked for.
    hand: Option<Option<Arc<Hand>>>,
    /// How often the client was told that it has it.
    granted: u64,
}

impl Guest {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self { session, objects: Mutex::default() }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// An object that the client says it has, and what is done with it here.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none.
    pub(super) fn object(&self, number: u64) -> Result<(Proxy, Option<Arc<Hand>>)> {
        if let Some(Object { proxy, hand: Some(hand), .. }) = lock(&self.objects).get(&number) {
            return Ok((proxy.clone(), hand.clone()));
        }
        let (proxy, hand) = self.resolve(number)?;
        let hand = hand.map(Arc::new);
        let mut objects = lock(&self.objects);
        let new = Object { proxy, hand: None, granted: 0 };
        let object = objects.entry(number).or_insert(new);
        let hand = object.hand.get_or_insert(hand).clone();
        Ok((object.proxy.clone(), hand))
    }

    /// Asks the server for an object.
    fn resolve(&self, number: u64) -> Result<(Proxy, Option<Hand>)> {
        let mut request = Message::request(0, 0, method::RESOLVE);
        request.u64(number);
        self.session.call(request, |answer, rest| {
            let proxy = Proxy::near(answer, rest, &self.session)?;
            let kind = answer.u8()?;
            Ok((proxy, Hand::read(kind, answer)?))
        })
    }

    /// Looks at what is beside an answer.
    ///
    /// # Errors
    ///
    /// `Encode` if something there is of no use to a client elsewhere.
    pub(super) fn expect_own(&self, rest: &Rest, holds: &[Hold]) -> Result<()> {
        let of_this_program = |hold: &Hold| {
            hold.kind() != Kind::Managed
                || hold.u64(store::SERVER).load(Relaxed) == self.session.server()
        };
        if rest.has_descriptors() || !holds.iter().all(of_this_program) {
            let text =
                "the value holds something that only travels between processes of one program";
            return Err(Error::new(ErrorKind::Encode, text));
        }
        Ok(())
    }

    /// The numbers by which the client gets to know what was beside an answer: 0 for what is a part of the object before it.
    pub(super) fn grant(&self, holds: Vec<Hold>) -> Vec<u64> {
        if holds.is_empty() {
            return Vec::new();
        }
        let mut numbers = Vec::with_capacity(holds.len());
        let mut objects = lock(&self.objects);
        for hold in holds {
            if hold.kind() != Kind::Managed {
                numbers.push(0);
                continue;
            }
            let number = object_of(&hold);
            numbers.push(number);
            let proxy = || Proxy::of(hold, Arc::clone(&self.session));
            let new = || Object { proxy: proxy(), hand: None, granted: 0 };
            objects.entry(number).or_insert_with(new).granted += 1;
        }
        numbers
    }

    /// Takes references back.
    pub(super) fn release(&self, number: u64, count: u64) {
        let mut objects = lock(&self.objects);
        let Some(object) = objects.get_mut(&number) else { return };
        object.granted = object.granted.saturating_sub(count);
        let gone = if object.granted == 0 { objects.remove(&number) } else { None };
        drop(objects);
        drop(gone);
    }
}
