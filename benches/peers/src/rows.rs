//! The rows, and who is measured in each.

/// Name, what it is, unit, whether more is better, who is in it, and what an earlier run on a machine of this kind had of
/// crossmist, which panics on the current rustc and was measured patched.
pub struct Metric {
    pub name: &'static str,
    pub what: &'static str,
    pub unit: &'static str,
    pub more: bool,
    pub contestants: &'static [Contestant],
    pub crossmist: Option<f64>,
}

pub const METRICS: [Metric; 22] = [
    calls("throughput", "small tasks with a callback or handle, 2 workers", "M/s", true).quoted(0.145_676),
    calls("map", "map over a million integers, 2 workers", "M/s", true).quoted(55.99),
    calls("apply", "apply, 1 worker, busy", "µs", false).quoted(68.1),
    calls("idle", "apply after 10 ms without work", "µs", false),
    calls("start", "start and join of one process", "ms", false),
    calls("pool", "a pool of 2, to its first result", "ms", false),
    calls("argument", "64 MiB of bytes as an argument, all read by the task", "GiB/s", true),
    calls("result", "64 MiB of bytes as a result", "GiB/s", true),
    calls("death", "a worker ends in a task: its handle has the error", "ms", false),
    object("channel", "a struct of 64 bytes, one way", "M/s", true).quoted(1.03),
    object("ping-pong", "a struct of 64 bytes there and back", "µs", false).quoted(69.7),
    object("large", "messages of 1 MiB, one way, all read by the receiver", "k/s", true).quoted(0.199),
    object("queue", "put and get of an integer, 1 producer, 1 consumer", "M/s", true),
    object("queue-2-2", "the same with 2 producers and 2 consumers", "M/s", true),
    object("lock", "lock and unlock, uncontended", "ns", false),
    object("contended", "the same by two processes at once", "M/s", true),
    object("event", "set, until wait returns in another process, busy", "µs", false),
    object("event-idle", "the same after 10 ms of waiting", "µs", false),
    object("slice", "64 MiB of shared memory that was filled before: sent and summed", "GiB/s", true),
    object("share", "64 MiB copied into shared memory that is made for it", "GiB/s", true),
    dict("dict", "gets and sets of a dictionary in a server, one client", "k/s", true),
    dict("dict-2", "the same of two clients together", "k/s", true),
];

const fn calls(name: &'static str, what: &'static str, unit: &'static str, more: bool) -> Metric {
    Metric { name, what, unit, more, contestants: &CALLS, crossmist: None }
}

const fn object(name: &'static str, what: &'static str, unit: &'static str, more: bool) -> Metric {
    Metric { name, what, unit, more, contestants: &OBJECTS, crossmist: None }
}

const fn dict(name: &'static str, what: &'static str, unit: &'static str, more: bool) -> Metric {
    Metric { name, what, unit, more, contestants: &DICTS, crossmist: None }
}

impl Metric {
    const fn quoted(mut self, crossmist: f64) -> Self {
        self.crossmist = Some(crossmist);
        self
    }
}

/// Name, program, its third argument, whether it is a ceiling and no peer, and whether a quick run has it. One that
/// does not do what a row is about says so, and is left out of it.
pub type Contestant = (&'static str, &'static str, &'static str, bool, bool);

const CALLS: [Contestant; 14] = [
    ("mp", "ours", "", false, true),
    ("mp, fork server", "ours", "forkserver", false, true),
    ("procspawn", "procspawn", "", false, true),
    ("ipc-channel, by hand", "ipcchannel", "", false, true),
    ("multiprocessing, fork", "peer.py", "multiprocessing-fork", false, true),
    ("multiprocessing, spawn", "peer.py", "multiprocessing-spawn", false, false),
    ("concurrent.futures", "peer.py", "concurrent.futures", false, true),
    ("loky", "peer.py", "loky", false, false),
    ("mpire", "peer.py", "mpire", false, false),
    ("pebble", "peer.py", "pebble", false, false),
    ("ray", "peer.py", "ray", false, false),
    ("rayon (threads)", "ceiling", "rayon", true, true),
    ("crossbeam (threads)", "ceiling", "crossbeam", true, true),
    ("bare", "ceiling", "bare", true, true),
];

const OBJECTS: [Contestant; 18] = [
    ("mp", "ours_channels", "", false, true),
    ("mp", "ours_locks", "", false, true),
    ("mp", "ours_memory", "", false, true),
    ("mp, bytes", "ours_channels", "bytes", false, true),
    ("iceoryx2, polling", "iceoryx", "polling", false, true),
    ("iceoryx2, events", "iceoryx", "events", false, true),
    ("ipc-channel", "ipcchannel_objects", "", false, true),
    ("ipc-channel, bytes", "ipcchannel_objects", "bytes", false, true),
    ("multiprocessing", "objects.py", "Queue", false, true),
    ("multiprocessing, simple", "objects.py", "SimpleQueue", false, false),
    ("pipe", "raw", "pipe", false, true),
    ("Unix socket", "raw", "socket", false, true),
    ("eventfd", "raw", "eventfd", false, true),
    ("pthread", "raw", "pthread", false, true),
    ("pthread, robust", "raw", "robust", false, true),
    ("crossbeam (threads)", "ceiling_objects", "crossbeam", true, true),
    ("parking_lot (threads)", "ceiling_objects", "parking_lot", true, true),
    ("bare", "ceiling_objects", "bare", true, true),
];

const DICTS: [Contestant; 3] = [
    ("mp", "ours_dict", "", false, true),
    ("multiprocessing", "objects.py", "Queue", false, true),
    ("Redis, Unix socket", "redis", "", false, true),
];
