//! The starting side of a process: `Process`, a task to be run in a child, and what can be asked of it. How the child is
//! started is in `launch`, how children are kept and reaped in `children`, how far one has come in `stage`.

mod arguments;
pub(crate) mod at_exit;
pub(crate) mod children;
pub(crate) mod exit;
mod helpers;
pub(crate) mod info;
pub(crate) mod launch;
pub(crate) mod server;
mod shorthand;
mod stage;

pub use shorthand::spawn;

use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result, WorkerExit};
use crate::identity::{self, AuthKey, StartMethod};
use crate::process::arguments::Arguments;
use crate::process::children::Child;
use crate::process::launch::{Launch, Role};
use crate::process::stage::Stage;
use crate::protocol::message::Reply;
use crate::sys::{clock::Deadline, signal};
use crate::task::Task;
use std::ffi::OsString;
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// A task that runs, or will run, in a process of its own.
///
/// Dropping it neither ends nor waits for the child: the end of the program does, or, for a daemon,
/// ends it. A child never outlives the process that started it.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn add(a: i32, b: i32) -> i32 {
///     a + b
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let mut process = mp::Process::new(add, (5, 7)).with_name("adder");
///     process.start()?;
///     assert_eq!(process.result()?, 12);
///     assert_eq!(process.exit_code(), Some(0));
///     Ok(())
/// }
/// ```
pub struct Process<T> {
    name: String,
    path: String,
    daemon: bool,
    leads_group: bool,
    authkey: AuthKey,
    /// The process that made this.
    creator: u32,
    environment: Vec<(OsString, OsString)>,
    method: Option<StartMethod>,
    arguments: Result<Arguments>,
    stage: Stage,
    task: PhantomData<T>,
}

impl<T: Task> Process<T> {
    /// A process that will run `task` with `arguments`, named "Process-N".
    ///
    /// It is not started yet. The arguments are encoded here; if that fails,
    /// [`start`](Self::start) says so.
    #[must_use = "a process does nothing until start() is called"]
    pub fn new(task: T, arguments: T::Args<'_>) -> Self {
        let _ = task;
        let path = identity::next_path();
        let identity = identity::current();
        Self {
            name: format!("Process-{path}"),
            path,
            daemon: identity.daemon && !identity.pooled,
            leads_group: false,
            authkey: identity::key(),
            creator: std::process::id(),
            environment: Vec::new(),
            method: None,
            arguments: Arguments::encode::<T>(&arguments),
            stage: Stage::Initial,
            task: PhantomData,
        }
    }

    /// Gives it a name: what [`current_process`](crate::current_process) says in the child, and
    /// what errors and messages call it. After the start it renames this object only.
    #[must_use = "a process does nothing until start() is called"]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Makes it a daemon, or not: one that is ended, not waited for, at the end of the program.
    ///
    /// Unless told otherwise a process is what its creator is; a main program is none, and what a
    /// pool's worker starts is none. After the start this changes nothing. Daemons may not start
    /// processes.
    #[must_use = "a process does nothing until start() is called"]
    pub fn with_daemon(mut self, daemon: bool) -> Self {
        if matches!(self.stage, Stage::Initial) {
            self.daemon = daemon;
        }
        self
    }

    /// Sets an environment variable for this child only. The rest of its environment is this
    /// process's at the moment of the start.
    #[must_use = "a process does nothing until start() is called"]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Makes the child lead a process group of its own, which ends with it: programs that its task has
    /// started by `std::process::Command` do not outlive it.
    ///
    /// Whatever still is in the group is killed when the child's end is noticed, by any method that
    /// tells of it or by the end of the program, however it ended; and when this process dies.
    /// [`terminate`](Self::terminate) and [`kill`](Self::kill) go to all of the group. A program that
    /// has left the group, by `setsid` or `setpgid`, is not found. Ctrl-C and Ctrl-Z at a terminal go
    /// to this process's group, and do not reach the child.
    #[must_use]
    pub fn with_process_group(mut self, own: bool) -> Self {
        self.leads_group = own;
        self
    }

    /// Sets how it is started; without this, as [`set_start_method`](crate::set_start_method) says at
    /// the moment of the start.
    #[must_use]
    pub fn with_start_method(mut self, method: StartMethod) -> Self {
        self.method = Some(method);
        self
    }

