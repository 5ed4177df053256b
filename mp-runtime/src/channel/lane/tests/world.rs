//! A ground for lanes whose users are threads: each has a number, and can die, or be held up, at any step that touches the
//! memory.

use crate::channel::lane::{At, Entry, Ground, Heads, Kind, LEN, Lane, Sink, Until, Words};
use crate::error::Result;
use crate::sys::memory::{Memory, Shared};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A block: generation, memory, length.
type Stored = (u32, Arc<Shared>, usize);

/// What all users of a lane share.
#[derive(Debug)]
pub(super) struct World {
    head: Arc<Shared>,
    blocks: Mutex<HashMap<u64, Stored>>,
    next: AtomicU64,
    living: Mutex<HashSet<u32>>,
}

/// What others do while a user is held up.
type Between = Box<dyn FnOnce() + Send>;

/// How many steps a user has left before it dies, or is held up.
pub(super) struct Fuse {
    steps: AtomicI64,
    between: Mutex<Option<Between>>,
    number: u32,
    world: Arc<World>,
    /// What the dead see instead of the memory: unwinding, they let go of locks.
    nowhere: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct User {
    head: Part,
    fuse: Arc<Fuse>,
}

#[derive(Debug)]
pub(super) struct Part {
    memory: Arc<Shared>,
    len: usize,
    fuse: Arc<Fuse>,
}

fn memory(len: usize) -> Arc<Shared> {
    let memory = Memory::with_len("mp-lane-test", len as u64).unwrap();
    Arc::new(Shared::map(&memory, 0, len).unwrap())
}

impl World {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            head: memory(LEN),
            blocks: Mutex::default(),
            next: AtomicU64::new(1),
            living: Mutex::default(),
        })
    }

    /// A lane as a user of this number sees it.
    pub(super) fn lane(self: &Arc<Self>, number: u32) -> Lane<User> {
        self.lane_for(number, i64::MAX)
    }

    fn lane_for(self: &Arc<Self>, number: u32, steps: i64) -> Lane<User> {
        self.lane_with(number, steps, None)
    }

    fn lane_with(
        self: &Arc<Self>,
        number: u32,
        steps: i64,
        between: Option<Between>,
    ) -> Lane<User> {
        self.living.lock().unwrap().insert(number);
        let (steps, between) = (AtomicI64::new(steps), Mutex::new(between));
        let world = Arc::clone(self);
        let fuse = Arc::new(Fuse { steps, between, number, world, nowhere: memory(LEN) });
        let head = Part { memory: Arc::clone(&self.head), len: LEN, fuse: Arc::clone(&fuse) };
        Lane::new(User { head, fuse })
    }

    /// Acts as a user who dies after so many steps; true if it did.
    pub(super) fn die_after(
        self: &Arc<Self>,
        number: u32,
        steps: i64,
        act: impl FnOnce(&Lane<User>),
    ) -> bool {
        let lane = self.lane_for(number, steps);
        match panic::catch_unwind(AssertUnwindSafe(|| act(&lane))) {
            Ok(()) => false,
            Err(death) if death.is::<Death>() => true,
            Err(panic) => panic::resume_unwind(panic),
        }
    }

    /// Acts as a user who is held up after so many steps, until `between` is over; false if it was done before.
    pub(super) fn hold_up_after(
        self: &Arc<Self>,
        number: u32,
        steps: i64,
        act: impl FnOnce(&Lane<User>),
        between: impl FnOnce() + Send + 'static,
    ) -> bool {
        let lane = self.lane_with(number, steps, Some(Box::new(between)));
        act(&lane);
        let fuse = &lane.ground.fuse;
        fuse.between.lock().unwrap().is_none()
    }

    /// How many blocks there are that were not given back.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.lock().unwrap().len()
    }

    /// All memory there is: the head, and every block.
    pub(super) fn memories(&self) -> Vec<(Arc<Shared>, usize)> {
        let blocks = self.blocks.lock().unwrap();
        let mut all: Vec<_> = blocks.values().map(|(_, of, len)| (Arc::clone(of), *len)).collect();
        all.push((Arc::clone(&self.head), LEN));
        all
    }
}

struct Death;

