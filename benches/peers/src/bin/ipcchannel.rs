//! ipc-channel, which has channels and no pool: the smallest pool by hand, without what a pool is for. A worker is this
//! program again behind two channels; whoever submits says to which, and sends ahead; a dead one is not replaced.

use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory};
use peers::{Asked, ITEMS, LARGE, all_ascii, gibibytes, median, millions, tell};
use serde::{Deserialize, Serialize};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

/// Tells a worker from the main program; the name of the main program's socket follows.
const WORKER: &str = "ipc-channel-worker";

#[derive(Serialize, Deserialize)]
enum Task {
    Add100(u64),
    Add100ToAll(Vec<u64>),
    Read(IpcSharedMemory),
    Make(usize),
    Leave,
}

#[derive(Serialize, Deserialize)]
enum Value {
    Number(u64),
    Numbers(Vec<u64>),
    Read(bool),
    Bytes(IpcSharedMemory),
}

fn run(task: Task) -> Value {
    match task {
        Task::Add100(i) => Value::Number(i + 100),
        Task::Add100ToAll(values) => Value::Numbers(values.into_iter().map(|i| i + 100).collect()),
        Task::Read(bytes) => Value::Read(all_ascii(&bytes)),
        // The caller reads it there; all others give a vector of its own.
        Task::Make(len) => Value::Bytes(IpcSharedMemory::from_bytes(&vec![1; len])),
        Task::Leave => std::process::exit(3),
    }
}

/// The ends of a worker's channels, as it gives them to the main program.
type Ends = (IpcSender<Task>, IpcReceiver<Value>);

fn work(server: String) {
    let first = IpcSender::<Ends>::connect(server).expect("the main program waits");
    let (ask, asked) = ipc::channel().expect("channels are to be had");
    let (answer, answers) = ipc::channel().expect("channels are to be had");
    first.send((ask, answers)).expect("the main program waits");
    while let Ok(task) = asked.recv() {
        if answer.send(run(task)).is_err() {
            break;
        }
    }
}

struct Worker {
    ask: IpcSender<Task>,
    answers: IpcReceiver<Value>,
    child: Child,
}

impl Worker {
    fn start() -> Self {
        let (server, name) = IpcOneShotServer::<Ends>::new().expect("a server starts");
        let child = Command::new("/proc/self/exe").args([WORKER, &name]).spawn().expect("it starts");
        let (_, (ask, answers)) = server.accept().expect("it connects");
        Self { ask, answers, child }
    }

    fn apply(&self, task: Task) -> Option<Value> {
        self.ask.send(task).ok()?;
        self.answers.recv().ok()
    }

    fn adds(&self) {
        assert!(matches!(self.apply(Task::Add100(1)), Some(Value::Number(101))));
    }

    fn end(self) {
        let Self { ask, answers, mut child } = self;
        drop((ask, answers));
        child.wait().expect("it was started");
    }
}

/// Workers that are up.
fn workers(count: usize) -> Vec<Worker> {
    let workers: Vec<_> = (0..count).map(|_| Worker::start()).collect();
    workers.iter().for_each(Worker::adds);
    workers
}

/// Sends `tasks` to the workers in turn, while a thread for each gathers so many answers of its own.
fn spread(workers: Vec<Worker>, tasks: impl ExactSizeIterator<Item = Task>, take: fn(Value) -> Vec<u64>) -> Vec<u64> {
    let (asks, answers): (Vec<_>, Vec<_>) = workers.into_iter().map(|worker| (worker.ask, worker.answers)).unzip();
    let (count, all) = (asks.len(), tasks.len());
    thread::scope(|scope| {
        let gather = |(own, answers): (usize, IpcReceiver<Value>)| {
            let owed = all / count + usize::from(own < all % count);
            scope.spawn(move || -> Vec<Vec<u64>> {
                (0..owed).map(|_| take(answers.recv().expect("it lives"))).collect()
            })
        };
        let threads: Vec<_> = answers.into_iter().enumerate().map(gather).collect();
        for (ask, task) in asks.iter().cycle().zip(tasks) {
            ask.send(task).expect("it lives");
        }
        let gathered = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        let mut parts: Vec<_> = gathered.map(Vec::into_iter).collect();
        (0..all).flat_map(|i| parts[i % count].next().expect("one for each task")).collect()
    })
}

fn number(value: Value) -> Vec<u64> {
    let Value::Number(value) = value else { panic!("a number was asked for") };
    vec![value]
}

fn numbers(value: Value) -> Vec<u64> {
    let Value::Numbers(values) = value else { panic!("numbers were asked for") };
    values
}

fn measure(asked: &Asked) -> Option<f64> {
    let one = || workers(1).pop().expect("one was asked for");
    Some(match asked.metric.as_str() {
        "throughput" => {
            let (workers, count) = (workers(2), asked.count(200_000));
            millions(count, || {
                let tasks = (0..count as usize).map(|i| Task::Add100(i as u64));
                assert_eq!(spread(workers, tasks, number).last(), Some(&(count + 99)));
            })
        }
        "map" => {
            let workers = workers(2);
            millions(ITEMS, || {
                let items: Vec<u64> = (0..ITEMS).collect();
                let tasks = items.chunks(62_500).map(|chunk| Task::Add100ToAll(chunk.to_vec()));
                let values = spread(workers, tasks, numbers);
                assert_eq!((values.len(), values.last()), (items.len(), Some(&(ITEMS + 99))));
            })
        }
        "apply" | "idle" => {
            let worker = one();
            let idle = asked.metric == "idle";
            let pause = Duration::from_millis(if idle { 10 } else { 0 });
            median(asked.count(if idle { 100 } else { 5000 }), pause, || worker.adds())
        }
        "start" => median(asked.count(200), Duration::ZERO, || Worker::start().end()) / 1e3,
        "pool" => {
            let mut pools = Vec::new();
            let time = median(asked.count(40), Duration::ZERO, || {
                let workers = [Worker::start(), Worker::start()];
                workers[0].adds();
                pools.push(workers);
            }) / 1e3;
            pools.into_iter().flatten().for_each(Worker::end);
            time
        }
        "argument" => {
            let (worker, bytes) = (one(), vec![1; LARGE]);
            gibibytes(asked.count(8), || {
                let task = Task::Read(IpcSharedMemory::from_bytes(&bytes));
                assert!(matches!(worker.apply(task), Some(Value::Read(true))));
            })
        }
        "result" => {
            let worker = one();
            gibibytes(asked.count(8), || {
                let Some(Value::Bytes(bytes)) = worker.apply(Task::Make(LARGE)) else { panic!("bytes were asked for") };
                assert_eq!(bytes.len(), LARGE);
            })
        }
        "death" => {
            let count = asked.count(20);
            // One to warm up.
            let mut workers = workers(count as usize + 1);
            median(count, Duration::from_millis(5), || {
                let worker = workers.pop().expect("one for each");
                assert!(worker.apply(Task::Leave).is_none());
            }) / 1e3
        }
        _ => return None,
    })
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(WORKER) {
        return work(arguments.next().expect("a name"));
    }
    tell(measure(&Asked::read()));
}
