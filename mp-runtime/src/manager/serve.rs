//! The process in which a manager's server runs: its task, and what is done in it first. What the server does is in `server`.

use crate::channel::{Encoded, Receiver, Sender};
use crate::commons;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::session::Session;
use crate::manager::{object, server};
use crate::sys::signal;
use crate::task::Task;
use crate::task::failure::Failure;
use crate::task::registry::{Entry, Registration};
use serde::{Deserialize, Serialize};

/// What the server is given.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) server: u64,
    pub(super) door: Receiver<Encoded>,
    pub(super) back: Sender<Encoded>,
    /// Where it says that it is ready, and which process it is.
    pub(super) ready: Sender<u32>,
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
    let Orders { server, door, back, ready } = orders;
    // If nobody waits for that, the manager is gone, and this process with it.
    let own = commons::own()?.get();
    ready
        .send(own)
        .map_err(|error| Error::with_source(ErrorKind::NotRunning, "no manager", error))?;
    drop(ready);
    object::serve_here(Session::to(server, own, back.clone()));
    server::serve(server, door, back)
}
