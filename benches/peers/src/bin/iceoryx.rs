//! iceoryx2: publish and subscribe in shared memory, filled in place. The receiver polls, as in iceoryx2's own benchmarks, or with
//! `events` as third argument it is woken by the crate's event service. The other process is this program again.

use iceoryx2::port::{listener::Listener, notifier::Notifier, publisher::Publisher, subscriber::Subscriber};
use iceoryx2::prelude::*;
use peers::objects::{MESSAGE, bytes, delay, numbers, rounds, setter, sum, thousands, waiter};
use peers::{Asked, LARGE, all_ascii, median, millions, tell};
use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Tells the other process, as third argument; name and number of rounds follow.
const OTHER: &str = "iceoryx-other";

trait Payload: ZeroCopySend + std::fmt::Debug + Copy + 'static {
    /// What is sent ahead, and what of it the crate keeps in memory.
    const BUFFER: usize;
    /// Fills the memory at `to`, which is as large as the payload.
    unsafe fn fill(to: *mut Self, number: u64);
    fn number(&self) -> u64;
}

#[derive(Clone, Copy, Debug, ZeroCopySend)]
#[repr(C)]
struct Small {
    number: u64,
    time: u64,
    values: [f64; 6],
}

impl Payload for Small {
    const BUFFER: usize = 1024;

    unsafe fn fill(to: *mut Self, number: u64) {
        // SAFETY: the caller's promise.
        unsafe { to.write(Self { number, time: 1, values: [0.5; 6] }) }
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// Numbers in one piece; one too many, for the number of the message.
#[derive(Clone, Copy, Debug, ZeroCopySend)]
#[repr(C)]
struct Large<const LEN: usize> {
    number: u64,
    numbers: [u64; LEN],
}

impl<const LEN: usize> Payload for Large<LEN> {
    const BUFFER: usize = if LEN > MESSAGE { 1 } else { 64 };

    unsafe fn fill(to: *mut Self, number: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            (&raw mut (*to).number).write(number);
            if LEN > MESSAGE {
                let numbers = (&raw mut (*to).numbers).cast::<u64>();
                (0..LEN).for_each(|i| numbers.add(i).write(i as u64));
            } else {
                (&raw mut (*to).numbers).write_bytes(1, 1);
            }
        }
    }

    fn number(&self) -> u64 {
        self.number
    }
}

type Message = Large<{ MESSAGE / 8 }>;
type Huge = Large<{ LARGE / 8 }>;

/// A process's ends of what goes there and back.
struct Ends<T: Payload> {
    publisher: Publisher<ipc::Service, T, ()>,
    subscriber: Subscriber<ipc::Service, T, ()>,
    notifier: Notifier<ipc::Service>,
    listener: Listener<ipc::Service>,
    _node: Node<ipc::Service>,
}

impl<T: Payload> Ends<T> {
    fn new(name: &str, is_main: bool) -> Self {
        let mut config = Config::default();
        config.global.prefix = FileName::new(name.as_bytes()).expect("it is a name");
        config.global.set_root_path(&Path::new(directory(name).as_bytes()).expect("it is a path"));
        let node = NodeBuilder::new().config(&config).create::<ipc::Service>().expect("a node is made");
        let [out, back] = if is_main { ["there", "back"] } else { ["back", "there"] };
        let named = |what: &str| ServiceName::new(&format!("{name}/{what}")).expect("it is a name");
        let service = |what| {
            let builder = node.service_builder(&named(what)).publish_subscribe::<T>();
            let builder = builder.enable_safe_overflow(false).subscriber_max_buffer_size(T::BUFFER);
            builder.max_publishers(1).max_subscribers(1).open_or_create().expect("it opens")
        };
        let event = |what: &str| {
            node.service_builder(&named(&format!("{what}/event"))).event().open_or_create().expect("it opens")
        };
        let out_service = service(out);
        Self {
            publisher: out_service
                .publisher_builder()
                .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
                .create()
                .expect("one"),
            subscriber: service(back).subscriber_builder().create().expect("one"),
            notifier: event(out).notifier_builder().create().expect("one"),
            listener: event(back).listener_builder().create().expect("one"),
            _node: node,
        }
    }

    fn send(&self, number: u64) {
        let mut loan = self.publisher.loan_uninit().expect("a loan is to be had");
        // SAFETY: the loan is of this payload, and then filled.
        unsafe {
            T::fill(loan.payload_mut().as_mut_ptr(), number);
            loan.assume_init().send().expect("it is sent");
        }
    }

    /// Only the number, without filling the rest.
    fn send_number(&self, number: u64) {
        let mut loan = self.publisher.loan_uninit().expect("a loan is to be had");
        // SAFETY: any bytes are numbers, and this memory is zeroed or was sent before.
        unsafe {
            loan.payload_mut().as_mut_ptr().cast::<u64>().write(number);
            loan.assume_init().send().expect("it is sent");
        }
    }

    fn poll<R>(&self, take: impl FnOnce(&T) -> R) -> R {
        loop {
            if let Some(sample) = self.subscriber.receive().expect("it is connected") {
                return take(sample.payload());
            }
            std::hint::spin_loop();
        }
    }

    fn recv(&self) -> u64 {
        self.poll(T::number)
    }

    fn set(&self) {
        self.notifier.notify().expect("it is connected");
    }

    fn wait(&self) {
        let is_set = Cell::new(false);
        while !is_set.get() {
            self.listener.timed_wait(|_| is_set.set(true), Duration::from_secs(10)).expect("it is connected");
        }
    }

    /// Sends and tells.
    fn post(&self, number: u64) {
        self.send(number);
        self.set();
    }

