//! Three stages joined by queues: files are found, read and counted by two processes, and summed up here.
//! Run it: `cargo run --example worker_pipeline [DIRECTORY]`.

use mp::{Process, Queue};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest line and number of lines of a file.
type Counted = (PathBuf, usize, usize);

/// Stage 1: the files below a directory.
#[mp::task]
fn find(root: PathBuf, files: Queue<PathBuf>) {
    let mut directories = vec![root];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                Ok(kind) if kind.is_file() => files.put(entry.path()).expect("the queue is there"),
                _ => {}
            }
        }
    }
    // For everyone: the loops over it end when what is in it has been got.
    files.close_all();
}

/// Stage 2: what is in them. What is no text is left out.
#[mp::task]
fn count(files: Queue<PathBuf>, counted: Queue<Counted>) {
    for file in &files {
        let file = file.expect("paths decode");
        if let Ok(text) = fs::read_to_string(&file) {
            let longest = text.lines().map(str::len).max().unwrap_or(0);
            let counts = (file, longest, text.lines().count());
            counted.put(counts).expect("the queue is there");
        }
    }
}

#[mp::main]
fn main() -> mp::Result<()> {
    let own_sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let root = std::env::args_os().nth(1).map_or(own_sources, PathBuf::from);
    // The readers hold the finder up when they are slower.
    let (files, counted) = (Queue::bounded(100)?, Queue::new()?);
    let finder = mp::spawn(find, (root, files.clone()))?;
    let counters: mp::Result<Vec<Process<_>>> =
        (0..2).map(|_| mp::spawn(count, (files.clone(), counted.clone()))).collect();
    // Stage 3: it ends by itself when the handles of the other stages are gone.
    let all = counted.iter().collect::<mp::Result<Vec<Counted>>>()?;
    let lines: usize = all.iter().map(|(_, _, lines)| lines).sum();
    println!("{} text files, {lines} lines", all.len());
    if let Some((file, longest, _)) = all.iter().max_by_key(|(_, longest, _)| longest) {
        println!("the longest line has {longest} bytes, in {}", file.display());
    }
    finder.join()?;
    counters?.iter().try_for_each(Process::join)
}
