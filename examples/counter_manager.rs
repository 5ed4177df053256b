//! A type of one's own, served to several processes: a counter that also says who has counted.

use std::collections::BTreeMap;

#[derive(Default)]
struct Tally {
    counts: BTreeMap<String, u64>,
}

#[mp::manager]
impl Tally {
    fn new() -> Self {
        Self::default()
    }

    /// Counts for this name, and gives what it has then.
    pub fn count(&mut self, name: &str, by: u64) -> u64 {
        let count = self.counts.entry(name.to_owned()).or_default();
        *count += by;
        *count
    }

    /// The name's share of all.
    pub fn share(&self, name: &str) -> Result<f64, String> {
        let own = self.counts.get(name).ok_or_else(|| format!("{name} has not counted"))?;
        Ok(*own as f64 / self.counts.values().sum::<u64>() as f64)
    }
}

#[mp::task]
fn work(tally: TallyProxy, times: u64) {
    let name = mp::current_process().name().to_owned();
    for _ in 0..times {
        tally.count(&name, 1).expect("the server is there");
    }
}

#[mp::main]
fn main() -> mp::Result<()> {
    let manager = mp::Manager::new()?;
    let tally = manager.create::<Tally>(())?; // runs `new` in the server
    let starts = [("ann", 30), ("bob", 10)]
        .map(|(name, times)| mp::Process::new(work, (tally.clone(), times)).with_name(name));
    for mut process in starts {
        process.start()?;
        process.join()?;
    }
    for name in ["ann", "bob", "eve"] {
        match tally.share(name)? {
            Ok(share) => println!("{name}: {share:.2}"),
            Err(problem) => println!("{problem}"), // the method's own error, as it is
        }
    }
    Ok(())
}
