//! One row of the table: all contestants on one metric, beside each other.

use crate::rows::Metric;
use serde_json::{Value, json};

/// A contestant's values.
pub struct Line {
    name: &'static str,
    ceiling: bool,
    pub values: Vec<f64>,
}

impl Line {
    pub fn new(name: &'static str, ceiling: bool) -> Self {
        Self { name, ceiling, values: Vec::new() }
    }

    fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    fn is_ours(&self) -> bool {
        self.name.starts_with("mp,") || self.name == "mp"
    }

    fn spread(&self) -> (f64, f64) {
        let fold = |f: fn(f64, f64) -> f64, from| self.values.iter().copied().fold(from, f);
        (fold(f64::min, f64::INFINITY), fold(f64::max, 0.0))
    }
}

pub struct Row {
    pub metric: &'static Metric,
    pub lines: Vec<Line>,
}

impl Row {
    /// How good `line` is beside the best of the others that are wanted: above 1 it is better.
    fn ratio(&self, line: &Line, wanted: impl Fn(&Line) -> bool) -> Option<f64> {
        let others = self.lines.iter().filter(|other| wanted(other)).map(Line::median);
        let more = self.metric.more;
        let best = others.reduce(|a, b| if more { a.max(b) } else { a.min(b) })?;
        Some(if more { line.median() / best } else { best / line.median() })
    }

    fn ratios(&self, line: &Line) -> [Option<f64>; 2] {
        let peer = |other: &Line| !other.ceiling && !other.is_ours();
        let ratios = [self.ratio(line, peer), self.ratio(line, |other| other.ceiling)];
        ratios.map(|ratio| ratio.filter(|_| line.is_ours()))
    }

    pub fn print(&self) {
        let Metric { name, what, unit, more, crossmist, .. } = self.metric;
        let better = if *more { "more" } else { "less" };
        println!("\n{name}: {what}, {unit} ({better} is better)");
        println!("  {:<24} {:>10}  {:<22} {:>12} {:>12}", "", "median", "min..max", "× best peer", "× ceiling");
        for line in &self.lines {
            let (least, most) = line.spread();
            let spread = format!("{least:.4}..{most:.4}");
            let [peer, ceiling] =
                self.ratios(line).map(|ratio| ratio.map_or(String::new(), |ratio| format!("{ratio:.3}")));
            println!("  {:<24} {:>10.4}  {spread:<22} {peer:>12} {ceiling:>12}", line.name, line.median());
        }
        if let Some(value) = crossmist {
            println!("  {:<24} {value:>10.4}  quoted: patched, of an earlier run", "crossmist");
        }
    }

    pub fn json(&self) -> Value {
        let lines = self.lines.iter().map(|line| {
            let [peer, ceiling] = self.ratios(line);
            let (least, most) = line.spread();
            json!({
                "name": line.name, "ceiling": line.ceiling, "median": line.median(), "min": least, "max": most,
                "values": line.values, "ratio_to_best_peer": peer, "ratio_to_ceiling": ceiling,
            })
        });
        json!({
            "metric": self.metric.name, "what": self.metric.what, "unit": self.metric.unit,
            "more_is_better": self.metric.more, "contestants": lines.collect::<Vec<_>>(),
            "quoted": self.metric.crossmist.map(|value| json!({ "crossmist (patched)": value })),
        })
    }
}
