//! The handshake by which two sides show each other that they have the same key, without sending it: a challenge of random
//! bytes, and their HMAC as the answer, both ways. Messages in, messages out; who carries them is for the callers.
//!
//! ```text
//! listener                          client
//!   #CHALLENGE# {sha256} random  -->
//!                               <--  {sha256} HMAC(key, {sha256} random)
//!   #WELCOME#                    -->                                        or #FAILURE#
//!                               <--  #CHALLENGE# {sha256} random
//!   {sha256} HMAC                -->
//!                               <--  #WELCOME#
//! ```
//!
//! Python before 3.12 knows no names of digests: its challenges are 20 bytes, its answers the 16 of HMAC with MD5.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::sys::random;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::Sha256;

/// No message of a handshake is longer.
pub(super) const MESSAGE_MAX: usize = 256;

const CHALLENGE: &[u8] = b"#CHALLENGE#";
const WELCOME: &[u8] = b"#WELCOME#";
const FAILURE: &[u8] = b"#FAILURE#";
const SHA256: &[u8] = b"{sha256}";
const MD5: &[u8] = b"{md5}";
/// Random bytes in our challenges.
const RANDOM: usize = 40;
/// A challenge of exactly so many bytes is of one who knows nothing but MD5.
const OLD_CHALLENGE: usize = 20;
/// An answer of exactly so many, likewise.
const OLD_ANSWER: usize = 16;

/// Which of the two one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Listener,
    Client,
}

/// Whether the weak digest of old Pythons will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digests {
    Sha256,
    Md5Too,
}

/// One side of a handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    key: AuthKey,
    side: Side,
    digests: Digests,
    awaits: Awaits,
}

#[derive(Debug)]
enum Awaits {
    Challenge,
    /// Whether our answer was right.
    Verdict,
    /// The answer to this challenge of ours.
    Answer(Vec<u8>),
    Nothing,
}

/// What to do after a message.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) send: Option<Vec<u8>>,
    /// Both sides have shown it.
    pub(super) done: bool,
}

/// Why it ends without success, and what to tell the other side.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: Error,
    pub(super) send: Option<&'static [u8]>,
}

impl Handshake {
    pub(super) fn new(key: AuthKey, side: Side, digests: Digests) -> Self {
        Self { key, side, digests, awaits: Awaits::Challenge }
    }

    /// What to send first.
    ///
    /// # Errors
    ///
    /// If the system has no random bytes.
    pub(super) fn begin(&mut self) -> Result<Option<Vec<u8>>> {
        match self.side {
            Side::Listener => self.challenge().map(Some),
            Side::Client => Ok(None),
        }
    }

    /// Goes on with a message of the other side's.
    ///
    /// # Errors
    ///
    /// `Authentication` if it is not what the other side would send that has the key.
    pub(super) fn receive(&mut self, message: &[u8]) -> Result<Step, Refusal> {
        match std::mem::replace(&mut self.awaits, Awaits::Nothing) {
            Awaits::Challenge => {
                let Some(challenge) = message.strip_prefix(CHALLENGE) else {
                    return Err(refuse("it began with something else than a challenge"));
                };
                let send = Some(self.answer(challenge)?);
                self.awaits = Awaits::Verdict;
                Ok(Step { send, done: false })
            }
            Awaits::Verdict if message != WELCOME => {
                Err(refuse("it has another key, and refused the answer made with this one"))
            }
            Awaits::Verdict if self.side == Side::Listener => Ok(Step { send: None, done: true }),
            Awaits::Verdict => {
                let send = self.challenge().map_err(|error| Refusal { error, send: None })?;
                Ok(Step { send: Some(send), done: false })
            }
            Awaits::Answer(challenge) => {
                self.check(&challenge, message)?;
                let done = self.side == Side::Client;
                if !done {
                    self.awaits = Awaits::Challenge;
                }
                Ok(Step { send: Some(WELCOME.to_vec()), done })
            }
            Awaits::Nothing => Err(refuse("it sent more than a handshake has")),
        }
    }

    fn challenge(&mut self) -> Result<Vec<u8>> {
        let random: [u8; RANDOM] =
            random::bytes().map_err(|error| Error::io("a challenge needs random bytes", error))?;
        let challenge = [SHA256, &random].concat();
        let message = [CHALLENGE, &challenge].concat();
        self.awaits = Awaits::Answer(challenge);
        Ok(message)
    }

    /// The name of the digest is a part of what the HMAC is of.
    fn answer(&self, challenge: &[u8]) -> Result<Vec<u8>, Refusal> {
        if challenge.len() < OLD_CHALLENGE {
            return Err(refuse("its challenge is too short to be one"));
        }
        if challenge.len() == OLD_CHALLENGE {
            self.allow_old()?;
            return mac::<Hmac<Md5>>(&self.key, challenge);
        }
        if challenge.starts_with(SHA256) {
            return Ok([SHA256, &mac::<Hmac<Sha256>>(&self.key, challenge)?].concat());
        }
        if challenge.starts_with(MD5) {
            self.allow_old()?;
            return Ok([MD5, &mac::<Hmac<Md5>>(&self.key, challenge)?].concat());
        }
        Err(refuse("its challenge is for a digest that is not known here"))
    }

    fn check(&self, challenge: &[u8], answer: &[u8]) -> Result<(), Refusal> {
        let right = if let Some(answer) = answer.strip_prefix(SHA256) {
            is_mac::<Hmac<Sha256>>(&self.key, challenge, answer)
        } else if answer.len() == OLD_ANSWER || answer.starts_with(MD5) {
            self.allow_old().map_err(failing)?;
            let answer = answer.strip_prefix(MD5).unwrap_or(answer);
            is_mac::<Hmac<Md5>>(&self.key, challenge, answer)
        } else {
            return Err(failing(refuse(
                "its answer is none, or by a digest that is not known here",
            )));
        };
        if right { Ok(()) } else { Err(failing(refuse("it has another key"))) }
    }

    fn allow_old(&self) -> Result<(), Refusal> {
        match self.digests {
            Digests::Md5Too => Ok(()),
            Digests::Sha256 => Err(refuse(
                "it knows only MD5, as Python does before 3.12, which is too weak unless `allow_md5` is called",
            )),
        }
    }
}

fn refuse(why: &str) -> Refusal {
    let text = format!("the other side could not show that it has the key: {why}");
    Refusal { error: Error::new(ErrorKind::Authentication, text), send: None }
}

/// The same, said to the other side too.
fn failing(refusal: Refusal) -> Refusal {
    Refusal { send: Some(FAILURE), ..refusal }
}

fn of<M: Mac + KeyInit>(key: &AuthKey, challenge: &[u8]) -> Option<M> {
    // A key of any length will do for an HMAC.
    let mac = <M as KeyInit>::new_from_slice(key.as_bytes()).ok()?;
    Some(mac.chain_update(challenge))
}

fn mac<M: Mac + KeyInit>(key: &AuthKey, challenge: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mac = of::<M>(key, challenge).ok_or_else(|| refuse("no HMAC can be made with this key"))?;
    Ok(mac.finalize().into_bytes().to_vec())
}

/// In a time that does not depend on how much of it is right.
fn is_mac<M: Mac + KeyInit>(key: &AuthKey, challenge: &[u8], answer: &[u8]) -> bool {
    of::<M>(key, challenge).is_some_and(|mac| mac.verify_slice(answer).is_ok())
}

#[cfg(test)]
mod tests;
