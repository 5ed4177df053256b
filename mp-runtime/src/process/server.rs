//! This process's fork server, from outside: started when it is first needed, given orders, replaced when it has died,
//! ended. What it does inside is in `child::serve`, what is started by it in `launch`.

use crate::child::serve::NAME;
use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result, WorkerExit};
use crate::identity::{self, AuthKey, StartMethod};
use crate::log;
use crate::process::children::Child;
use crate::process::exit;
use crate::process::launch::{Launch, Role};
use crate::protocol::fork::{self, Answer, Kind};
use crate::protocol::handshake::{self, Bootstrap};
use crate::protocol::message::Reply;
use crate::sys::clock::Deadline;
use crate::sys::memory::{Memory, Shared};
use crate::sys::surroundings::{self, Fixed};
use crate::sys::{own, poll, signal, socket};
use crate::task::Task;
use crate::task::registry::{self, Entry};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many servers that die of one start are enough.
const TRIES: u32 = 3;
/// A server that does not fork for so long is stopped by somebody, or out of order.
const PATIENCE: Duration = Duration::from_secs(10);

static STATE: Mutex<State> = Mutex::new(State { server: None, preloads: Vec::new() });

/// The task of a server's bootstrap, which it does not run.
static SERVER: Entry = Entry::internal("mp::fork_server", |_, _, _| {});

inventory::submit! { registry::Registration(&SERVER) }

struct State {
    server: Option<Server>,
    /// In the order in which they are run.
    preloads: Vec<Preload>,
}

struct Server {
    child: Arc<Child>,
    /// Where the kernel writes the pid of what is forked.
    page: Shared,
    /// What its children cannot be given, as it was at its start.
    fixed: Fixed,
    /// The process that started it, by its forks.
    owner: u32,
    /// How many of the preloads it has run.
    preloaded: usize,
}

struct Preload {
    task: &'static Entry,
    name: &'static str,
    arguments: Vec<u8>,
    attachments: Attachments,
}

/// Has `task` run with `arguments` once in the fork server, before it starts anything more: what the
/// task leaves in statics is there in every process and pool worker started by
/// [`StartMethod::ForkServer`](crate::StartMethod::ForkServer) from then on, without being loaded or
/// copied again.
///
/// It is run at the next such start, or by [`start`]; several are run in the order in which they
/// were registered, and again in a server that takes a dead one's place. What it prints appears
/// once; files that it leaves open are open in the children too.
///
/// # Errors
///
/// [`Encode`](ErrorKind::Encode) if the arguments cannot be encoded. What goes wrong when it is run,
/// the start says that needed it: [`Panicked`](ErrorKind::Panicked);
/// [`WorkerDied`](ErrorKind::WorkerDied) if it ended the server;
/// [`Unsupported`](ErrorKind::Unsupported) if it has left a thread running, which copies would not have.
///
/// # Examples
///
/// ```
/// use std::sync::OnceLock;
///
/// static WORDS: OnceLock<Vec<String>> = OnceLock::new();
///
/// #[mp::task]
/// fn load(text: &str) {
///     WORDS.get_or_init(|| text.split(' ').map(String::from).collect());
/// }
///
/// #[mp::task]
/// fn longest() -> Option<usize> {
///     WORDS.get()?.iter().map(String::len).max()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     mp::fork_server::preload(load, "a few words")?;
///     let pool = mp::Pool::builder().start_method(mp::StartMethod::ForkServer).build()?;
///     assert_eq!(pool.apply(longest, ())?, Some(5));
///     assert_eq!(longest(), None); // not loaded in this process
///     Ok(())
/// }
/// ```
pub fn preload<T: Task<Output = ()>>(task: T, arguments: T::Args<'_>) -> Result<()> {
    let _ = task;
    let (mut bytes, mut attachments) = (Vec::new(), Attachments::for_many());
    codec::encode_with(&arguments, &mut bytes, &mut attachments)?;
    let preload = Preload { task: T::__entry(), name: T::NAME, arguments: bytes, attachments };
    state().preloads.push(preload);
    Ok(())
}

