//! What the operating system or a thread of this process stands behind.
use std::fs::File;
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::time::Instant;

#[mp::task]
fn file(open: File) { //~ error[E0277]: `File` belongs to the process that made it
    drop(open);
}

#[mp::task]
fn streams(all: Vec<TcpStream>) -> usize { //~ error[E0277]: `TcpStream` belongs to the process that made it
    all.len()
}

#[mp::task]
fn tell(teller: Sender<i32>) { //~ Sender<i32>` belongs to the process that made it
    teller.send(1).unwrap();
}

#[mp::task]
fn now() -> Instant { //~ error[E0277]: `Instant` belongs to the process that made it
    Instant::now()
}

fn main() {
    let _ = (file, tell, now);
    streams(vec![]);
}