impl fmt::Debug for Fuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fuse").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Fuse {
    fn step<'a>(&'a self, memory: &'a Shared) -> &'a Shared {
        let left = self.steps.fetch_sub(1, Ordering::SeqCst);
        if left == 0 {
            if let Some(between) = self.between.lock().unwrap().take() {
                between();
                self.steps.store(i64::MAX, Ordering::SeqCst);
                return memory;
            }
            self.world.living.lock().unwrap().remove(&self.number);
            panic::resume_unwind(Box::new(Death));
        }
        if left < 0 { &self.nowhere } else { memory }
    }
}

impl Part {
    fn step(&self) -> &Shared {
        self.fuse.step(&self.memory)
    }
}

impl Heads for Part {
    fn u32(&self, at: usize) -> &AtomicU32 {
        self.step().u32(at)
    }

    fn u64(&self, at: usize) -> &AtomicU64 {
        self.step().u64(at)
    }
}

impl Words for Part {
    fn len(&self) -> usize {
        self.len
    }

    fn u64(&self, at: usize) -> &AtomicU64 {
        self.step().u64(at)
    }

    fn read(&self, at: usize, out: &mut [u8]) {
        self.step().read(at, out);
    }

    fn append(&self, at: usize, len: usize, out: &mut Vec<u8>) {
        self.step().append(at, len, out);
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        let half = bytes.len() / 2;
        self.step().write(at, &bytes[..half]);
        self.step().write(at + half, &bytes[half..]);
    }
}

impl Ground for User {
    type Head = Part;
    type Block = Part;

    fn head(&self) -> &Part {
        &self.head
    }

    fn reserve(&self, len: usize) -> Result<(At, Part)> {
        self.fuse.step(&self.fuse.nowhere);
        let world = &self.fuse.world;
        let offset = world.next.fetch_add(1, Ordering::SeqCst);
        let of = memory(len);
        world.blocks.lock().unwrap().insert(offset, (1, Arc::clone(&of), len));
        Ok((At { offset, generation: 1 }, Part { memory: of, len, fuse: Arc::clone(&self.fuse) }))
    }

    fn keep(&self, _: &Part) -> bool {
        self.fuse.step(&self.fuse.nowhere);
        true
    }

    fn open(&self, at: At) -> Option<Part> {
        let blocks = self.fuse.world.blocks.lock().unwrap();
        let (generation, of, len) = blocks.get(&at.offset)?;
        let part = Part { memory: Arc::clone(of), len: *len, fuse: Arc::clone(&self.fuse) };
        (*generation == at.generation).then_some(part)
    }

    fn free(&self, at: At) {
        self.fuse.step(&self.fuse.nowhere);
        self.fuse.world.blocks.lock().unwrap().remove(&at.offset);
    }

    fn own(&self) -> Result<u32> {
        Ok(self.fuse.number)
    }

    fn is_alive(&self, number: u32) -> bool {
        self.fuse.world.living.lock().unwrap().contains(&number)
    }
}

/// Takes whatever comes.
impl Sink for Vec<u8> {
    fn accept(&mut self, _: Kind, block: &impl Words, at: usize, len: usize) -> Result<()> {
        self.reserve(len);
        block.append(at, len, self);
        Ok(())
    }

    fn seize(&mut self, _: &[u8]) {}
}

pub(super) fn put(lane: &Lane<User>, body: &[u8]) {
    put_with(lane, &[], body);
}

pub(super) fn put_with(lane: &Lane<User>, wire: &[u8], body: &[u8]) {
    assert!(
        lane.put(&Entry { kind: 1, wire, body, lent: None }, Until::Ever, || (), || Ok(()))
            .unwrap()
    );
}

pub(super) fn take(lane: &Lane<User>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let taken = lane.take(&mut body, Until::Now, || Ok(())).unwrap();
    taken.map(|_| body)
}

/// Bytes that tell which item they are.
pub(super) fn item(number: u64, len: usize) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend((8..len as u64).map(|at| (number.wrapping_mul(31) ^ at).to_le_bytes()[0]));
    bytes
}

/// The number of an item, whose bytes must be right.
pub(super) fn number_of(bytes: &[u8]) -> u64 {
    let number = u64::from_le_bytes(*bytes.first_chunk().unwrap());
    assert!(bytes == item(number, bytes.len()), "item {number} is damaged");
    number
}
