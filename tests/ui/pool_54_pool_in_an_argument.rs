//! A pool at any depth, with all that belongs to it.
use std::sync::{Arc, Mutex};

#[mp::task]
fn optional(pool: Option<mp::Pool>) -> bool { //~ error[E0277]: `Pool` belongs to the process that made it
    pool.is_some()
}

#[mp::task]
fn shared(pool: Arc<Mutex<mp::Pool>>) { //~ error[E0277]: `Arc<std::sync::Mutex<Pool>>` points into the memory of one process
    pool.lock().unwrap().close();
}

#[mp::task]
fn made() -> mp::Result<mp::Pool> { //~ error[E0277]: `Pool` belongs to the process that made it
    mp::Pool::new(1)
}

#[mp::task]
fn handles(of: Vec<mp::AsyncResult<i32>>) -> i32 { //~ error[E0277]: `AsyncResult<i32>` belongs to the process that made it
    of.len().try_into().unwrap()
}

fn main() {
    optional(None);
    made().unwrap();
    handles(vec![]);
    let _ = shared;
}
