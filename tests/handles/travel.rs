//! Handles that arrive: at any depth, to a starting child and to a running worker, and back.

use crate::{Thrice, file, read, watched};
use mp::{Fd, Pool, Process};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    title: String,
    first: Fd<File>,
    maybe: Option<Fd<File>>,
    none: Option<Fd>,
    more: Vec<(u8, Fd<OwnedFd>)>,
    named: HashMap<String, Input>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Input {
    Text(String),
    File { file: Fd<File> },
}

fn job() -> Job {
    let owned = |text| Fd::new(OwnedFd::from(file(text)));
    let named = [
        ("text".to_owned(), Input::Text("six".to_owned())),
        ("file".to_owned(), Input::File { file: file("five").into() }),
    ];
    Job {
        title: "one".to_owned(),
        first: file("two").into(),
        maybe: Some(file("three").into()),
        none: None,
        more: vec![(4, owned("four")), (7, owned("seven"))],
        named: named.into(),
    }
}

#[mp::task]
fn read_job(job: Job, last: Fd<File>) -> String {
    let Job { title, first, maybe, none, more, mut named } = job;
    assert!(none.is_none());
    let mut words = vec![title, read(&*first), read(maybe.expect("there is one").into_inner())];
    words.extend(
        more.into_iter().map(|(n, fd)| format!("{n}{}", read(File::from(fd.into_inner())))),
    );
    for key in ["text", "file"] {
        words.push(match named.remove(key).expect("both are there") {
            Input::Text(text) => text,
            Input::File { file } => read(file.into_inner()),
        });
    }
    words.push(read(last.into_inner()));
    words.join(" ")
}

const JOB: &str = "one two three 4four 7seven six five eight";

#[mp::test]
fn task_15_handles_at_any_depth_reach_a_starting_child() {
    watched(|| {
        let process = mp::spawn(read_job, (job(), file("eight").into())).unwrap();
        assert_eq!(process.result().unwrap(), JOB);
    });
}

#[mp::test]
fn task_15_handles_at_any_depth_reach_a_running_worker() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let handles: Vec<_> =
            (0..20).map(|_| pool.submit(read_job, (job(), file("eight").into()))).collect();
        handles.iter().for_each(|handle| assert_eq!(handle.get().unwrap(), JOB));
    });
}

#[mp::task]
fn one_byte_each(three: Thrice) -> String {
    let mut bytes = [0; 3];
    for (mut file, byte) in three.all().zip(bytes.chunks_mut(1)) {
        file.read_exact(byte).unwrap();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[mp::test]
fn task_16_one_handle_three_times_is_three_copies_of_one() {
    watched(|| {
        let process = mp::spawn(one_byte_each, Thrice::from(Fd::new(file("abc")))).unwrap();
        assert_eq!(process.result().unwrap(), "abc", "they share the position");
        let pool = Pool::new(1).unwrap();
        let text = pool.apply(one_byte_each, Thrice::from(Fd::new(file("xyz")))).unwrap();
        assert_eq!(text, "xyz");
    });
}

#[mp::task]
fn open(text: &str) -> (Fd<File>, Vec<Fd<PipeReader>>) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    (file(text).into(), vec![reader.into()])
}

#[mp::test]
fn task_15_handles_come_back_in_the_result_of_a_process_and_can_be_asked_for_again() {
    watched(|| {
        let process = mp::spawn(open, "text").unwrap();
        let (file, pipes) = process.result().unwrap();
        let (mut again, more) = process.result().unwrap();
        drop(process);
        assert_eq!(read(file.into_inner()), "text");
        assert_eq!(read(pipes.into_iter().next().unwrap().into_inner()), "text");
        assert_eq!(read(&mut *again), "", "the same open file, at its end");
        assert_eq!(read(more.into_iter().next().unwrap().into_inner()), "");
    });
}

#[mp::test]
fn task_15_handles_come_back_from_a_worker_to_callback_and_handle() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let handles: Vec<_> = (0..30)
            .map(|i| {
                let tell = tell.clone();
                pool.apply_async(open, &format!("call {i}"), move |(file, _)| {
                    tell.send((i, file)).unwrap();
                })
            })
            .collect();
        for (i, handle) in handles.iter().enumerate() {
            let (_, pipes) = handle.get().unwrap();
            assert_eq!(read(pipes.into_iter().next().unwrap().into_inner()), format!("call {i}"));
        }
        for (i, file) in told.iter().take(30) {
            assert_eq!(read(file.into_inner()), format!("call {i}"));
        }
    });
}

#[mp::task]
fn greet_all(
    tcp: Fd<TcpStream>,
    listener: Fd<TcpListener>,
    udp: Fd<UdpSocket>,
    unix: Fd<UnixStream>,
    writer: Fd<PipeWriter>,
) {
    tcp.into_inner().write_all(b"tcp").unwrap();
    listener.accept().unwrap().0.write_all(b"listener").unwrap();
    udp.send(b"udp").unwrap();
    unix.into_inner().write_all(b"unix").unwrap();
    writer.into_inner().write_all(b"pipe").unwrap();
}

#[mp::test]
fn task_15_sockets_listeners_and_pipes_are_live_in_the_child() {
    watched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ours = TcpStream::connect(address).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let (our_unix, unix) = UnixStream::pair().unwrap();
        let (reader, writer) = pipe().unwrap();
        let waiting = TcpStream::connect(address).unwrap();
        let arguments = (theirs.into(), listener.into(), sender.into(), unix.into(), writer.into());
        let process = mp::spawn(greet_all, arguments).unwrap();
        process.result().unwrap();
        let mut datagram = [0; 3];
        receiver.recv(&mut datagram).unwrap();
        assert_eq!(&datagram, b"udp");
        let rest = [read(ours), read(waiting), read(our_unix), read(reader)];
        assert_eq!(rest, ["tcp", "listener", "unix", "pipe"]);
    });
}

#[mp::test]
fn proc_33_a_process_run_here_has_copies_of_its_own() {
    watched(|| {
        let mut process = Process::new(read_job, (job(), file("eight").into()));
        assert_eq!(process.run().unwrap(), JOB);
        process.start().unwrap();
        // The same open files, which the first run has read to their ends.
        assert_eq!(process.result().unwrap(), "one   4 7 six  ");
        let error = process.run().unwrap_err();
        assert_eq!(error.kind(), mp::ErrorKind::AlreadyStarted, "{error}");
    });
}
