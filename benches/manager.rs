//! Calls of a manager's objects: from one client, from two, and of a type of one's own, which its server runs on threads.
//! Compared with a pipe's message there and back, the least that a call can be. And as another program calls them, by a socket.

mod rounds;

use mp::{DictProxy, Manager};
use rounds::{Row, table};
use std::time::Instant;

const CALLS: u32 = 100_000;
const KEYS: u32 = 1000;

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn add(&mut self, by: u64) -> u64 {
        self.0 += by;
        self.0
    }
}

/// Thousands a second.
fn rate(calls: u32, body: impl FnOnce()) -> f64 {
    let start = Instant::now();
    body();
    f64::from(calls) / start.elapsed().as_secs_f64() / 1e3
}

fn get(dict: &DictProxy<u32, u64>) {
    for call in 0..CALLS {
        assert!(dict.get(&(call % KEYS)).expect("it serves").is_some());
    }
}

fn set(dict: &DictProxy<u32, u64>) {
    for call in 0..CALLS {
        dict.insert(call % KEYS, u64::from(call)).expect("it serves");
    }
}

/// As a program has it that comes by a socket.
fn elsewhere(address: &str) -> (Manager, DictProxy<u32, u64>) {
    let manager = Manager::builder().address(address).authkey("a key").start().expect("a server");
    let dict = manager.dict_from((0..KEYS).map(|key| (key, 0_u64))).expect("it serves");
    manager.publish("dict", &dict).expect("it serves");
    let address = manager.address().expect("it listens");
    let remote = Manager::connect(address, "a key").expect("it lets us in");
    (manager, remote.lookup("dict").expect("it is published"))
}

/// A get and an insert by turns.
fn both(dict: &DictProxy<u32, u64>) {
    for call in 0..CALLS / 20 {
        assert!(dict.get(&(call % KEYS)).expect("it serves").is_some());
        dict.insert(call % KEYS, u64::from(call)).expect("it serves");
    }
}

#[mp::task]
fn client(dict: DictProxy<u32, u64>, turns: mp::Receiver<()>, done: mp::Sender<()>) {
    for turn in turns.iter() {
        turn.expect("it decodes");
        set(&dict);
        done.send(()).expect("somebody waits");
    }
}

#[mp::task]
fn echo(connection: mp::Connection<u64, u64>) {
    for number in connection.iter() {
        connection.send(number.expect("it decodes")).expect("somebody waits");
    }
}

fn main() {
    let _guard = mp::init();
    let manager = Manager::new().expect("a server");
    let dict = manager.dict_from((0..KEYS).map(|key| (key, 0))).expect("it serves");
    let counter = manager.create::<Counter>(()).expect("it serves");
    let (one, other) = mp::pipe().expect("memory");
    let _echo = mp::spawn(echo, other).expect("it starts");
    let clients = [(); 2].map(|()| {
        let ((turn, turns), (done, end)) = (mp::channel().unwrap(), mp::channel().unwrap());
        mp::spawn(client, (dict.clone(), turns, done)).expect("it starts");
        (turn, end)
    });
    let two = || {
        clients.iter().for_each(|(turn, _)| turn.send(()).expect("it lives"));
        clients.iter().for_each(|(_, end)| end.recv().expect("it lives"));
    };
    two();
    let round_trips = || {
        for number in 0..u64::from(CALLS) {
            one.send(number).expect("it lives");
            assert_eq!(one.recv().expect("it answers"), number);
        }
    };
    let (_unix, by_unix) = elsewhere("abstract:");
    let (_tcp, by_tcp) = elsewhere("tcp://127.0.0.1:0");
    let add = || (0..CALLS / 10).for_each(|_| _ = counter.add(1).expect("it serves"));
    table(
        "Calls to a manager's server",
        "thousands a second",
        &mut [
            Row::new("a pipe's message there and back", || rate(CALLS, round_trips)),
            Row::new("dict, get", || rate(CALLS, || get(&dict))),
            Row::new("dict, insert", || rate(CALLS, || set(&dict))),
            Row::new("dict, insert, two clients together", || rate(2 * CALLS, two)),
            Row::new("dict, get and insert, by a Unix socket", || {
                rate(CALLS / 10, || both(&by_unix))
            }),
            Row::new("dict, get and insert, by TCP", || rate(CALLS / 10, || both(&by_tcp))),
            Row::new("a method of a type of one's own", || rate(CALLS / 10, add)),
        ],
    );
}
