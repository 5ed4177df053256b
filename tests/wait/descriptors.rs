//! Sockets, pipes and the ends of processes.

use crate::watched;
use mp::{ErrorKind, Fd};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const LONG: Option<Duration> = Some(Duration::from_secs(60));
const NOW: Option<Duration> = Some(Duration::ZERO);

/// Ends when the other end of its pipe is gone.
#[mp::task]
fn stay(gate: Fd<PipeReader>) {
    let mut gate = gate.into_inner();
    let _ = gate.read(&mut [0]);
}

fn stays() -> (mp::Process<stay>, PipeWriter) {
    let (theirs, ours) = pipe().unwrap();
    (mp::spawn(stay, theirs.into()).unwrap(), ours)
}

#[mp::test]
fn conn_20_all_that_are_ready_are_given_and_stay_so() {
    watched(|| {
        let (one, mut other) = UnixStream::pair().unwrap();
        let (reader, writer) = pipe().unwrap();
        let (process, gate) = stays();
        let items: [&dyn mp::Waitable; 3] = [&one, &reader, &process];
        assert_eq!(mp::wait(&items, NOW).unwrap(), [0; 0]);
        other.write_all(b"x").unwrap();
        assert_eq!(mp::wait(&items, LONG).unwrap(), [0]);
        assert_eq!(mp::wait(&items, None).unwrap(), [0], "nothing was taken");
        drop(writer);
        // A process that starts just now has a copy of the other end until it runs its program.
        assert_eq!(mp::wait(&[&reader], LONG).unwrap(), [0], "an end is ready");
        assert_eq!(mp::wait(&items, LONG).unwrap(), [0, 1]);
        drop(gate);
        process.join().unwrap();
        assert_eq!(mp::wait(&items, LONG).unwrap(), [0, 1, 2]);
    });
}

#[mp::test]
fn conn_20_a_wait_ends_with_the_first_and_with_its_time() {
    watched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (process, gate) = stays();
        let start = Instant::now();
        let brief = Some(Duration::from_millis(30));
        assert_eq!(mp::wait(&[&listener, &process], brief).unwrap(), [0; 0]);
        assert!(start.elapsed() >= Duration::from_millis(30));
        let address = listener.local_addr().unwrap();
        let client = std::thread::spawn(move || TcpStream::connect(address));
        assert_eq!(mp::wait(&[&listener, &process], LONG).unwrap(), [0]);
        client.join().unwrap().unwrap();
        drop(gate);
        assert_eq!(mp::wait(&[&process], None).unwrap(), [0]);
        assert_eq!(mp::wait(&[], NOW).unwrap(), [0; 0]);
        assert_eq!(mp::wait(&[], brief).unwrap(), [0; 0]);
    });
}

#[mp::test]
fn conn_20_what_cannot_be_waited_for_is_an_error() {
    watched(|| {
        let (theirs, _ours) = pipe().unwrap();
        let mut process = mp::Process::new(stay, theirs.into());
        let error = mp::wait(&[&process], NOW).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotStarted);
        process.start().unwrap();
        process.kill().unwrap();
        process.join().unwrap();
        process.close().unwrap();
        assert_eq!(mp::wait(&[&process], NOW).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(mp::wait(&[], None).unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}