/// Starts the fork server, if it is not there, and has it run what was to be [`preload`]ed, so that
/// the next start need not wait for that.
///
/// # Errors
///
/// As [`Process::start`](crate::Process::start), and those of [`preload`].
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     mp::set_start_method(mp::StartMethod::ForkServer);
///     mp::fork_server::start()?;
///     let pool = mp::Pool::new(2)?; // two copies of what is there
///     # drop(pool);
///     Ok(())
/// }
/// ```
pub fn start() -> Result<()> {
    let _starting = exit::starting()?;
    state().ready().map(drop)
}

/// Ends the fork server, if it is there, and gives back what it holds. What it has started goes on,
/// and the next start by it starts it anew. The end of the program does this by itself.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn nothing() {}
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     mp::set_start_method(mp::StartMethod::ForkServer);
///     mp::spawn(nothing, ())?.join()?;
///     mp::fork_server::stop();
///     Ok(())
/// }
/// ```
pub fn stop() {
    state().end();
}

/// Has the server fork a child with these descriptors: bootstrap, lifeline, post, and those of the
/// arguments. Gives its pid, or `None` if no server lives long enough and none is needed.
pub(crate) fn fork(descriptors: &[BorrowedFd<'_>]) -> Result<Option<u32>> {
    let io = |error| Error::io("the fork server could not be asked for a process", error);
    let standing = surroundings::standing().map_err(io)?;
    let (own, of_arguments) = descriptors.split_at(descriptors.len().min(3));
    let mut all = own.to_vec();
    all.extend(standing.iter().map(AsFd::as_fd));
    all.extend(of_arguments);
    let mut state = state();
    for _ in 0..TRIES {
        let server = state.ready()?;
        match server.ask(Kind::Fork, &all, Deadline::after(PATIENCE)).map_err(io) {
            Ok(Some(Answer::Forked(pid))) if pid == server.told() => return Ok(Some(pid)),
            Ok(Some(Answer::Threads)) => {
                state.end();
                let text = "the fork server has more than one thread, which copies would not have";
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
            Ok(Some(Answer::Refused(number))) => {
                return Err(io(io::Error::from_raw_os_error(number)));
            }
            Ok(_) => {}
            Err(error) => {
                state.end();
                return Err(error);
            }
        }
        // Whatever it has done last, it has done: the kernel has told us, if it was a fork.
        if let Some(pid) = state.end() {
            return Ok(Some(pid));
        }
    }
    if state.preloads.is_empty() {
        return Ok(None);
    }
    let text = format!("the fork server does not live: {TRIES} of them have died of one start");
    Err(Error::new(ErrorKind::Broken, text))
}

fn state() -> MutexGuard<'static, State> {
    // Nothing here panics while it holds the lock.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The server, alive, like this process, and with everything loaded.
    fn ready(&mut self) -> Result<&Server> {
        let io = |error| Error::io("this process's ids could not be read", error);
        let fixed = Fixed::here().map_err(io)?;
        let usable = self.server.as_ref().is_some_and(|server| {
            server.is_ours() && server.fixed == fixed && server.child.exit_code().is_none()
        });
        if !usable {
            self.end();
            self.server = Some(Server::start(fixed)?);
        }
        let server = self.server.as_mut().expect("there, or just started");
        let mut done = Ok(());
        while let Some(preload) = self.preloads.get(server.preloaded)
            && done.is_ok()
        {
            done = server.preload(preload);
            server.preloaded += 1;
        }
        if let Err(error) = done {
            self.end();
            return Err(error);
        }
        Ok(self.server.as_ref().expect("there, or just started"))
    }

    /// Ends the server, and waits for that; gives the pid of what it has forked by the last order.
    fn end(&mut self) -> Option<u32> {
        let server = self.server.take()?;
        if !server.is_ours() {
            return None;
        }
        server.kill();
        Some(server.told()).filter(|pid| *pid != 0)
    }
}

impl Server {
    fn start(fixed: Fixed) -> Result<Self> {
        let io = |error| Error::io("the memory of the fork server could not be set up", error);
        let memory = Memory::with_len(NAME, size_of::<u32>() as u64).map_err(io)?;
        let page = Shared::map(&memory, 0, size_of::<u32>()).map_err(io)?;
        let child = Launch {
            task: &SERVER,
            arguments: &[],
            name: NAME,
            path: "",
            daemon: true,
            pooled: true,
            leads_group: false,
            authkey: identity::key(),
            environment: &[],
            descriptors: &[memory.as_fd()],
            method: StartMethod::Reexec,
            role: Role::ForkServer,
        }
        .start()?;
        Ok(Self { child, page, fixed, owner: own::forks(), preloaded: 0 })
    }

    /// Whether it is a child of this process, not of one that this is a copy of.
    fn is_ours(&self) -> bool {
        self.owner == own::forks()
    }

    /// Ends it, and waits for that. It holds nothing that is to be tidied.
    fn kill(&self) {
        // A process that has dropped its rights may not kill it any more, but it ends by itself when
        // nobody can give it orders.
        socket::shut_down(self.child.post());
        let _ = self.child.signal(signal::SIGKILL);
        // An error would come from poll itself.
        let _ = self.child.join(Deadline::after(PATIENCE));
    }

    /// The pid of what the last order has forked, 0 if nothing. For a server that has answered or ended.
    fn told(&self) -> u32 {
        self.page.u32(0).load(Ordering::SeqCst)
    }

    /// Gives an order and waits for the answer; `None` if none comes, after which it must be ended.
    fn ask(
        &self,
        kind: Kind,
        descriptors: &[BorrowedFd<'_>],
        deadline: Option<Deadline>,
    ) -> io::Result<Option<Answer>> {
        self.page.u32(0).store(0, Ordering::SeqCst);
        match fork::order(self.child.post(), kind, descriptors) {
            Err(error) if is_gone(&error) => return Ok(None),
            other => other?,
        }
        let mut both = vec![self.child.post()];
        both.extend(self.child.handle());
        poll::readable(&both, deadline)?;
        // What it sent before it ended is still there; nonsense is no answer.
        Ok(fork::take_answer(self.child.post()).unwrap_or_default())
    }

    fn preload(&self, preload: &Preload) -> Result<()> {
        let io = |error| Error::io(format!("task {} could not be preloaded", preload.name), error);
        let told = Bootstrap {
            fingerprint: registry::table()?.fingerprint(),
            task: preload.task.key(),
            name: NAME,
            path: "",
            daemon: true,
            pooled: true,
            parent_pid: std::process::id(),
            parent_name: &identity::current().name,
            parent_daemon: identity::current().daemon,
            parent_number: 0,
            authkey: AuthKey::from(Vec::new()),
            lifeline: -1,
            post: -1,
            commons: None,
            descriptors: Vec::new(),
            forks: false,
            serves: true,
            helps: None,
            tree: identity::tree()
                .map_err(|error| Error::io("this process's tree is not known", error))?,
            log: &log::told(),
            around: None,
        };
        let (memory, layout) = handshake::write(&told, &preload.arguments)?;
        let mut descriptors = vec![memory.as_fd()];
        descriptors.extend(preload.attachments.descriptors().map(AsFd::as_fd));
        match self.ask(Kind::Preload, &descriptors, None).map_err(io)? {
            Some(Answer::Loaded) => {
                let reply = handshake::read_reply(&memory, layout).map_err(io)?;
                let reply = reply.unwrap_or_default();
                Reply::parse(&reply)?.into_result(preload.name, NAME).map(drop)
            }
            Some(Answer::Threads) => {
                let text = format!(
                    "task {} has left a thread running in the fork server, which copies would not \
                     have: join it, or do this work in each process",
                    preload.name
                );
                Err(Error::new(ErrorKind::Unsupported, text))
            }
            Some(Answer::Refused(number)) => Err(io(io::Error::from_raw_os_error(number))),
            Some(Answer::Forked(_)) | None => {
                // Ended by itself, or out of order and then by this.
                self.kill();
                let code = self.child.exit_code().unwrap_or_default();
                let exit = WorkerExit::new(self.child.pid(), NAME.to_owned(), code);
                Err(Error::worker_died(preload.name, exit))
            }
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
