//! Rounds of several measurements taken in turn, so that all meet the same machine, and their table: median, spread, and
//! the ratio to the first one, which is the ceiling. What is measured is for the benchmarks.

use std::env;

/// One line of a table.
pub struct Row<'a> {
    name: &'static str,
    measure: Box<dyn FnMut() -> f64 + 'a>,
    values: Vec<f64>,
}

impl<'a> Row<'a> {
    /// `measure` gives one value in the table's unit.
    pub fn new(name: &'static str, measure: impl FnMut() -> f64 + 'a) -> Self {
        Self { name, measure: Box::new(measure), values: Vec::new() }
    }
}

/// Measures all rows in turn, five times or `MP_BENCH_ROUNDS` times, and prints them. The first row is
/// the one that the others are compared with.
pub fn table(title: &str, unit: &str, rows: &mut [Row<'_>]) {
    let rounds = env::var("MP_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    for _ in 0..rounds {
        for row in &mut *rows {
            row.values.push((row.measure)());
        }
    }
    println!("\n{title} ({unit}; median of {rounds} rounds, min..max, ratio to the first line)");
    let first = median(&mut rows[0].values);
    for row in rows {
        let median = median(&mut row.values);
        let (min, max) = (row.values[0], row.values[row.values.len() - 1]);
        let ratio = median / first;
        println!("  {:54} {median:10.3}  {min:.3}..{max:.3}  {ratio:.2}", row.name);
    }
}

/// The median of some values, which are sorted by it.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
