//! Runs all contestants on the same work, one after another and again, and prints one table.

mod rows;
mod table;

use rows::{METRICS, Metric};
use serde_json::{Value, json};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use table::{Line, Row};

const HELP: &str = "\
benches/peers/run [--quick] [--rounds N] [--only METRIC].. [--json FILE]
  --quick        one round of short runs without the slowest peers: under a minute
  --rounds N     rounds of all contestants of a row, 3 unless told; the table has the median of them
  --only METRIC  this row, and others named so:
                 throughput map apply idle start pool argument result death
                 channel ping-pong large queue queue-2-2 lock contended event event-idle slice share dict dict-2
  --json FILE    the same as JSON
";

/// No run of a contestant takes longer; one that does is left out of that round.
const LIMIT: Duration = Duration::from_secs(60);

struct Options {
    quick: bool,
    rounds: usize,
    only: Vec<String>,
    json: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { quick: false, rounds: 3, only: Vec::new(), json: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--quick" => (options.quick, options.rounds) = (true, 1),
            "--rounds" => {
                let text = value()?;
                let rounds = text.parse().ok().filter(|rounds| *rounds > 0);
                options.rounds = rounds.ok_or(format!("--rounds {text}: not a number above 0"))?;
            }
            "--only" => {
                let name = value()?;
                if METRICS.iter().all(|metric| metric.name != name) {
                    return Err(format!("--only {name}: no such metric\n{HELP}"));
                }
                options.only.push(name);
            }
            "--json" => options.json = Some(value()?.into()),
            "--help" => return Err(HELP.into()),
            _ => return Err(format!("{argument}: not known\n{HELP}")),
        }
    }
    Ok(options)
}

/// Runs one contestant once, in a process group of its own, of which nothing is left afterwards.
fn run(program: &str, metric: &str, percent: &str, third: &str) -> Option<f64> {
    let beside = std::env::current_exe().ok()?;
    let mut command = if program.ends_with(".py") {
        let python = std::env::var("PEERS_PYTHON").ok().filter(|path| !path.is_empty())?;
        let mut command = Command::new(python);
        command.arg(format!("{}/{program}", env!("CARGO_MANIFEST_DIR")));
        command
    } else {
        Command::new(beside.with_file_name(program))
    };
    command.args([metric, percent, third]).process_group(0).stdin(Stdio::null());
    command.env("RUST_BACKTRACE", "0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let group = child.id();
    let mut stdout = child.stdout.take()?;
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut text, mut part) = (Vec::new(), [0; 64]);
        // One line: a child that is left may hold the pipe open.
        while !text.contains(&b'\n')
            && stdout.read(&mut part).is_ok_and(|n| {
                text.extend_from_slice(&part[..n]);
                n > 0
            })
        {}
        drop(tell.send(text));
    });
    let text = told.recv_timeout(LIMIT).unwrap_or_default();
    // Its own end, which should not take long, belongs to no figure.
    let ends = Instant::now() + Duration::from_secs(2);
    while Instant::now() < ends && child.try_wait().ok()?.is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
    let _ = child.wait();
    String::from_utf8(text).ok()?.trim().parse().ok()
}

fn measure(metric: &'static Metric, options: &Options) -> Row {
    let percent = if options.quick { "20" } else { "100" };
    let mut lines: Vec<_> = metric
        .contestants
        .iter()
        .filter(|contestant| !options.quick || contestant.4)
        .map(|&(name, program, third, ceiling, _)| (Line::new(name, ceiling), program, third))
        .collect();
    for round in 0..options.rounds {
        for (line, program, third) in &mut lines {
            // What it does not do in the first round it does not do later.
            if round == 0 || !line.values.is_empty() {
                line.values.extend(run(program, metric.name, percent, third));
            }
        }
    }
    let lines = lines.into_iter().map(|(line, ..)| line).filter(|line| !line.values.is_empty());
    Row { metric, lines: lines.collect() }
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(text) => {
            eprint!("{text}");
            return ExitCode::from(2);
        }
    };
    let wanted = |metric: &&Metric| options.only.is_empty() || options.only.iter().any(|name| name == metric.name);
    let mut rows: Vec<Value> = Vec::new();
    for metric in METRICS.iter().filter(wanted) {
        let row = measure(metric, &options);
        row.print();
        rows.push(row.json());
    }
    if let Some(path) = &options.json {
        let all = json!({ "rounds": options.rounds, "quick": options.quick, "metrics": rows });
        if let Err(error) = std::fs::write(path, format!("{all:#}\n")) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
