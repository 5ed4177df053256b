//! Threads that wait in place of futures: each sleeps on as many words as the kernel lets one call wait for, and calls
//! the wakers of those that turn ready. There is none while nobody waits.

use crate::sys::clock::Deadline;
use crate::sys::{futex, futexes};
use crate::transport::sleeper::{Looks, Sleeper, sleep};
use std::io;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// One of the words is the reactor's own.
const MOST: usize = futexes::MOST - 1;
/// How long a thread stays for those who come next.
const LINGER: Duration = Duration::from_millis(20);

static REACTORS: Mutex<Vec<Arc<Reactor>>> = Mutex::new(Vec::new());

struct Reactor {
    waiting: Mutex<Vec<Waiting>>,
    /// Changes with the list.
    changed: AtomicU32,
}

struct Waiting {
    id: Arc<()>,
    sleeper: Arc<dyn Sleeper>,
    waker: Waker,
}

/// A waker's place in a reactor; dropped, it is taken out.
#[must_use]
pub(crate) struct Registration {
    reactor: Arc<Reactor>,
    id: Arc<()>,
}

/// Has `waker` called once, when `sleeper` is over.
///
/// # Errors
///
/// If no thread can be started.
pub(crate) fn register(sleeper: Arc<dyn Sleeper>, waker: Waker) -> io::Result<Registration> {
    let id = Arc::new(());
    let waiting = Waiting { id: Arc::clone(&id), sleeper, waker };
    let mut reactors = lock(&REACTORS);
    let with_room = reactors.iter().find(|reactor| lock(&reactor.waiting).len() < MOST);
    let reactor = match with_room.cloned() {
        Some(reactor) => {
            lock(&reactor.waiting).push(waiting);
            reactor
        }
        None => {
            let reactor = Arc::new(Reactor {
                waiting: Mutex::new(vec![waiting]),
                changed: AtomicU32::new(0),
            });
            let run = Arc::clone(&reactor);
            thread::Builder::new().name("mp-reactor".to_owned()).spawn(move || run.run())?;
            reactors.push(Arc::clone(&reactor));
            reactor
        }
    };
    drop(reactors);
    reactor.ring();
    Ok(Registration { reactor, id })
}

/// A future's wait for a sleeper, of which it asks in each poll.
pub(crate) struct Watch {
    sleeper: Arc<dyn Sleeper>,
    registration: Option<Registration>,
}

impl Watch {
    pub(crate) fn new(sleeper: Arc<dyn Sleeper>) -> Self {
        Self { sleeper, registration: None }
    }

    /// Ready once the sleeper is over; until then the task is woken when it may be.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What a reactor has found by a dear look, the cheap one may not see.
        let was_waiting = self.registration.take().is_some();
        if self.sleeper.is_ready() || was_waiting && self.sleeper.is_over() {
            return Poll::Ready(Ok(()));
        }
        match register(Arc::clone(&self.sleeper), context.waker().clone()) {
            Ok(registration) => self.registration = Some(registration),
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Pending
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.registration.take().is_some() {
            // It may have been woken, and has not been polled since.
            self.sleeper.pass_on();
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut waiting = lock(&self.reactor.waiting);
        let before = waiting.len();
        let gone: Vec<_> = waiting.extract_if(.., |it| Arc::ptr_eq(&it.id, &self.id)).collect();
        let rings = waiting.len() < before;
        drop(waiting);
        drop(gone);
        if rings {
            // The thread lets go of what it waits for.
            self.reactor.ring();
        }
    }
}

impl Reactor {
    fn ring(&self) {
        self.changed.fetch_add(1, Release);
        // It fails for an address that is not mapped, and this one is borrowed.
        let _ = futex::wake(&self.changed, 1);
    }

