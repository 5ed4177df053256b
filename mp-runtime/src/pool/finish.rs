//! Pools at the end of the program: those that are still there are closed, and finish what they have taken on.

use crate::pool::engine::{Engine, lock};
use crate::process::exit;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

static POOLS: Mutex<Vec<Weak<Engine>>> = Mutex::new(Vec::new());

/// Has the program's end wait for this pool.
pub(super) fn add(engine: &Arc<Engine>) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| exit::before_children(finish_all));
    let mut pools = lock(&POOLS);
    pools.retain(|pool| pool.strong_count() > 0);
    pools.push(Arc::downgrade(engine));
}

fn finish_all() {
    let pools = std::mem::take(&mut *lock(&POOLS));
    for engine in pools.iter().filter_map(Weak::upgrade) {
        engine.close();
        if engine.callbacks.is_current_thread() {
            // The end was asked for by one of this pool's callbacks: the others are run here.
            engine.ends_inside.store(true, SeqCst);
            let rest = |running| engine.unsettled.load(SeqCst) <= running;
            engine.callbacks.run_until(&engine, None, rest);
        } else {
            engine.wait_ended(|ended| ended.threads);
        }
    }
}

impl Engine {
    /// Waits until the pool's end has come as far as `until` says.
    pub(super) fn wait_ended(&self, until: impl Fn(&crate::pool::engine::Ended) -> bool) {
        let mut ended = lock(&self.ended);
        while !until(&ended) {
            ended = self.ended_changed.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