    /// Sleeps until there is one.
    fn fetch(&self) -> u64 {
        loop {
            if let Some(sample) = self.subscriber.receive().expect("it is connected") {
                return sample.payload().number();
            }
            self.wait();
        }
    }
}

const STOP: u64 = u64::MAX;

/// The other process: says that it is there, then does its part until it is told to stop.
fn other<T: Payload>(name: &str, metric: &str, events: bool, rounds: u64, answer: impl Fn(&T) -> u64) {
    let ends = Ends::<T>::new(name, false);
    ends.send(0);
    match metric {
        "ping-pong" if events => {
            while ends.fetch() != STOP {
                ends.post(1)
            }
        }
        "ping-pong" => {
            while ends.recv() != STOP {
                ends.send(1)
            }
        }
        "event" | "event-idle" => {
            let woken = waiter(rounds, || ends.wait(), || ends.set());
            let text: String = woken.iter().map(|time| format!("{time}\n")).collect();
            println!("{text}");
            ends.recv();
        }
        "slice" => loop {
            let (number, sum) = ends.poll(|message| (message.number(), answer(message)));
            if number == STOP {
                break;
            }
            ends.send_number(sum);
        },
        _ => {
            (0..rounds).for_each(|_| _ = ends.poll(&answer));
            ends.send(rounds);
            ends.recv();
        }
    }
}

fn start(name: &str, asked: &Asked, third: &str, rounds: u64) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.args([&asked.metric, "100", OTHER, name, third, &rounds.to_string()]);
    command.stdout(Stdio::piped()).spawn().expect("it starts")
}

fn with<T: Payload>(asked: &Asked, third: &str, count: u64, work: impl FnOnce(&Ends<T>, &mut Child) -> f64) -> f64 {
    let name = format!("mp-peers-{}-", std::process::id());
    let ends = Ends::<T>::new(&name, true);
    let mut child = start(&name, asked, third, count);
    ends.recv();
    let value = work(&ends, &mut child);
    ends.send_number(STOP);
    ends.set();
    child.wait().expect("it was started");
    drop(ends);
    clean_up(&name);
    value
}

/// Where the crate has its files, beside /dev/shm.
fn directory(name: &str) -> String {
    format!("/tmp/{name}iceoryx2")
}

/// The crate leaves a file and some directories.
fn clean_up(name: &str) {
    drop(std::fs::remove_dir_all(directory(name)));
    for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(name) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

fn one_way<T: Payload>(ends: &Ends<T>, count: u64) {
    (0..count).for_each(|i| ends.send(i));
    assert_eq!(ends.recv(), count);
}

/// What it says, up to an empty line.
fn woken(child: &mut Child) -> Vec<u64> {
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    lines.map_while(|line| line.ok()?.parse().ok()).collect()
}

fn polling(asked: &Asked) -> Option<f64> {
    Some(match asked.metric.as_str() {
        "channel" => {
            let count = asked.count(500_000);
            with::<Small>(asked, "", count, |ends, _| millions(count, || one_way(ends, count)))
        }
        "large" => {
            let count = asked.count(5000);
            with::<Message>(asked, "", count, |ends, _| thousands(count, || one_way(ends, count)))
        }
        "ping-pong" => with::<Small>(asked, "", 0, |ends, _| {
            median(asked.count(20_000), Duration::ZERO, || {
                ends.send(1);
                ends.recv();
            })
        }),
        "slice" => with::<Huge>(asked, "", 0, |ends, _| {
            let wanted = numbers().1;
            let mut times = Vec::new();
            for _ in 0..=asked.count(10) {
                let mut loan = ends.publisher.loan_uninit().expect("a loan is to be had");
                // SAFETY: the loan is of this payload, and then filled.
                let loan = unsafe {
                    Huge::fill(loan.payload_mut().as_mut_ptr(), 1);
                    loan.assume_init()
                };
                let mut loan = Some(loan);
                times.push(gibibytes_once(|| {
                    loan.take().expect("there is one").send().expect("it is sent");
                    assert_eq!(ends.recv(), wanted);
                }));
            }
            times.into_iter().fold(0.0, f64::max)
        }),
        _ => return None,
    })
}

fn gibibytes_once(turn: impl FnOnce()) -> f64 {
    let begun = std::time::Instant::now();
    turn();
    LARGE as f64 / (1u64 << 30) as f64 / begun.elapsed().as_secs_f64()
}

fn events(asked: &Asked) -> Option<f64> {
    if asked.metric == "ping-pong" {
        return Some(with::<Small>(asked, "events", 0, |ends, _| {
            median(asked.count(5000), Duration::ZERO, || {
                ends.post(1);
                ends.fetch();
            })
        }));
    }
    let rounds = rounds(asked)?;
    Some(with::<Small>(asked, "events", rounds.0, |ends, child| {
        let set = setter(rounds, || ends.set(), || ends.wait());
        delay(&set, &woken(child))
    }))
}

fn main() {
    set_log_level(LogLevel::Error);
    let asked = Asked::read();
    let rest: Vec<_> = std::env::args().skip(3).collect();
    match rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [OTHER, name, third, rounds] => {
            let (metric, rounds) = (asked.metric.as_str(), rounds.parse().expect("a number"));
            match metric {
                "slice" => other::<Huge>(name, metric, false, 0, |huge| sum(&huge.numbers)),
                "large" => other::<Message>(name, metric, false, rounds, |message| {
                    u64::from(all_ascii(bytes(&message.numbers)))
                }),
                _ => other::<Small>(name, metric, third == "events", rounds, Small::number),
            }
        }
        ["events"] => tell(events(&asked)),
        _ => tell(polling(&asked)),
    }
}
