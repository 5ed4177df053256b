//! One connection of a client elsewhere: its calls, one after the other, on a thread of its own, so that one that waits holds up
//! nobody. What is asked of queues and locks is done in `hands`, everything else by the server.

use crate::channel::Rest;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::far::frame::{self, Answer, HELLO, Request, method as elsewhere};
use crate::manager::gate::Shared;
use crate::manager::gate::guest::Guest;
use crate::manager::gate::hands::{Hand, Hands, Owned};
use crate::manager::proxy::elsewhere;
use crate::manager::wire::{self, Message, Reader, kind, method, watcher};
use crate::socket::Client;
use crate::sync;
use std::sync::Arc;
use std::time::Duration;

/// So long may a client take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many objects may be in one call.
const MOST: usize = 16_384;

/// Serves a connection until it ends.
pub(super) fn serve(client: &Arc<Client>, shared: &Shared) {
    let Ok(hello) = client.recv_bytes_timeout(PATIENCE) else { return };
    let own = hello.strip_prefix(&HELLO[..]).and_then(|own| own.try_into().ok());
    let mut answer = Message::default();
    let Some(own) = own else {
        let text = "this is a manager's server, and speaks with clients of the same version of mp";
        wire::write_error(&mut answer, &Error::new(ErrorKind::Remote, text));
        let _ = client.send_bytes(&answer.bytes);
        return;
    };
    answer.u8(wire::OK).u64(shared.session.server());
    if client.send_bytes(&answer.bytes).is_err() {
        return;
    }
    let guest = shared.guest(own);
    let mut line =
        Line { guest: &guest, may_end: shared.may_end, owned: Owned::default(), from: None };
    // Nothing else comes while a call is under way, so that what comes then is the end.
    let own = Arc::clone(client);
    let _working = sync::work_for(move || own.poll(Duration::ZERO).unwrap_or(true));
    while let Ok(request) = client.recv_bytes() {
        let Some(answer) = line.answer(&request) else { continue };
        if client.send_bytes(&answer).is_err() {
            line.take_back(&answer);
            return;
        }
        line.from = None;
    }
}

struct Line<'a> {
    guest: &'a Guest,
    may_end: bool,
    /// The locks that this thread has for the client.
    owned: Owned,
    /// The queue that the item in the last answer is from. Not of one with objects in it: those are the client's by now, and
    /// a hold here would keep them.
    from: Option<Arc<Hand>>,
}

/// An answer: its bytes, and what is beside them.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) body: Vec<u8>,
    pub(super) rest: Rest,
    /// The queue that this is an item of.
    pub(super) from: Option<Arc<Hand>>,
}

