//! `Barrier`: parties that wait for each other. What its words mean is in `rounds`; how an action is found and run is for
//! `task`.

use crate::commons::{Hold, Kind, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::handle::{Bare, Shape};
use crate::sync::lock::{REST, raw};
use crate::sync::me::{Me, me};
use crate::sync::rounds::{Arrival, Broken, Rounds};
use crate::sync::word::Patience;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

const TURN: usize = REST;
const LAST: usize = REST + 4;
const COUNT: usize = REST + 8;
const SLOTS: usize = REST + 12;
const SLOT: usize = 4;

/// Of one party.
const SHAPE: Shape = Shape { kind: Kind::Barrier, len: SLOTS + SLOT };

/// A point where a number of parties, threads of any processes with a handle, wait for each other: nobody passes
/// before the last has arrived. Then it is ready for the next round.
///
/// It *breaks* when a party's time runs out, when the [action](Self::with_action) fails, by [`abort`](Self::abort), and
/// when a process that waits at it is killed, which the others see within a second or so: all that wait, and all
/// that come, get `Broken`, until somebody calls [`reset`](Self::reset). Nobody can see the death of a party that
/// has not arrived: a [timeout](Self::with_timeout) is for that.
///
/// Handles can be cloned, be arguments and results, or parts of them at any depth; each is another way to the same
/// barrier. Timeout and action are the handle's own, and travel with it.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn step(together: mp::Barrier) -> bool {
///     for _ in 0..10 {
///         together.wait().expect("nobody is missing");
///     }
///     together.wait().expect("as before") == 0 // one of them has this number
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let together = mp::Barrier::new(3)?;
///     let pool = mp::Pool::new(3)?;
///     let first = pool.map(step, vec![together; 3])?;
///     assert_eq!(first.iter().filter(|first| **first).count(), 1);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Barrier {
    hold: Hold,
    timeout: Option<Duration>,
    action: Option<Action>,
}

impl Barrier {
    /// Makes a barrier for so many parties.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for none; and if there is no memory to share.
    pub fn new(parties: u32) -> Result<Self> {
        if parties == 0 {
            let text = "a barrier needs one party at least";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let slots = usize::try_from(parties).ok().and_then(|parties| parties.checked_mul(SLOT));
        let len = slots.and_then(|slots| slots.checked_add(SLOTS)).unwrap_or(usize::MAX);
        let hold = Shape { len, ..SHAPE }.make()?;
        Ok(Self { hold, timeout: None, action: None })
    }

    /// Has [`wait`](Self::wait) by this handle, and by those made of it, break the barrier after so long.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    pub(crate) fn with(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    /// Waits for the other parties, and gives the place in which this one has arrived in its round, from 0.
    ///
    /// # Errors
    ///
    /// `Broken` if the barrier is, or breaks meanwhile.
    pub fn wait(&self) -> Result<u32> {
        self.wait_with(&mut Patience::within(self.timeout))
    }

    /// As [`wait_timeout`](Self::wait_timeout), or [`wait`](Self::wait), and no longer than that process lives: its end
    /// breaks the barrier.
    pub(crate) fn wait_while(&self, needed: Number, timeout: Option<Duration>) -> Result<u32> {
        let patience = Patience::within(timeout.or(self.timeout));
        self.wait_with(&mut patience.while_lives(Some(needed)))
    }

    /// As [`wait`](Self::wait), with a timeout for this once. When it runs out the barrier breaks for everyone.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<u32> {
        self.wait_with(&mut Patience::of(timeout))
    }

    /// Breaks the barrier: those that wait, and those that come, get `Broken`.
    ///
    /// # Errors
    ///
    /// If this process cannot share memory.
    pub fn abort(&self) -> Result<()> {
        let me = me()?;
        self.rounds(|rounds| rounds.abort(&me));
        Ok(())
    }

    /// Makes the barrier as it was at first; those that wait get `Broken`.
    ///
    /// # Errors
    ///
    /// If this process cannot share memory.
    pub fn reset(&self) -> Result<()> {
        let me = me()?;
        self.rounds(|rounds| rounds.reset(&me));
        Ok(())
    }

    /// Whether it is broken.
    #[must_use]
    pub fn broken(&self) -> bool {
        self.rounds(|rounds| rounds.is_broken())
    }

    /// How many wait at this moment.
    #[must_use]
    pub fn n_waiting(&self) -> u32 {
        self.rounds(|rounds| rounds.waiting())
    }

    /// How many have to arrive.
    #[must_use]
    pub fn parties(&self) -> u32 {
        u32::try_from((self.hold.len() - SLOTS) / SLOT).unwrap_or(u32::MAX)
    }

    fn wait_with(&self, patience: &mut Patience) -> Result<u32> {
        let me = me()?;
        let broken = |_: Broken| broken("the barrier is broken");
        match self.rounds(|rounds| rounds.arrive(&me, patience)).map_err(broken)? {
            Arrival::Early(party) => {
                self.rounds(|rounds| rounds.wait(&party, &me, patience)).map_err(broken)?;
                Ok(party.index())
            }
            Arrival::Last(party) => {
                self.act(&me, party.round())?;
                self.rounds(|rounds| rounds.finish(&party, &me)).map_err(broken)?;
                Ok(party.index())
            }
        }
    }

    /// Runs the action, if there is one, and breaks the round if it fails.
    fn act(&self, me: &Me<'_>, round: u32) -> Result<()> {
        let Some(action) = &self.action else { return Ok(()) };
        action.run().map_err(|failure| {
            self.rounds(|rounds| rounds.break_round(round, me));
            broken(format!("the barrier is broken, since its action {failure}"))
        })
    }

    fn rounds<R>(&self, f: impl FnOnce(Rounds<'_, AtomicU32>) -> R) -> R {
        // An index is below the number of parties, which follows from the length.
        let slot = |at: u32| self.hold.u32(SLOTS + at as usize * SLOT);
        f(Rounds {
            lock: raw(&self.hold),
            turn: self.hold.u32(TURN),
            last: self.hold.u32(LAST),
            count: self.hold.u32(COUNT),
            slots: &slot,
            parties: self.parties(),
        })
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties())
            .field("n_waiting", &self.n_waiting())
            .field("broken", &self.broken())
            .finish_non_exhaustive()
    }
}

impl Serialize for Barrier {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let name = self.action.as_ref().map(|action| &*action.0);
        (Bare(&self.hold), self.timeout, name).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Barrier {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (Taken(hold), timeout, name) = <(Taken, _, Option<Vec<u8>>)>::deserialize(from)?;
        Ok(Self { hold, timeout, action: name.map(|name| Action(name.into())) })
    }
}

struct Taken(Hold);

impl<'de> Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        SHAPE.take(from).map(Self)
    }
}

/// What the last party to arrive does: something that `task` can find by these bytes, in every process of the program.
#[derive(Clone, Debug)]
pub(crate) struct Action(pub(crate) Arc<[u8]>);

/// Runs an action, or says how that failed: "panicked: ..".
#[derive(Debug)]
pub(crate) struct Runner(pub(crate) fn(&[u8]) -> Result<(), String>);

// There is one, which the layer above has put here at link time.
inventory::collect!(Runner);

impl Action {
    fn run(&self) -> Result<(), String> {
        let runner = inventory::iter::<Runner>().next();
        runner.map_or_else(|| Err("cannot be run here".to_owned()), |runner| runner.0(&self.0))
    }
}

#[cold]
fn broken(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Broken, text)
}
