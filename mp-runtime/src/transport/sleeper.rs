//! What can be waited for together with other things: a word in shared memory, and when it is time to wake. What it
//! is a word of is for `sync` and `channel`, who waits is in `reactor` and `wait`.

use crate::sys::clock::Deadline;
use crate::sys::futex::Wait;
use crate::sys::futexes;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Duration;

/// Something that turns ready in shared memory.
pub(crate) trait Sleeper: Send + Sync {
    /// Whether waiting is over, as far as memory tells.
    fn is_ready(&self) -> bool;

    /// Whether waiting is over or has no sense any more, since whoever could end it has died. Dearer.
    fn is_over(&self) -> bool;

    /// Says that somebody is about to sleep, and gives the word to sleep on and the value that it has as
    /// long as nothing happens.
    fn announce(&self) -> (&AtomicU32, u32);

    /// Called after a wake-up that may have come for this one, which has no use for it any more: where one
    /// is woken of those who wait for the same, another one is to be.
    fn pass_on(&self) {}
}

/// A sleeper looks again after this, in case its wake-up has died with its sender;
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// and then after twice as long each time, up to this.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How often one looks who waits.
#[derive(Debug)]
pub(crate) struct Looks(Duration);

impl Looks {
    pub(crate) fn new() -> Self {
        Self(FIRST_LOOK)
    }

    /// Until when to sleep now: to the next one, and no longer than until `deadline`.
    pub(crate) fn next(&mut self, deadline: Option<Deadline>) -> Option<Deadline> {
        let next = Deadline::after(self.0);
        self.0 = (self.0 * 2).min(LAST_LOOK);
        deadline.into_iter().chain(next).min()
    }
}

/// Sleeps until one of `sleepers` may be ready, `word` has not the value `expected`, it is time to look, or
/// the deadline has passed; says whether it is time for a dear look. At most `futexes::MOST - 1` of them.
///
/// # Errors
///
/// `Unsupported` on kernels that cannot wait on several words.
pub(crate) fn sleep(
    sleepers: &[&dyn Sleeper],
    word: (&AtomicU32, u32),
    deadline: Option<Deadline>,
    looks: &mut Looks,
) -> io::Result<bool> {
    let mut words: Vec<_> = sleepers.iter().map(|sleeper| sleeper.announce()).collect();
    // Pairs with the fence of those who make it ready and then look who sleeps: either they see the
    // announcement, or what they have done is seen here.
    fence(Ordering::SeqCst);
    if sleepers.iter().any(|sleeper| sleeper.is_ready()) {
        return Ok(false);
    }
    words.push(word);
    let ended = futexes::wait(&words, looks.next(deadline))?;
    Ok(ended == Wait::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::{FIRST_LOOK, LAST_LOOK, Looks};
    use crate::sys::clock::Deadline;
    use std::time::Duration;

    #[test]
    fn sleeps_grow_and_end_at_the_deadline() {
        let mut looks = Looks::new();
        assert!(looks.next(None).unwrap().remaining() <= FIRST_LOOK);
        for _ in 0..10 {
            assert!(looks.next(None).unwrap().remaining() <= LAST_LOOK);
        }
        assert!(looks.next(None).unwrap().remaining() > FIRST_LOOK);
        let deadline = Deadline::after(Duration::from_millis(1));
        assert_eq!(looks.next(deadline), deadline);
    }
}
