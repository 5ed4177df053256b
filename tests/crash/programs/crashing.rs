//! Crashes in a program that is nothing but itself: with a main of its own, and an allocator that has a lock.
#![expect(unsafe_code, reason = "breaks the rules on purpose")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;
use std::{hint, ptr, thread};

struct Locked;

static LOCK: AtomicBool = AtomicBool::new(false);
/// How many of the next allocations crash.
static CRASHES: AtomicU32 = AtomicU32::new(0);
/// Whether they do so with the lock held.
static WITHIN: AtomicBool = AtomicBool::new(false);

fn crash() {
    // SAFETY: none; the fault is what is wanted.
    unsafe { ptr::without_provenance_mut::<u8>(8).write_volatile(1) }
}

// SAFETY: the system's allocator does it.
unsafe impl GlobalAlloc for Locked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let wanted = CRASHES.load(Ordering::Relaxed) > 0;
        if wanted && !WITHIN.load(Ordering::Relaxed) {
            crash();
        }
        while LOCK.swap(true, Ordering::Acquire) {
            hint::spin_loop();
        }
        if wanted {
            crash();
        }
        // SAFETY: as this function's own contract.
        let memory = unsafe { System.alloc(layout) };
        LOCK.store(false, Ordering::Release);
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as this function's own contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Locked = Locked;

fn overflow(depth: u64) -> u64 {
    let frame = hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { overflow(depth + 1) + frame[1] }
}

#[mp::task]
fn crashes(how: &str) {
    match how {
        "allocator" | "allocator again" => {
            WITHIN.store(how == "allocator", Ordering::Relaxed);
            CRASHES.store(1, Ordering::Relaxed);
            hint::black_box(Box::new(1));
        }
        "abort" => {
            CRASHES.store(1, Ordering::Relaxed);
            std::process::abort();
        }
        "overflow" => drop(overflow(0)),
        "thread" => drop(thread::spawn(crash).join()),
        "overflow in a thread" => drop(thread::spawn(|| overflow(0)).join()),
        _ => crash(),
    }
}

#[mp::main]
fn main() -> mp::Result<()> {
    let how = std::env::args().nth(1).unwrap_or_default();
    let pool = mp::Pool::new(1)?;
    let mut process = mp::Process::new(crashes, &how).with_name("greeter");
    process.start()?;
    let start = Instant::now();
    process.join()?;
    println!("process {:?} {}", process.exit_code(), start.elapsed().as_millis());
    let start = Instant::now();
    let error = pool.apply(crashes, &how).unwrap_err();
    let code = error.worker().map(mp::WorkerExit::exit_code);
    println!("worker {code:?} {}", start.elapsed().as_millis());
    Ok(())
}
