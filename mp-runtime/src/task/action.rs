//! A barrier's action: a task that the last party to arrive runs. When it is run is for `sync`.

use crate::codec;
use crate::protocol::message::TaskKey;
use crate::sync::{Action, Barrier, Runner};
use crate::task::{Task, registry};

inventory::submit! { Runner(run_named) }

impl Barrier {
    /// Has the last party to arrive run this task, in its own process, before anyone is let go, when it comes by this
    /// handle or one made of it. If the task panics or returns an `Err`, the barrier is broken.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::task]
    /// fn announce() {
    ///     println!("all are there");
    /// }
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let barrier = mp::Barrier::new(1)?.with_action(announce);
    ///     assert_eq!(barrier.wait()?, 0);
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn with_action<F>(self, task: F) -> Self
    where
        F: for<'a> Task<Args<'a> = ()>,
    {
        let _ = task;
        self.with(Action(name_of::<F>().into()))
    }
}

fn name_of<F: Task>() -> Vec<u8> {
    let mut name = Vec::new();
    codec::encode(&F::__entry().key(), &mut name).expect("strings and numbers always encode");
    name
}

fn run_named(name: &[u8]) -> Result<(), String> {
    let key: TaskKey<'_> = codec::decode(name).map_err(|error| format!("has no name: {error}"))?;
    let entry = registry::table().and_then(|table| table.find(&key));
    let entry = entry.map_err(|error| format!("was not found: {error}"))?;
    let act = entry.act().ok_or_else(|| "is none that can be run here".to_owned())?;
    act()
}
