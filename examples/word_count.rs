//! Counts the words of all text files under the paths given (default: the sources of the crates Cargo has here), with 1 and
//! with N workers, and checks both against a run in this process. What cannot be read is one line on stderr.

use std::collections::{BTreeSet, HashMap};
use std::{cmp::Reverse, env, fs, io, path::PathBuf, time::Instant};

/// How often each word occurs, in how many text files of how many bytes.
type Tally = (HashMap<String, u64>, u64, u64);

#[mp::task]
fn count(files: Vec<PathBuf>) -> Tally {
    let mut tally = Tally::default();
    for text in files.iter().filter_map(|file| fs::read_to_string(file).ok()) {
        (tally.1, tally.2) = (tally.1 + 1, tally.2 + text.len() as u64);
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            *tally.0.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    tally
}

fn find(path: PathBuf, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if fs::metadata(&path)?.is_file() {
        fs::File::open(&path)?;
        files.push(path);
    } else if !path.is_symlink() {
        fs::read_dir(&path)?.flatten().for_each(|entry| find_or_say(entry.path(), files));
    }
    Ok(())
}

fn find_or_say(path: PathBuf, files: &mut Vec<PathBuf>) {
    find(path.clone(), files).unwrap_or_else(|error| eprintln!("{}: {error}", path.display()));
}

#[mp::main]
fn main() -> mp::Result<()> {
    let mut files = Vec::new();
    let cargo = || Some(env::home_dir()?.join(".cargo"));
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(cargo).unwrap_or_default();
    let given = env::args_os().skip(1).map(PathBuf::from);
    let default = (env::args_os().len() < 2).then(|| cargo.join("registry/src"));
    given.chain(default).for_each(|path| find_or_say(path, &mut files));
    let expected = count(files.clone());
    for workers in [1, mp::cpu_count()] {
        let (pool, start, mut all) = (mp::Pool::new(workers)?, Instant::now(), Tally::default());
        let parts: Vec<_> = files.chunks(200).map(|f| pool.submit(count, f.to_vec())).collect();
        for (words, texts, bytes) in parts.iter().map(|part| part.get().expect("it can count")) {
            words.into_iter().for_each(|(word, n)| *all.0.entry(word).or_default() += n);
            (all.1, all.2) = (all.1 + texts, all.2 + bytes);
        }
        println!("{workers} workers: {:?}", start.elapsed());
        assert_eq!(all, expected, "a pool counts as one process does");
    }
    let words: BTreeSet<_> = expected.0.iter().map(|(word, n)| (Reverse(n), word)).collect();
    words.iter().take(20).for_each(|(n, word)| println!("{:8} {word}", n.0));
    println!("{} files, {} bytes", expected.1, expected.2);
    Ok(())
}
