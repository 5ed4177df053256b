//! Signals that end this process for its own mistakes: a report first, then their default action, so that exit status and
//! core dump are what they would be without. What is reported is for `child::crash`.
//!
//! The handler may run in the middle of anything. It makes system calls and writes to statics; only the backtrace
//! allocates and locks, and a timer ends the process if that never comes to an end.
#![expect(unsafe_code, reason = "signal handlers and the stacks that they run on")]

use crate::sys::{check, own};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, OnceLock};

/// The signals that the kernel sends for a program's own mistakes, and abort's.
const SIGNALS: [i32; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGSYS,
    libc::SIGTRAP,
];
/// Of those, the ones for which std may have put a handler into place, which ours replaces.
const OF_STD: [i32; 2] = [libc::SIGSEGV, libc::SIGBUS];
/// How many seconds a report may take; then the process ends without the rest of it.
const LIMIT: i64 = 2;
/// The stack that a backtrace is given. The stacks on which std has its threads take signals have 8 KiB.
const ROOM: usize = 512 << 10;
/// A fault this near to the stack pointer is the stack's end: everywhere else there memory is mapped.
const NEAR: usize = 64 << 10;

/// What is known of a crash.
#[derive(Debug)]
pub(crate) struct Crash {
    pub(crate) signal: i32,
    pub(crate) cause: Cause,
    /// The name of the thread, padded with zeros, if it is not the process's first.
    pub(crate) thread: Option<[u8; 16]>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    /// An access to, or an instruction at, this address.
    Address(usize),
    /// As `Address`, at the end of the thread's stack.
    StackOverflow(usize),
    /// Sent by a process, this one or another.
    Sent(i32),
    Untold,
}

/// What is to be said of a crash, and how. The first runs as a signal handler does: without
/// allocating, without locks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) describe: fn(&Crash, &mut Line),
    pub(crate) backtrace: fn() -> String,
}

/// A line of text that takes no memory; what does not fit is cut off.
#[derive(Debug)]
pub(crate) struct Line {
    bytes: [u8; 2048],
    len: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = &mut self.bytes[self.len..];
        let len = text.len().min(free.len());
        free[..len].copy_from_slice(&text.as_bytes()[..len]);
        self.len += len;
        Ok(())
    }
}

static REPORT: OnceLock<Report> = OnceLock::new();
static LINE: Mutex<Line> = Mutex::new(Line { bytes: [0; 2048], len: 0 });
/// The thread that crashed first, and its signal.
static REPORTER: AtomicI32 = AtomicI32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Has crashes of this process reported from now on, those of the calling thread on a stack with room
/// for all of it. A handler that is set later takes the place of this.
pub(crate) fn install(report: Report) -> io::Result<()> {
    // There is one report in a program; a second call changes nothing.
    let _ = REPORT.set(report);
    let stack = map_stack()?;
    // SAFETY: the memory was mapped for this, and stays for as long as the process does.
    check(unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) }.into())?;
    for signal in SIGNALS {
        let before = handler_of(signal)?;
        if OF_STD.contains(&signal) || before == libc::SIG_DFL {
            set_handler(signal, on_crash as *const () as usize, libc::SA_SIGINFO)?;
        }
    }
    Ok(())
}

/// The handler. It returns to the place of the crash, where the signal that it has sent itself takes
/// its default action.
extern "C" fn on_crash(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let me = own::thread_id();
    // SAFETY: the kernel hands a handler with SA_SIGINFO both, which stay until it returns.
    let (info, context) = unsafe { (&*info, &*context.cast::<libc::ucontext_t>()) };
    match REPORTER.compare_exchange(0, me, SeqCst, SeqCst) {
        Ok(_) => {
            SIGNAL.store(signal, SeqCst);
            limit_time();
            write_line(&Crash { signal, cause: cause(signal, info, context), thread: name_of(me) });
            with_room(write_backtrace);
        }
        // It has crashed once more, inside the report.
        Err(reporter) if reporter == me => die(SIGNAL.load(SeqCst)),
        // Another thread's report ends the process; if that never comes, this does.
        Err(_) => wait_for_the_end(),
    }
    let _ = set_handler(signal, libc::SIG_DFL, 0);
    send_again(signal, info);
}

