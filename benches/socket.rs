//! Connections between programs: a small message there and back, and a large one, over Unix sockets, TCP and TLS (with
//! the feature `tls`), beside Python's multiprocessing.connection at both ends, which has all but the last.

mod rounds;

use mp::{Address, Client, ClientBuilder, Listener, ListenerBuilder};
use rounds::{Row, table};
use std::process::Command;
use std::time::Instant;

const KEY: &str = "a key for benches";
const SMALL: usize = 64;
const TURNS: u32 = 20_000;
const LARGE: usize = 64 << 20;
const LARGE_TURNS: u32 = 4;
const UNIX: &str = "abstract:";
const TCP: &str = "tcp://127.0.0.1:0";

/// Both ends in Python: `echo` gives each message back, `take` says that it has come.
const PYTHON: &str = "
import sys, time, os
from multiprocessing.connection import Client, Listener
place, size, turns, small = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == 'small'
address = ('127.0.0.1', 0) if place == 'tcp' else '\\0mp-bench-%d' % os.getpid()
with Listener(address, authkey=b'key') as listener:
    if os.fork() == 0:
        with Client(listener.address, authkey=b'key') as c:
            for _ in range(turns + 1):
                m = c.recv_bytes()
                c.send_bytes(m if small else b'')
        os._exit(0)
    c, m = listener.accept(), bytes(size)
def turn():
    c.send_bytes(m)
    c.recv_bytes()
turn()
start = time.perf_counter()
for _ in range(turns):
    turn()
print((time.perf_counter() - start) / turns)
os.wait()
";

#[derive(Clone, Copy, PartialEq)]
enum Size {
    Small,
    Large,
}

impl Size {
    fn of(self) -> (usize, u32, &'static str) {
        match self {
            Self::Small => (SMALL, TURNS, "small"),
            Self::Large => (LARGE, LARGE_TURNS, "large"),
        }
    }

    /// Microseconds for a small message, GiB/s for a large one.
    fn figure(self, seconds: f64) -> f64 {
        match self {
            Self::Small => seconds * 1e6,
            Self::Large => LARGE as f64 / seconds / (1_u64 << 30) as f64,
        }
    }
}

#[cfg(feature = "tls")]
fn builders(tls: bool) -> (ListenerBuilder, ClientBuilder) {
    let (certificate, key) = (
        include_str!("../tests/socket/certificates/one.pem"),
        include_str!("../tests/socket/certificates/one.key"),
    );
    let (listener, client) = (Listener::builder(), Client::builder());
    if !tls {
        return (listener, client);
    }
    let server = mp::TlsServer::new(certificate, key).expect("they fit");
    let trusting = mp::TlsClient::new(certificate).expect("it can be read");
    (listener.tls(server), client.tls(trusting))
}

#[cfg(not(feature = "tls"))]
fn builders(_: bool) -> (ListenerBuilder, ClientBuilder) {
    (Listener::builder(), Client::builder())
}

#[mp::task]
fn other_end(address: String, tls: bool, gives_back: bool) {
    let address: Address = address.parse().expect("it is one");
    let client = builders(tls).1.connect(&address, KEY).expect("it lets us in");
    while let Ok(message) = client.recv_bytes() {
        client.send_bytes(if gives_back { &message } else { b"" }).expect("somebody waits");
    }
}

/// Seconds for each turn.
fn ours(place: &str, tls: bool, size: Size) -> f64 {
    let listener = builders(tls).0.bind(place, KEY).expect("it listens");
    let arguments = (listener.address().to_string(), tls, size == Size::Small);
    let child = mp::spawn(other_end, arguments).expect("it starts");
    let client = listener.accept().expect("it comes");
    let (len, turns, _) = size.of();
    let message = vec![0; len];
    let turn = || {
        client.send_bytes(&message).expect("it is there");
        client.recv_bytes().expect("it answers");
    };
    turn();
    let start = Instant::now();
    (0..turns).for_each(|_| turn());
    let each = start.elapsed().as_secs_f64() / f64::from(turns);
    drop(client);
    child.join().expect("it ends");
    each
}

/// The same by Python; not a number where there is none.
fn python(place: &str, size: Size) -> f64 {
    let (len, turns, word) = size.of();
    let mut command = Command::new("python3");
    command.args(["-c", PYTHON, place, &len.to_string(), &turns.to_string(), word]);
    let output = command.output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(f64::NAN)
}

#[mp::main]
fn main() {
    for size in [Size::Small, Size::Large] {
        let (title, unit) = match size {
            Size::Small => ("a message of 64 bytes, there and back", "us"),
            Size::Large => ("messages of 64 MiB, one way", "GiB/s"),
        };
        let mut rows = vec![
            Row::new("multiprocessing, Unix socket", || size.figure(python("unix", size))),
            Row::new("multiprocessing, TCP", || size.figure(python("tcp", size))),
            Row::new("mp, Unix socket", || size.figure(ours(UNIX, false, size))),
            Row::new("mp, TCP", || size.figure(ours(TCP, false, size))),
        ];
        if cfg!(feature = "tls") {
            rows.push(Row::new("mp, TCP with TLS", || size.figure(ours(TCP, true, size))));
        }
        table(title, unit, &mut rows);
    }
}
