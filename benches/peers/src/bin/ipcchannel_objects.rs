//! ipc-channel: its typed channels, with `bytes` as third argument its channels of bytes, and its shared memory. The
//! other process is this program again.

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory};
use peers::objects::{MESSAGE, Small, bytes, numbers, sum_bytes, thousands};
use peers::{Asked, all_ascii, gibibytes, median, millions, tell};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::process::{Child, Command};
use std::time::Duration;

/// Tells the other process from the main one; the name of the main one's socket follows.
const OTHER: &str = "ipc-channel-other";

/// What the other process does, and so many times.
#[derive(Serialize, Deserialize)]
enum Part {
    Small(IpcReceiver<Small>, u64),
    Number(IpcReceiver<u64>, u64),
    Large(IpcReceiver<Vec<u8>>, u64),
    Bytes(IpcBytesReceiver, u64),
    Echo(IpcReceiver<Small>, IpcSender<Small>),
    Sum(IpcReceiver<IpcSharedMemory>),
}

type Ends = (IpcSender<Part>, IpcReceiver<u64>);

fn all<T>(count: u64, recv: impl Fn() -> Result<T, ipc_channel::IpcError>, take: impl Fn(T)) -> u64 {
    (0..count).for_each(|_| take(recv().expect("the main process is there")));
    count
}

fn other(server: String) {
    let first = IpcSender::<Ends>::connect(server).expect("the main process waits");
    let (give, part) = ipc::channel().expect("channels are to be had");
    let (answer, answers) = ipc::channel().expect("channels are to be had");
    first.send((give, answers)).expect("the main process waits");
    let done = |count| answer.send(count).expect("the main process waits");
    match part.recv().expect("the main process waits") {
        Part::Small(messages, count) => done(all(count, || messages.recv(), |message| _ = black_box(message))),
        Part::Number(messages, count) => done(all(count, || messages.recv(), |number| _ = black_box(number))),
        Part::Large(messages, count) => done(all(count, || messages.recv(), |bytes| assert!(all_ascii(&bytes)))),
        Part::Bytes(messages, count) => done(all(count, || messages.recv(), |bytes| assert!(all_ascii(&bytes)))),
        Part::Echo(asks, answers) => {
            while let Ok(message) = asks.recv() {
                answers.send(message).expect("the main process waits");
            }
        }
        Part::Sum(asks) => {
            while let Ok(memory) = asks.recv() {
                done(sum_bytes(&memory));
            }
        }
    }
}

/// The other process, with its part to do, and its answers.
fn start(part: Part) -> (Child, IpcReceiver<u64>) {
    let (server, name) = IpcOneShotServer::<Ends>::new().expect("a server starts");
    let child = Command::new("/proc/self/exe").args([OTHER, &name]).spawn().expect("it starts");
    let (_, (give, answers)) = server.accept().expect("it connects");
    give.send(part).expect("it waits");
    (child, answers)
}

fn one_way<T: Serialize + for<'a> Deserialize<'a>>(
    count: u64,
    part: fn(IpcReceiver<T>, u64) -> Part,
    make: impl Fn(u64) -> T,
) -> f64 {
    let (send, messages) = ipc::channel().expect("channels are to be had");
    let (mut child, done) = start(part(messages, count));
    let rate = millions(count, || {
        (0..count).for_each(|i| send.send(make(i)).expect("it is there"));
        assert_eq!(done.recv().expect("it is there"), count);
    });
    child.wait().expect("it was started");
    rate
}

fn typed(asked: &Asked) -> Option<f64> {
    Some(match asked.metric.as_str() {
        "channel" => one_way(asked.count(200_000), Part::Small, Small::new),
        "queue" => one_way(asked.count(200_000), Part::Number, |i| i),
        "large" => {
            let message = vec![1; MESSAGE];
            one_way(asked.count(200), Part::Large, |_| message.clone()) * 1e3
        }
        "ping-pong" => {
            let (send, asks) = ipc::channel().expect("channels are to be had");
            let (answer, answers) = ipc::channel().expect("channels are to be had");
            let (mut child, _) = start(Part::Echo(asks, answer));
            let time = median(asked.count(5000), Duration::ZERO, || {
                send.send(Small::new(1)).expect("it is there");
                assert_eq!(answers.recv().expect("it is there").number, 1);
            });
            drop(send);
            child.wait().expect("it was started");
            time
        }
        "slice" => {
            let (numbers, wanted) = numbers();
            let (send, asks) = ipc::channel().expect("channels are to be had");
            let (mut child, sums) = start(Part::Sum(asks));
            let memory = IpcSharedMemory::from_bytes(bytes(&numbers));
            let rate = gibibytes(asked.count(10), || {
                send.send(memory.clone()).expect("it is there");
                assert_eq!(sums.recv().expect("it is there"), wanted);
            });
            drop(send);
            child.wait().expect("it was started");
            rate
        }
        "share" => {
            let (numbers, _) = numbers();
            gibibytes(asked.count(8), || drop(black_box(IpcSharedMemory::from_bytes(bytes(&numbers)))))
        }
        _ => return None,
    })
}

fn by_bytes(asked: &Asked) -> Option<f64> {
    if asked.metric != "large" {
        return None;
    }
    let (count, message) = (asked.count(1000), vec![1; MESSAGE]);
    let (send, messages) = ipc::bytes_channel().expect("channels are to be had");
    let (mut child, done) = start(Part::Bytes(messages, count));
    let rate = thousands(count, || {
        (0..count).for_each(|_| send.send(&message).expect("it is there"));
        assert_eq!(done.recv().expect("it is there"), count);
    });
    child.wait().expect("it was started");
    Some(rate)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(OTHER) {
        return other(arguments.next().expect("a name"));
    }
    let asked = Asked::read();
    tell(if std::env::args().nth(3).as_deref() == Some("bytes") { by_bytes(&asked) } else { typed(&asked) });
}