fn write_line(crash: &Crash) {
    // Only the reporter comes here, once: it is never locked.
    if let (Some(report), Ok(mut line)) = (REPORT.get(), LINE.try_lock()) {
        (report.describe)(crash, &mut line);
        let len = line.len.min(line.bytes.len() - 1);
        line.bytes[len] = b'\n';
        own::write_error(&line.bytes[..=len]);
    }
}

extern "C" fn write_backtrace() {
    if let Some(report) = REPORT.get() {
        own::write_error((report.backtrace)().as_bytes());
    }
}

fn cause(signal: i32, info: &libc::siginfo_t, context: &libc::ucontext_t) -> Cause {
    let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE].contains(&signal);
    if info.si_code <= 0 {
        // SAFETY: signals with such a code come from processes, and have this field.
        return Cause::Sent(unsafe { info.si_pid() });
    }
    // The kernel's own code, where it does not know the address: one that no address can be.
    if !faults || info.si_code == libc::SI_KERNEL {
        return Cause::Untold;
    }
    // SAFETY: signals for faults have this field.
    let address = unsafe { info.si_addr() }.addr();
    let stack = stack_pointer(context);
    if signal == libc::SIGSEGV && address.abs_diff(stack) < NEAR {
        return Cause::StackOverflow(address);
    }
    Cause::Address(address)
}

fn stack_pointer(context: &libc::ucontext_t) -> usize {
    #[cfg(target_arch = "x86_64")]
    let pointer = context.uc_mcontext.gregs[libc::REG_RSP as usize].cast_unsigned();
    #[cfg(target_arch = "aarch64")]
    let pointer = context.uc_mcontext.sp;
    usize::try_from(pointer).unwrap_or(0)
}

fn name_of(thread: i32) -> Option<[u8; 16]> {
    if thread.cast_unsigned() == std::process::id() {
        return None;
    }
    let mut name = [0_u8; 16];
    // SAFETY: the kernel writes at most 16 bytes to `name`, which is ours.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    Some(name)
}

/// Has the process end by its signal after a while, whatever the report waits for.
fn limit_time() {
    // Standard error may be a pipe that nobody reads any more.
    let _ = set_handler(libc::SIGPIPE, libc::SIG_IGN, 0);
    let _ = set_handler(libc::SIGALRM, on_alarm as *const () as usize, 0);
    set_timer(LIMIT);
    unblock(libc::SIGALRM);
}

fn set_timer(seconds: i64) {
    let never = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let after = libc::timeval { tv_sec: seconds, tv_usec: 0 };
    let timer = libc::itimerval { it_interval: never, it_value: after };
    // SAFETY: `timer` is ours, and borrowed for the call.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) };
}

extern "C" fn on_alarm(_: i32) {
    die(SIGNAL.load(SeqCst))
}

fn wait_for_the_end() {
    let time = libc::timespec { tv_sec: LIMIT + 1, tv_nsec: 0 };
    // SAFETY: `time` is ours, and borrowed for the call.
    unsafe { libc::nanosleep(&raw const time, ptr::null_mut()) };
}

/// Sends a signal to this thread once more, as it came: taken when the handler returns.
fn send_again(signal: i32, info: &libc::siginfo_t) {
    let (process, thread) = (std::process::id(), own::thread_id());
    let info = ptr::from_ref(info);
    // SAFETY: `info` is what the kernel has written for this signal, and borrowed for the call.
    let rc = unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, signal, info) };
    if check(rc).is_err() {
        die(signal);
    }
}

/// Ends the process by this signal, here and now.
fn die(signal: i32) -> ! {
    let _ = set_handler(signal, libc::SIG_DFL, 0);
    let (process, thread) = (std::process::id(), own::thread_id());
    // SAFETY: the call takes integers.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal) };
    unblock(signal);
    // SAFETY: the call takes an integer, and runs nothing of this program.
    unsafe { libc::_exit(128 + signal) }
}