    fn run(self: &Arc<Self>) {
        let mut looks = Looks::new();
        let mut look = false;
        loop {
            let changed = self.changed.load(Acquire);
            let over = |it: &mut Waiting| match look {
                true => it.sleeper.is_over(),
                false => it.sleeper.is_ready(),
            };
            let woken: Vec<Waiting> = lock(&self.waiting).extract_if(.., over).collect();
            if !woken.is_empty() {
                looks = Looks::new();
            }
            // The user's code may do anything: no lock is held.
            woken.into_iter().for_each(|it| it.waker.wake());
            let sleepers: Vec<Arc<dyn Sleeper>> =
                lock(&self.waiting).iter().map(|it| Arc::clone(&it.sleeper)).collect();
            if sleepers.is_empty() {
                futex::wait(&self.changed, changed, Deadline::after(LINGER));
                if self.has_ended() {
                    return;
                }
                continue;
            }
            let borrowed: Vec<&dyn Sleeper> = sleepers.iter().map(|it| &**it).collect();
            let slept = sleep(&borrowed, (&self.changed, changed), None, &mut looks);
            if self.changed.load(Acquire) != changed {
                self.pass_on(&sleepers);
            }
            // Where the kernel cannot wait for several: each at its time to look.
            look = slept.unwrap_or_else(|_| self.nap(changed));
        }
    }

    /// A wake-up may have come for one that was taken out meanwhile.
    fn pass_on(&self, sleepers: &[Arc<dyn Sleeper>]) {
        let stays = |one: &&Arc<dyn Sleeper>| {
            lock(&self.waiting).iter().any(|it| Arc::ptr_eq(&it.sleeper, one))
        };
        sleepers.iter().filter(|one| !stays(one)).for_each(|one| one.pass_on());
    }

    fn nap(&self, changed: u32) -> bool {
        futex::wait(&self.changed, changed, Deadline::after(LINGER)) == futex::Wait::TimedOut
    }

    /// Leaves the list if nobody waits.
    fn has_ended(self: &Arc<Self>) -> bool {
        let mut reactors = lock(&REACTORS);
        let ended = lock(&self.waiting).is_empty();
        if ended {
            reactors.retain(|reactor| !Arc::ptr_eq(reactor, self));
        }
        ended
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here panics while it holds one of these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{LINGER, lock, register};
    use crate::sys::futex;
    use crate::transport::sleeper::Sleeper;
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::{Arc, mpsc};
    use std::task::{Wake, Waker};
    use std::time::{Duration, Instant};

    struct Word(AtomicU32);

    impl Sleeper for Word {
        fn is_ready(&self) -> bool {
            self.0.load(SeqCst) == 1
        }

        fn is_over(&self) -> bool {
            self.0.load(SeqCst) != 0
        }

        fn announce(&self) -> (&AtomicU32, u32) {
            (&self.0, 0)
        }
    }

    struct Tell(mpsc::Sender<usize>, usize);

    impl Wake for Tell {
        fn wake(self: Arc<Self>) {
            self.0.send(self.1).unwrap();
        }
    }

    #[test]
    fn those_that_turn_ready_are_woken_and_no_other() {
        let (tell, told) = mpsc::channel();
        let words: Vec<_> = (0..300).map(|_| Arc::new(Word(AtomicU32::new(0)))).collect();
        let register_one = |at: usize| {
            let waker = Waker::from(Arc::new(Tell(tell.clone(), at)));
            register(Arc::clone(&words[at]) as Arc<dyn Sleeper>, waker).unwrap()
        };
        let mut registrations: Vec<_> = (0..300).map(register_one).collect();
        for at in [5, 150, 299] {
            words[at].0.store(1, SeqCst);
            futex::wake(&words[at].0, 1).unwrap();
            assert_eq!(told.recv(), Ok(at));
        }
        // One whose end only a dear look shows.
        words[7].0.store(2, SeqCst);
        assert_eq!(told.recv(), Ok(7));
        drop(registrations.swap_remove(9));
        words[9].0.store(1, SeqCst);
        futex::wake(&words[9].0, 1).unwrap();
        drop(registrations);
        let start = Instant::now();
        while !lock(&super::REACTORS).is_empty() {
            assert!(start.elapsed() < LINGER + Duration::from_secs(20), "it ends");
            std::thread::yield_now();
        }
        assert!(told.try_recv().is_err());
        assert_eq!(Arc::strong_count(&words[9]), 1);
    }
}
