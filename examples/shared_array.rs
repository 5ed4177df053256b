//! Which words stand on the same lines: of some files, the product of the matrix words x lines with itself, its rows by
//! workers, all in shared memory, and checked against one process. `shared_array FILE..` (default: mp's docs).

use std::{collections::BTreeMap, env, fs, ops::Range, path::PathBuf, time::Instant};

const WORDS: usize = if cfg!(debug_assertions) { 100 } else { 600 };
type Row = [f32; WORDS];

/// Some rows of the product: how often each of those words is on a line with each of all.
#[mp::task]
fn multiply(rows: Range<usize>, lines: mp::SharedSlice<Row>, product: mp::RawArray<Row>) {
    let mut sums = vec![[0.0; WORDS]; rows.len()];
    for line in lines.iter() {
        for (sums, word) in sums.iter_mut().zip(&line[rows.clone()]) {
            sums.iter_mut().zip(line).for_each(|(sum, other)| *sum += word * other);
        }
    }
    product.write(rows.start, &sums).expect("there is a row for each word");
}

fn words(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| !c.is_alphabetic()).filter(|w| w.len() > 4).map(str::to_lowercase)
}

#[mp::main]
fn main() -> mp::Result<()> {
    let mut files: Vec<_> = env::args().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        let own = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).expect("it is there");
        files = own.map(|entry| entry.expect("readable").path()).collect();
    }
    let text: String = files.iter().map(|file| fs::read_to_string(file).expect("text")).collect();

    let mut counts = BTreeMap::<String, u32>::new();
    text.lines().flat_map(words).for_each(|word| *counts.entry(word).or_default() += 1);
    let mut names: Vec<_> = counts.iter().map(|(word, count)| (*count, &**word)).collect();
    names.sort_by(|a, b| b.cmp(a));
    let number: BTreeMap<_, _> = names.iter().take(WORDS).zip(0..).map(|(w, n)| (w.1, n)).collect();
    let mut lines = vec![[0.0; WORDS]; text.lines().count()];
    for (line, counts) in text.lines().zip(&mut lines) {
        words(line).filter_map(|w| number.get(&*w).copied()).for_each(|n: usize| counts[n] += 1.0);
    }
    let (lines, alone) = (mp::SharedSlice::new(lines)?, mp::RawArray::zeroed(WORDS)?);
    let start = Instant::now();
    multiply(0..WORDS, lines.clone(), alone.clone());
    println!("{} lines x {WORDS} words in this process: {:?}", lines.len(), start.elapsed());
    let (pool, product) = (mp::Pool::with_default_size()?, mp::RawArray::zeroed(WORDS)?);
    let start = Instant::now();
    let parts = (0..WORDS).step_by(50).map(|first| first..(first + 50).min(WORDS));
    pool.starmap(multiply, parts.map(|rows| (rows, lines.clone(), product.clone())))?;
    println!("in {} workers: {:?}", mp::cpu_count(), start.elapsed());
    let (product, alone) = (product.to_vec(), alone.to_vec());
    assert_eq!(product, alone, "workers count as one process does");
    let pairs = (0..WORDS).flat_map(|one| (0..one).map(move |other| (one, other)));
    let mut pairs: Vec<_> = pairs.map(|(a, b)| (product[a][b], names[a].1, names[b].1)).collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    pairs.iter().take(5).for_each(|(count, a, b)| println!("{count:6} {a}, {b}"));
    Ok(())
}
