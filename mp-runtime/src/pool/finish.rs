//! Pools at the end of the program: those that are still there are closed, and finish what they have taken on.

use crate::error::{Error, ErrorKind};
use crate::pool::engine::{Ended, Engine, lock};
use crate::pool::ledger::Phase;
use crate::process::exit;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::Duration;

/// How often the end of the program looks whether what it waits for can still come.
const LOOK: Duration = Duration::from_secs(1);

static POOLS: Mutex<Vec<Weak<Engine>>> = Mutex::new(Vec::new());

/// Has the program's end wait for this pool.
pub(super) fn add(engine: &Arc<Engine>) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| exit::before_children(finish_all));
    let mut pools = lock(&POOLS);
    pools.retain(|pool| pool.strong_count() > 0);
    pools.push(Arc::downgrade(engine));
}

/// Ends all pools of this process whatever they do: the manager goes whose server it is.
pub(crate) fn terminate_all() {
    let text = "the manager was shut down before the task had an outcome";
    let error = Error::new(ErrorKind::Terminated, text);
    let pools: Vec<_> = lock(&POOLS).iter().filter_map(Weak::upgrade).collect();
    pools.iter().for_each(|engine| engine.abandon(Phase::Terminated, &error));
    pools.iter().for_each(|engine| engine.wait_ended(|ended| ended.workers));
}

fn finish_all() {
    let pools: Vec<_> = lock(&POOLS).iter().filter_map(Weak::upgrade).collect();
    let pools = pools.into_iter().filter(|engine| !engine.is_copy());
    let (own, others): (Vec<_>, Vec<_>) =
        pools.partition(|engine| engine.callbacks.is_current_thread());
    own.iter().chain(&others).for_each(|engine| engine.close());
    for engine in own {
        // The end was asked for by one of this pool's callbacks: the others are run here.
        engine.ends_inside.store(true, SeqCst);
        let rest = |running| engine.unsettled() <= running;
        engine.callbacks.run_until(&engine, None, None, rest);
    }
    for engine in others {
        let mut ended = lock(&engine.ended);
        while !ended.threads && !engine.callbacks.is_parked_in_exit() {
            let woken = engine.ended_changed.wait_timeout(ended, LOOK);
            ended = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Engine {
    /// Waits until the pool's end has come as far as `until` says.
    pub(super) fn wait_ended(&self, until: impl Fn(&Ended) -> bool) {
        let mut ended = lock(&self.ended);
        while !until(&ended) {
            ended = self.ended_changed.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
