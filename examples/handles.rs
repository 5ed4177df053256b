//! A pipe inside a struct, given to a worker that runs already: what it writes there is read here line by line, while
//! the task goes on.

use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, PipeWriter, Write, pipe};

#[derive(Serialize, Deserialize)]
struct Job {
    title: String,
    progress: mp::Fd<PipeWriter>,
}

#[mp::task]
fn work(mut job: Job) -> usize {
    for step in 1..=3 {
        writeln!(job.progress, "{}: step {step}", job.title).expect("someone reads");
    }
    job.title.len()
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = mp::Pool::new(1)?;
    let (reader, writer) = pipe()?;
    let handle = pool.submit(work, Job { title: "sorting".to_owned(), progress: writer.into() });
    // It ends when the task drops its end: nobody else has one.
    for line in BufReader::new(reader).lines() {
        println!("{}", line?);
    }
    println!("done: {}", handle.get()?);
    Ok(())
}