impl Line<'_> {
    /// Does what a client asks for; none if it awaits no answer.
    fn answer(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let done = match Request::read(frame) {
            Ok(request) if (request.object, request.method) == (0, elsewhere::RELEASE) => {
                self.release(request.arguments);
                return None;
            }
            Ok(request) => self.call(&request),
            Err(error) => Err(error),
        };
        let done = done.and_then(|Reply { body, rest, from }| {
            let holds = if rest.is_empty() { Vec::new() } else { rest.holds()? };
            if let Err(error) = self.guest.expect_own(&rest, &holds) {
                // Others can have it.
                from.iter().for_each(|hand| hand.take_back(&body, &holds));
                return Err(error);
            }
            self.from = from.filter(|_| holds.is_empty());
            Ok((self.guest.grant(holds), body))
        });
        let owned = self.owned.count();
        let (numbers, body) = done.unwrap_or_else(|error| {
            let mut message = Message::default();
            wire::write_error(&mut message, &error);
            (Vec::new(), message.bytes)
        });
        let answer = Answer { owned, numbers, body: &body };
        let frame = answer.write();
        Some(
            frame::expect_fit(&frame).map_or_else(|error| self.refuse(&answer, &error), |()| frame),
        )
    }

    /// What is answered instead of something that is too long.
    fn refuse(&mut self, answer: &Answer<'_>, error: &Error) -> Vec<u8> {
        if let Some(hand) = self.from.take() {
            hand.take_back(answer.body, &[]);
        }
        answer.numbers.iter().for_each(|number| self.guest.release(*number, 1));
        let mut message = Message::default();
        wire::write_error(&mut message, error);
        Answer { owned: answer.owned, numbers: Vec::new(), body: &message.bytes }.write()
    }

    /// Of an answer that the client has not got whole, the item goes to others.
    fn take_back(&mut self, answer: &[u8]) {
        if let (Some(hand), Ok(answer)) = (self.from.take(), Answer::read(answer)) {
            hand.take_back(answer.body, &[]);
        }
    }

    fn release(&self, arguments: &[u8]) {
        let mut reader = Reader::new(arguments);
        let count = reader.len().unwrap_or(0);
        for _ in 0..count {
            let (Ok(number), Ok(times)) = (reader.u64(), reader.u64()) else { return };
            self.guest.release(number, times);
        }
    }

    fn call(&mut self, request: &Request<'_>) -> Result<Reply> {
        if request.object == 0 {
            return self.own(request);
        }
        let (_proxy, hand) = self.guest.object(request.object)?;
        match hand {
            Some(hand) if matches!(*hand, Hand::Watcher(_)) && request.method == watcher::FETCH => {
                self.relay(request)
            }
            Some(hand) => {
                let attachments = self.attachments(&request.numbers)?;
                let mut hands = Hands(&mut self.owned);
                hands.call(&hand, request.method, request.arguments, attachments)
            }
            None => self.relay(request),
        }
    }

    /// The methods of the server itself, of which some are not for clients elsewhere.
    fn own(&self, request: &Request<'_>) -> Result<Reply> {
        match request.method {
            method::CREATE if request.arguments.first() == Some(&kind::CONDITION_WITH_LOCK) => {
                let mut message = Message::request(0, 0, method::CREATE);
                message.u8(kind::CONDITION_WITH_LOCK);
                let lock =
                    request.numbers.first().map(|lock| self.guest.object(*lock)).transpose()?;
                match lock.and_then(|(_, hand)| hand) {
                    Some(hand) => hand.write_lock(&mut message)?,
                    None => return Err(no_lock()),
                }
                self.ask(message)
            }
            // Tasks are run for the server's own program only.
            method::CREATE if request.arguments.first() == Some(&kind::POOL) => Err(elsewhere()),
            method::CREATE if request.arguments.first() == Some(&kind::PART) => {
                let whole = Reader::new(&request.arguments[1..]).u64()?;
                match self.guest.object(whole)? {
                    (_, None) => self.relay(request),
                    _ => Err(elsewhere()),
                }
            }
            method::CREATE | method::COUNT | method::RESOLVE | method::LOOKUP => {
                self.relay(request)
            }
            method::PUBLISH | method::UNPUBLISH => self.relay(request),
            method::SHUTDOWN if self.may_end => {
                self.guest.session().end();
                Ok(Reply { body: vec![wire::OK], ..Reply::default() })
            }
            method::SHUTDOWN => {
                let text =
                    "the manager's server is not ended by clients elsewhere: see `remote_shutdown`";
                Err(Error::new(ErrorKind::Unsupported, text))
            }
            other => {
                Err(Error::new(ErrorKind::Remote, format!("the server has no method {other}")))
            }
        }
    }

    /// Has the server do it.
    fn relay(&self, request: &Request<'_>) -> Result<Reply> {
        let mut message = Message::request(0, request.object, request.method);
        message.bytes.extend_from_slice(request.arguments);
        message.attachments = self.attachments(&request.numbers)?;
        self.ask(message)
    }

    fn ask(&self, message: Message) -> Result<Reply> {
        self.guest.session().exchange(message, |body, rest| Reply {
            body: body.to_vec(),
            rest,
            from: None,
        })
    }

    /// What is beside values of the client's.
    fn attachments(&self, numbers: &[u64]) -> Result<Attachments> {
        if numbers.len() > MOST {
            let text =
                format!("a call has at most {MOST} managed objects in it, not {}", numbers.len());
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let mut attachments = Attachments::NONE;
        for number in numbers {
            let (proxy, _) = self.guest.object(*number)?;
            proxy.attach(&mut attachments)?;
        }
        Ok(attachments)
    }
}

fn no_lock() -> Error {
    Error::new(ErrorKind::InvalidArgument, "a condition was to be made with what is no lock")
}