fn handler_of(signal: i32) -> io::Result<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without an action the call only writes the present one, to what is ours.
    check(unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) }.into())?;
    // SAFETY: all zeros is a value of this type, and the call writes only such values.
    Ok(unsafe { action.assume_init() }.sa_sigaction)
}

fn set_handler(signal: i32, handler: libc::sighandler_t, flags: i32) -> io::Result<()> {
    // SAFETY: all zeros is a value of this type: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags | libc::SA_ONSTACK;
    // No other handler runs meanwhile: the kernel would give it the very stack that ours stands on,
    // which it does not see from the new one.
    // SAFETY: fills the set, which is ours.
    unsafe { libc::sigfillset(&raw mut action.sa_mask) };
    for passed in SIGNALS.into_iter().chain([libc::SIGALRM]) {
        // SAFETY: the set was filled above, and the numbers are valid.
        unsafe { libc::sigdelset(&raw mut action.sa_mask, passed) };
    }
    // SAFETY: `handler` is a constant, or one of the two functions here that are made to be handlers,
    // with the flag that its parameters need.
    check(unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) }.into()).map(drop)
}

fn unblock(signal: i32) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call initialises the set, and cannot fail; the signal's number is valid; the
    // last one reads the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
    }
}

/// Runs `f`, on a new stack if the present one is a small one for signals.
fn with_room(f: extern "C" fn()) {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: without a new stack the call only writes the present one, to what is ours.
    unsafe { libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) };
    // SAFETY: all zeros is a value of this type, and the call writes only such values.
    let stack = unsafe { stack.assume_init() };
    if stack.ss_flags & libc::SS_ONSTACK == 0 || stack.ss_size >= ROOM {
        f();
    } else if let Ok(new) = map_stack() {
        // SAFETY: the upper end of memory that was mapped for this, aligned as a page is.
        unsafe { mp_runtime_call_on(f, new.ss_sp.wrapping_byte_add(ROOM)) };
    }
}

unsafe extern "C" {
    /// Calls `f` with the stack that ends at `top`, and comes back. What unwinds finds the way back, too.
    fn mp_runtime_call_on(f: extern "C" fn(), top: *mut libc::c_void);
}

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".text",
    ".globl mp_runtime_call_on",
    ".hidden mp_runtime_call_on",
    ".type mp_runtime_call_on, @function",
    "mp_runtime_call_on:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "mov rsp, rsi",
    "call rdi",
    "mov rsp, rbp",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size mp_runtime_call_on, . - mp_runtime_call_on",
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".text",
    ".globl mp_runtime_call_on",
    ".hidden mp_runtime_call_on",
    ".type mp_runtime_call_on, %function",
    "mp_runtime_call_on:",
    ".cfi_startproc",
    "stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset x29, -16",
    ".cfi_offset x30, -8",
    "mov x29, sp",
    ".cfi_def_cfa x29, 16",
    "mov sp, x1",
    "blr x0",
    "mov sp, x29",
    "ldp x29, x30, [sp], #16",
    ".cfi_def_cfa sp, 0",
    "ret",
    ".cfi_endproc",
    ".size mp_runtime_call_on, . - mp_runtime_call_on",
);

/// Memory for a stack, with a page below it that cannot be accessed. It is never given back.
fn map_stack() -> io::Result<libc::stack_t> {
    const GUARD: usize = 64 << 10;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
    // SAFETY: a new mapping, wherever there is room for it.
    let memory =
        unsafe { libc::mmap(ptr::null_mut(), GUARD + ROOM, libc::PROT_NONE, flags, -1, 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let stack = memory.wrapping_byte_add(GUARD);
    // SAFETY: the upper part of the mapping just made, which nobody uses yet.
    check(unsafe { libc::mprotect(stack, ROOM, libc::PROT_READ | libc::PROT_WRITE) }.into())?;
    Ok(libc::stack_t { ss_sp: stack, ss_flags: 0, ss_size: ROOM })
}
