//! The parts of a call by themselves, for whoever changes one: encoding by shape of value, one call there and back, one
//! chunk of a map, a process's life. Criterion compares each with its last run; ratios to ceilings are for the others.

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, SamplingMode, Throughput};
use mp::{Process, StartMethod};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

/// What programs send as orders: a few fields of several kinds.
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: u64,
    name: String,
    state: State,
    lines: Vec<(u32, f64)>,
    notes: BTreeMap<String, Option<i64>>,
}

#[derive(Clone, Serialize, Deserialize)]
enum State {
    Paid { at: u64 },
}

impl Order {
    fn new(id: u64) -> Self {
        let notes = (0..4).map(|i| (format!("note {i}"), (i % 2 == 0).then_some(-i))).collect();
        let (name, state) = (format!("order {id}"), State::Paid { at: 1_700_000_000 + id });
        Self { id, name, state, lines: vec![(7, 2.5); 8], notes }
    }
}

#[mp::task]
fn nothing() {}

#[mp::task]
fn inc(i: u64) -> u64 {
    i.wrapping_add(1)
}

#[mp::task]
fn text(value: &str) -> String {
    value.to_owned()
}

#[mp::task]
fn bytes(value: Vec<u8>) -> Vec<u8> {
    value
}

#[mp::task]
fn words(value: Vec<u64>) -> Vec<u64> {
    value
}

#[mp::task]
fn floats(value: Vec<f64>) -> Vec<f64> {
    value
}

#[mp::task]
fn orders(value: Vec<Order>) -> Vec<Order> {
    value
}

/// One value of each shape that is too large to be made on the way.
struct Shapes {
    text: String,
    bytes: Vec<u8>,
    words: Vec<u64>,
    floats: Vec<f64>,
    orders: Vec<Order>,
}

impl Shapes {
    fn new() -> Self {
        Self {
            text: "mp ".repeat(40),
            bytes: vec![7; 64 << 10],
            words: (0..8192).map(|i| i * 1_000_003).collect(),
            floats: (0..8192).map(f64::from).collect(),
            orders: (0..100).map(Order::new).collect(),
        }
    }
}

/// A figure of calls that failed would say nothing.
fn run<T>(outcome: mp::Result<T>) -> T {
    outcome.expect("it runs")
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Measures `call` with a new `value` each time, whose making does not count.
fn shape<T: Clone, O>(group: &mut Group<'_>, name: &str, value: &T, mut call: impl FnMut(T) -> O) {
    group.bench_function(name, |bencher| {
        bencher.iter_batched(|| value.clone(), &mut call, BatchSize::LargeInput);
    });
}

/// The arguments of a process are encoded when it is made; it is not started.
fn encode(criterion: &mut Criterion, shapes: &Shapes) {
    let mut group = criterion.benchmark_group("encode");
    let group = &mut group;
    group.bench_function("nothing", |bencher| bencher.iter(|| Process::new(nothing, ())));
    group.bench_function("an integer", |bencher| bencher.iter(|| Process::new(inc, black_box(5))));
    group.bench_function("a text of 120 bytes", |bencher| {
        bencher.iter(|| Process::new(text, black_box(&shapes.text)));
    });
    shape(group, "64 KiB of bytes", &shapes.bytes, |value| Process::new(bytes, value));
    shape(group, "8192 integers", &shapes.words, |value| Process::new(words, value));
    shape(group, "8192 floats", &shapes.floats, |value| Process::new(floats, value));
    shape(group, "100 structs", &shapes.orders, |value| Process::new(orders, value));
}

/// There and back by a worker that is awake: twice encoded, twice decoded, twice carried.
fn apply(criterion: &mut Criterion, pool: &mp::Pool, shapes: &Shapes) {
    let mut group = criterion.benchmark_group("apply");
    let group = &mut group;
    group.bench_function("nothing", |bencher| bencher.iter(|| run(pool.apply(nothing, ()))));
    group.bench_function("an integer", |bencher| {
        bencher.iter(|| run(pool.apply(inc, black_box(5))))
    });
    group.bench_function("a text of 120 bytes", |bencher| {
        bencher.iter(|| run(pool.apply(text, black_box(&shapes.text))));
    });
    shape(group, "64 KiB of bytes", &shapes.bytes, |value| run(pool.apply(bytes, value)));
    shape(group, "8192 integers", &shapes.words, |value| run(pool.apply(words, value)));
    shape(group, "8192 floats", &shapes.floats, |value| run(pool.apply(floats, value)));
    shape(group, "100 structs", &shapes.orders, |value| run(pool.apply(orders, value)));
}

fn many(criterion: &mut Criterion, pool: &mp::Pool) {
    const ITEMS: usize = 1000;
    let mut group = criterion.benchmark_group("1000 integers");
    group.throughput(Throughput::Elements(ITEMS as u64));
    group.bench_function("map, one chunk", |bencher| {
        bencher.iter(|| run(pool.batch(inc, 0..ITEMS as u64).chunksize(ITEMS).run()));
    });
    group.bench_function("map, chunks of 10", |bencher| {
        bencher.iter(|| run(pool.batch(inc, 0..ITEMS as u64).chunksize(10).run()));
    });
    group.bench_function("imap, one chunk", |bencher| {
        bencher.iter(|| {
            pool.batch(inc, 0..ITEMS as u64).chunksize(ITEMS).iter().map(run).sum::<u64>()
        });
    });
    group.bench_function("submit, then get", |bencher| {
        bencher.iter(|| {
            let handles: Vec<_> = (0..ITEMS as u64).map(|i| pool.submit(inc, i)).collect();
            handles.into_iter().map(|handle| run(handle.get())).sum::<u64>()
        });
    });
}

fn life(method: StartMethod) -> Option<i32> {
    let mut process = Process::new(nothing, ()).with_start_method(method);
    run(process.start().and_then(|()| process.join()));
    process.exit_code()
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start and join");
    // The same number of starts in each sample: they take long enough.
    group.sampling_mode(SamplingMode::Flat).sample_size(50);
    group.bench_function("spawn", |bencher| bencher.iter(|| life(StartMethod::Reexec)));
    group.bench_function("by a fork server", |bencher| {
        bencher.iter(|| life(StartMethod::ForkServer));
    });
    group.bench_function("a pool of 2, and its end", |bencher| {
        bencher.iter(|| {
            let pool = run(mp::Pool::new(2));
            run(pool.apply(nothing, ()));
            pool.close();
            run(pool.join());
        });
    });
}

fn main() -> mp::Result<()> {
    // A child of this program is this program: before anything reads the command line.
    let _guard = mp::init();
    let shapes = Shapes::new();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args();
    encode(&mut criterion, &shapes);
    start(&mut criterion);
    // One worker: which of several takes a call is no part of these.
    let pool = mp::Pool::new(1)?;
    assert_eq!(pool.apply(inc, 1)?, 2);
    apply(&mut criterion, &pool, &shapes);
    many(&mut criterion, &pool);
    criterion.final_summary();
    Ok(())
}