    /// Starts the child, and returns without waiting for it to run.
    ///
    /// # Errors
    ///
    /// [`AlreadyStarted`](ErrorKind::AlreadyStarted) the second time;
    /// [`Encode`](ErrorKind::Encode) if the arguments could not be encoded;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if an environment variable given to it cannot
    /// be one; [`DaemonicChild`](ErrorKind::DaemonicChild) inside a daemon;
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close);
    /// [`NotRunning`](ErrorKind::NotRunning) if the program is ending;
    /// [`Unsupported`](ErrorKind::Unsupported) if it never said [`mp::init`](crate::init) or stood
    /// under `#[mp::main]` or `#[mp::test]`, so that a child could not find its way; and
    /// [`Io`](ErrorKind::Io) if the operating system refused.
    pub fn start(&mut self) -> Result<()> {
        match self.stage {
            Stage::Initial => {}
            Stage::Started(_) => {
                let text = format!("process {} has been started already", self.name);
                return Err(Error::new(ErrorKind::AlreadyStarted, text));
            }
            Stage::Closed { .. } => return Err(self.closed()),
        }
        launch::check_environment(&self.environment)?;
        let _starting = exit::starting()?;
        let arguments = self.arguments.as_mut().map_err(|error| error.clone())?;
        let descriptors = arguments.descriptors();
        let child = Launch {
            task: T::__entry(),
            arguments: arguments.bytes(),
            name: &self.name,
            path: &self.path,
            daemon: self.daemon,
            pooled: false,
            leads_group: self.leads_group,
            authkey: self.authkey.clone(),
            environment: &self.environment,
            descriptors: &descriptors,
            method: self.method.unwrap_or_else(identity::start_method),
            role: Role::Task,
        }
        .start()?;
        child.keep(arguments.hand_over());
        self.stage = Stage::Started(child);
        Ok(())
    }

    /// Runs the task here, in this process and on this thread, as an ordinary call.
    ///
    /// # Errors
    ///
    /// [`Encode`](ErrorKind::Encode) or [`Decode`](ErrorKind::Decode) if the arguments would not
    /// have reached a child either; [`Closed`](ErrorKind::Closed) after [`close`](Self::close);
    /// [`AlreadyStarted`](ErrorKind::AlreadyStarted) if handles in them have gone to the child;
    /// [`Io`](ErrorKind::Io) if these could not be copied.
    pub fn run(&self) -> Result<T::Output> {
        if let Stage::Closed { .. } = self.stage {
            return Err(self.closed());
        }
        let arguments = self.arguments.as_ref().map_err(Clone::clone)?;
        let Some(attachments) = arguments.copies() else {
            let text = format!("process {} was started: it has the handles to run with", self.name);
            return Err(Error::new(ErrorKind::AlreadyStarted, text));
        };
        Ok(T::__call(codec::decode_with(arguments.bytes(), attachments?)?))
    }

    /// Waits until the child has ended, however it ended.
    ///
    /// # Errors
    ///
    /// [`NotStarted`](ErrorKind::NotStarted) before [`start`](Self::start);
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close).
    pub fn join(&self) -> Result<()> {
        self.child()?.join(None).map(drop)
    }

    /// Waits at most `timeout` and says whether the child has ended. It is not disturbed if not.
    ///
    /// # Errors
    ///
    /// [`NotStarted`](ErrorKind::NotStarted) before [`start`](Self::start);
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close).
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool> {
        self.child()?.join(Deadline::after(timeout))
    }

    /// Waits until the child has ended, and gives what the task returned. It can be asked again.
    ///
    /// # Errors
    ///
    /// [`NotStarted`](ErrorKind::NotStarted) before [`start`](Self::start);
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close);
    /// [`Panicked`](ErrorKind::Panicked) if the task panicked;
    /// [`WorkerDied`](ErrorKind::WorkerDied) if the process ended without a value, by a signal or
    /// by `std::process::exit`; [`Encode`](ErrorKind::Encode), [`Decode`](ErrorKind::Decode),
    /// [`UnknownTask`](ErrorKind::UnknownTask) if arguments or value did not get across;
    /// [`Io`](ErrorKind::Io) or [`Unsupported`](ErrorKind::Unsupported) if the child could not begin.
    pub fn result(&self) -> Result<T::Output> {
        let child = self.child()?;
        child.join(None)?;
        match child.reply()? {
            Some(reply) => {
                let reply = Reply::parse(&reply)?;
                let attachments = match reply {
                    Reply::Attached(_) => child.attachments()?,
                    _ => Attachments::default(),
                };
                codec::decode_value(reply.into_result(T::NAME, child.name())?, attachments)
            }
            None => {
                let code = child.exit_code().unwrap_or_default();
                let exit = WorkerExit::new(child.pid(), child.name().to_owned(), code);
                Err(Error::worker_died(T::NAME, exit))
            }
        }
    }

    /// Whether the child has been started and has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.stage.is_alive()
    }

    /// The child's process id, once it was started.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.stage.pid()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the child ended: its exit code, or -N if signal N ended it; `None` if it has not ended
    /// or was not started.
    ///
    /// 0: the task returned. 1: it returned an `Err`. 101: it panicked. What it gave to
    /// `std::process::exit`: the lowest eight bits of that. 70: it could not be run at all.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.stage.exit_code()
    }

    /// Whether it is a daemon.
    #[must_use]
    pub fn daemon(&self) -> bool {
        self.daemon
    }

    /// The key that its processes use to know each other: what
    /// [`current_process`](crate::current_process) had when this was made, and has in the child.
    #[must_use]
    pub fn authkey(&self) -> AuthKey {
        self.authkey.clone()
    }

    /// A descriptor that turns readable when the child has ended, and stays so; for poll(2) and
    /// what builds on it. Nothing is to be read from it.
    ///
    /// # Errors
    ///
    /// [`NotStarted`](ErrorKind::NotStarted) before [`start`](Self::start);
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close).
    pub fn sentinel(&self) -> Result<BorrowedFd<'_>> {
        self.child()?.sentinel()
    }

    /// Interrupts the child, by SIGINT, as Ctrl-C does: it ends, unless it has a handler for that.
    /// One that has ended is not touched.
    ///
    /// # Errors
    ///
    /// As [`terminate`](Self::terminate).
    pub fn interrupt(&self) -> Result<()> {
        self.child()?.signal(signal::SIGINT)
    }

    /// Asks the child to end, by SIGTERM. One that has ended is not touched.
    ///
    /// # Errors
    ///
    /// [`NotStarted`](ErrorKind::NotStarted) before [`start`](Self::start);
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close).
    pub fn terminate(&self) -> Result<()> {
        self.child()?.signal(signal::SIGTERM)
    }

    /// Ends the child at once, by SIGKILL. One that has ended is not touched.
    ///
    /// # Errors
    ///
    /// As [`terminate`](Self::terminate).
    pub fn kill(&self) -> Result<()> {
        self.child()?.signal(signal::SIGKILL)
    }

    /// Gives back what it holds of the system before it is dropped: its result is gone then.
    ///
    /// It may be closed again, and without having been started. Afterwards whatever can fail gives
    /// [`Closed`](ErrorKind::Closed), and what cannot keeps its last value.
    ///
    /// # Errors
    ///
    /// [`StillRunning`](ErrorKind::StillRunning) while the child lives: join it first.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::task]
    /// fn nothing() {}
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let mut process = mp::spawn(nothing, ())?;
    ///     process.join()?;
    ///     process.close()?;
    ///     assert_eq!(process.exit_code(), Some(0));
    ///     assert_eq!(process.join().unwrap_err().kind(), mp::ErrorKind::Closed);
    ///     Ok(())
    /// }
    /// ```
    pub fn close(&mut self) -> Result<()> {
        let (pid, exit_code) = (self.pid(), self.exit_code());
        match self.stage {
            Stage::Started(_) if exit_code.is_none() => {
                let text = format!("process {} still runs: join it before close()", self.name);
                return Err(Error::new(ErrorKind::StillRunning, text));
            }
            Stage::Closed { .. } => {}
            Stage::Initial | Stage::Started(_) => {
                self.arguments = Err(self.closed());
                self.stage = Stage::Closed { pid, exit_code };
            }
        }
        Ok(())
    }

    fn child(&self) -> Result<&Child> {
        match &self.stage {
            Stage::Started(child) => Ok(child),
            Stage::Initial => {
                let text =
                    format!("process {} has not been started: call start() first", self.name);
                Err(Error::new(ErrorKind::NotStarted, text))
            }
            Stage::Closed { .. } => Err(self.closed()),
        }
    }

    fn closed(&self) -> Error {
        Error::new(ErrorKind::Closed, format!("process {} is closed", self.name))
    }
}
