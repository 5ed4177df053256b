//! A manager's server from its first step to its last: in a process of its own, whose task is here, or in the one that asks. What
//! it does in between is in `server` and `gate`.

use crate::channel::{Encoded, Receiver, Sender};
use crate::codec;
use crate::commons;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::gate::{self, Gate};
use crate::manager::session::Session;
use crate::manager::{object, server};
use crate::protocol::message::{Reply, TaskKey};
use crate::sys::signal;
use crate::task::Task;
use crate::task::failure::{self, Failure};
use crate::task::registry::{self, Entry, Registration};
use crate::task::run::Left;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the server is given.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) server: u64,
    pub(super) door: Receiver<Encoded>,
    pub(super) back: Sender<Encoded>,
    /// Where it says that it is ready, or why it will not be.
    pub(super) ready: Sender<Result<Ready>>,
    pub(super) gate: Option<gate::Terms>,
    pub(super) initializer: Option<Setup>,
}

/// A server that is about to serve: which process it is, and where it listens.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) process: u32,
    pub(super) address: Option<String>,
}

/// A task that the server runs first, and its arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    task: Vec<u8>,
    arguments: Vec<u8>,
}

impl Setup {
    /// # Errors
    ///
    /// If they cannot be encoded, or hold handles.
    pub(super) fn new<T: Task>(arguments: &T::Args<'_>) -> Result<Self> {
        let (mut task, mut bytes) = (Vec::new(), Vec::new());
        codec::encode(&T::__entry().key(), &mut task)?;
        codec::encode(arguments, &mut bytes)?;
        Ok(Self { task, arguments: bytes })
    }

    /// # Errors
    ///
    /// `Panicked` if it did, `Remote` if it returned an `Err`.
    pub(super) fn run(&self) -> Result<()> {
        let key: TaskKey<'_> = codec::decode(&self.task)?;
        let entry = registry::table()?.find(&key)?;
        let mut left = Left::default();
        (entry.runner())(&self.arguments, Attachments::default(), &mut left);
        let reply = Reply::parse(&left.reply)?;
        reply.into_result(key.name, "the manager's server")?;
        failure::take().map_or(Ok(()), |error| {
            let text =
                format!("the initializer of the manager's server returned an error: {error}");
            Err(Error::new(ErrorKind::Remote, text))
        })
    }
}

/// The server's task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Serve;

static SERVE: Entry = Entry::new::<Serve>(None, file!(), line!(), column!());

inventory::submit! { Registration(&SERVE) }

impl Task for Serve {
    type Args<'a> = Orders;
    type Output = Result<(), String>;

    const NAME: &'static str = "mp::Manager";

    fn __entry() -> &'static Entry {
        &SERVE
    }

    fn __call(orders: Orders) -> Self::Output {
        run(orders).map_err(|error| error.to_string())
    }

    fn __failure(output: &Self::Output) -> Failure {
        output.as_ref().err().cloned()
    }
}

fn run(orders: Orders) -> Result<()> {
    let io = |error| Error::io("the server of a manager", error);
    signal::disregard_interrupt().map_err(io)?;
    let Orders { server, door, back, ready, gate, initializer } = orders;
    let prepared = prepare(server, back.clone(), gate.as_ref(), initializer.as_ref());
    let (said, gate) = match prepared {
        Ok((process, gate)) => {
            let address = gate.as_ref().map(|gate| gate.address().to_string());
            (Ok(Ready { process, address }), gate)
        }
        Err(error) => (Err(error), None),
    };
    let failed = said.is_err();
    // If nobody waits for that, the manager is gone, and this process with it.
    ready.send(said)?;
    drop(ready);
    if failed {
        return Ok(());
    }
    let served = server::serve(server, door, back);
    drop(gate);
    served
}

/// All that comes before the first call.
fn prepare(
    server: u64,
    back: Sender<Encoded>,
    gate: Option<&gate::Terms>,
    initializer: Option<&Setup>,
) -> Result<(u32, Option<Gate>)> {
    let own = commons::own()?.get();
    let session = Session::to(server, own, back);
    object::serve_here(&session);
    initializer.map_or(Ok(()), Setup::run)?;
    let gate = gate.map(|terms| Gate::open(terms, Arc::clone(&session))).transpose()?;
    Ok((own, gate))
}
