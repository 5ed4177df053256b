//! Workers that write nonsense where descriptors travel: it costs their own task.

use crate::support::gate::{Gate, stop_at};
use crate::support::{Footprint, scenario};
use crate::{file, read, watched};
use mp::{ErrorKind, Fd, Pool};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// The socket to the parent.
fn post() -> UnixDatagram {
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap());
    let mut sockets = entries.filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    });
    let number = sockets.next().expect("a worker has one").file_name();
    let number: i32 = number.to_str().unwrap().parse().unwrap();
    assert!(sockets.next().is_none(), "and only one");
    #[expect(unsafe_code, reason = "takes over a descriptor of the library's, to misuse it")]
    // SAFETY: a copy, made for this test.
    let copy = unsafe { OwnedFd::from_raw_fd(libc::dup(number)) };
    copy.into()
}

#[mp::task]
fn send(messages: Vec<Vec<u8>>) {
    let socket = post();
    for message in messages {
        // The parent may have had enough.
        let _ = socket.send(&message);
    }
    // Until it is killed.
    loop {
        std::thread::park();
    }
}

#[mp::task]
fn send_and_return(messages: Vec<Vec<u8>>) {
    let socket = post();
    messages.iter().for_each(|message| assert!(socket.send(message).is_ok()));
}

#[mp::task]
fn close() {
    let _ = post().shutdown(std::net::Shutdown::Both);
}

#[mp::task]
fn text_of(file: Fd<File>) -> Fd<File> {
    let mut result = crate::file(&read(file.into_inner()));
    result.write_all(b"").unwrap();
    result.into()
}

fn words(words: [u32; 5]) -> Vec<u8> {
    words.map(u32::to_le_bytes).concat()
}

#[track_caller]
fn assert_works(pool: &Pool) {
    let back = pool.apply(text_of, file("text").into()).unwrap();
    assert_eq!(read(back.into_inner()), "text");
}

#[mp::test]
fn pool_47_a_worker_that_sends_nonsense_is_replaced_and_costs_its_own_task() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        for nonsense in [vec![7; 3], words([9, 0, 0, 0, 0]), words([2, 0, 1, 1, 2]), vec![1; 4000]]
        {
            let error = pool.apply(send, vec![nonsense]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
            assert_works(&pool);
        }
    });
}

#[mp::test]
fn pool_47_a_worker_that_asks_for_what_is_not_its_own_gets_nothing() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let asks: Vec<_> = (0..100).map(|slot| words([1, slot, 1, 0, 0])).collect();
        pool.apply(send_and_return, asks).unwrap();
        let parts: Vec<_> = (0..100).map(|slot| words([2, slot, 1, 1, 0])).collect();
        pool.apply(send_and_return, parts).unwrap();
        for _ in 0..3 {
            assert_works(&pool);
        }
    });
}

#[mp::test]
fn pool_47_a_worker_that_asks_and_never_reads_is_killed() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let asks = (0..100_000).map(|_| words([1, 0, 1, 0, 0])).collect();
        let error = pool.apply(send, asks).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
        assert_works(&pool);
    });
}

#[mp::test]
fn pool_47_a_worker_that_closes_its_socket_keeps_the_parent_idle() {
    let program = scenario!(|| {
        let before = Footprint::now();
        let pool = Pool::new(1).unwrap();
        pool.apply(close, ()).unwrap();
        let looks = (0..100).filter(|_| {
            std::thread::sleep(Duration::from_millis(3)); // work: what a busy loop would not sleep
            supervisor_runs()
        });
        println!("running {}", looks.count());
        let error = pool.apply(text_of, file("x").into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        pool.terminate();
        pool.join().unwrap();
        drop(pool);
        before.assert_restored(Duration::from_secs(10));
    });
    let finished = program.run();
    finished.assert_success();
    // Not its CPU time, which is as little as a busy machine gives it.
    let running: u32 = finished.value("running ").parse().unwrap();
    assert!(running < 20, "at {running} of 100 looks");
}

/// Whether the thread that looks after the workers is running, or would if it had a core.
fn supervisor_runs() -> bool {
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let mut stats = threads.filter_map(|path| fs::read_to_string(path.join("stat")).ok());
    let stat = stats.find(|stat| stat.contains("(mp-supervisor)")).expect("it is there");
    stat.contains(") R ")
}

/// Sends one descriptor beside each message.
fn send_null_with(socket: &UnixDatagram, message: &[u8]) -> bool {
    use std::os::fd::AsRawFd;
    let null = File::open("/dev/null").unwrap();
    let mut part =
        libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() };
    #[repr(align(8))]
    struct Space([u8; 24]);
    let mut space = Space([0; 24]);
    #[expect(unsafe_code, reason = "a message as the library's, that the library would not send")]
    // SAFETY: the header points to the message and to a space in which one descriptor has room, and
    // both outlive the call.
    let sent = unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
        (header.msg_control, header.msg_controllen) = (space.0.as_mut_ptr().cast(), 24);
        let first = libc::CMSG_FIRSTHDR(&raw const header);
        (*first).cmsg_level = libc::SOL_SOCKET;
        (*first).cmsg_type = libc::SCM_RIGHTS;
        (*first).cmsg_len = libc::CMSG_LEN(4) as _;
        libc::CMSG_DATA(first).cast::<i32>().write_unaligned(null.as_raw_fd());
        libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL)
    };
    sent >= 0
}

#[mp::task]
fn send_nulls_and_stop(messages: Vec<Vec<u8>>, gate: &str) {
    let socket = post();
    messages.iter().for_each(|message| assert!(send_null_with(&socket, message)));
    // What is asked for after them comes when they were read.
    socket.send(&words([1, 70, 1, 0, 0])).unwrap();
    assert_eq!(socket.recv(&mut [0; 20]).unwrap(), 20);
    stop_at(gate);
}

#[mp::task]
fn send_nulls(messages: Vec<Vec<u8>>) {
    let socket = post();
    for message in messages {
        // The parent may have had enough.
        let _ = send_null_with(&socket, &message);
    }
    loop {
        std::thread::park();
    }
}

#[mp::task]
fn stop(gate: &str) {
    stop_at(gate);
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[mp::test]
fn pool_47_descriptors_for_what_is_no_call_of_the_sender_are_closed() {
    let program = scenario!(|| {
        let pool = Pool::new(2).unwrap();
        let (gate, other_gate) = (Gate::new(), Gate::new());
        let other = pool.submit(stop, other_gate.name());
        let other_guest = other_gate.next();
        let one = pool.submit(stop, gate.name());
        gate.next().release();
        one.get().unwrap();
        let before = descriptors();
        // Slots that hold no call, and that of the other worker's call, in the first generations.
        let of_none = (50..150).map(|slot| words([2, slot, 1, 1, 1]));
        let of_other = (0..10).map(|slot| words([2, slot, 1, 1, 1]));
        let messages = of_none.chain(of_other).collect();
        let sender = pool.submit(send_nulls_and_stop, (messages, gate.name()));
        let guest = gate.next();
        // The gate's own connection is one.
        assert_eq!(descriptors(), before + 1);
        guest.release();
        sender.get().unwrap();
        other_guest.release();
        other.get().unwrap();
        // For its own call, more than that has results.
        let messages = (0..10).flat_map(|slot| {
            (0..6).flat_map(move |generation| vec![words([2, slot, generation, 1, 1]); 2])
        });
        let error = pool.apply(send_nulls, messages.collect()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
        assert_works(&pool);
    });
    program.run().assert_success();
}
