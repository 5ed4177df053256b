//! What of a lane can be waited for beside other things: an item, room for one, or a loan. The futures that do so are in `future`.

use crate::channel::ground::Head;
use crate::channel::lane::{Bell, ITEMS, Lane, RETURNED, ROOM};
use crate::commons::{Hold, Role};
use crate::transport::sleeper::Sleeper;
use std::sync::atomic::AtomicU32;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Awaited {
    Item,
    /// Room for an item that takes so many bytes.
    Room(usize),
    /// A block for a message that is written in place.
    Loan,
}

/// Somebody who waits for something of a lane beside other things.
pub(crate) struct Waiting {
    pub(super) hold: Hold,
    pub(super) lane: usize,
    pub(super) what: Awaited,
    /// Who could bring it about.
    pub(super) by: Role,
    /// How many handles were gone when it began.
    pub(super) departed: u64,
}

impl Waiting {
    fn head(&self) -> Head<'_> {
        Head::of(&self.hold, self.lane)
    }

    fn bell(&self) -> Bell {
        match self.what {
            Awaited::Item => ITEMS,
            Awaited::Room(_) => ROOM,
            Awaited::Loan => RETURNED,
        }
    }

    fn has_come(&self) -> bool {
        let lane = Lane::new(self.head());
        let has_come = match self.what {
            Awaited::Item => !lane.is_empty(),
            Awaited::Room(size) => lane.has_room(size),
            Awaited::Loan => lane.has_loan(false),
        };
        has_come || lane.is_closed()
    }
}

impl Sleeper for Waiting {
    fn is_ready(&self) -> bool {
        self.has_come() || Lane::new(self.head()).departed() != self.departed && self.is_over()
    }

    fn is_over(&self) -> bool {
        let gone = || match self.by {
            Role::ANY => {
                Lane::new(self.head()).is_shared() && !self.hold.has_other_holder(Role::ANY)
            }
            role => !self.hold.has_holder(role),
        };
        let left = || matches!(self.what, Awaited::Loan) && Lane::new(self.head()).has_loan(true);
        self.has_come() || self.hold.has_resigned() || gone() || left()
    }

    fn announce(&self) -> (&AtomicU32, u32) {
        let head = self.head();
        (head.word(self.bell().word()), Lane::new(head).announce(self.bell()))
    }

    fn pass_on(&self) {
        if self.has_come() {
            Lane::new(self.head()).pass_on(self.bell());
        }
    }
}
