//! Two programs that share a manager over TCP: one has a queue of jobs and a dictionary of results, the other one works. With
//! `server ADDRESS` or `client ADDRESS` it is one of them; without arguments it serves, and starts the other one itself.

use std::env;
use std::process::Command;

const KEY: &str = "known to both programs";

type Jobs = mp::QueueProxy<Option<u64>>;
type Results = mp::DictProxy<u64, u64>;

fn serve(address: &str, start_client: impl FnOnce(String) -> mp::Result<()>) -> mp::Result<()> {
    let manager = mp::Manager::builder().address(address).authkey(KEY).start()?;
    let (jobs, results): (Jobs, Results) = (manager.bounded_queue(10)?, manager.dict()?);
    let done = manager.event()?;
    manager.publish("jobs", &jobs)?;
    manager.publish("results", &results)?;
    manager.publish("done", &done)?;
    let address = manager.address().map(ToString::to_string).unwrap_or_default();
    println!("serving at {address}");
    start_client(address)?;
    (1..=20).map(Some).chain([None]).try_for_each(|job| jobs.put(job))?;
    done.wait()?;
    let results = results.to_map()?;
    assert_eq!((results.len(), results[&20]), (20, 400));
    println!("20 results, the last of them {}", results[&20]);
    Ok(())
}

fn work(address: &str) -> mp::Result<()> {
    let remote = mp::Manager::connect(address, KEY)?;
    let (jobs, results): (Jobs, Results) = (remote.lookup("jobs")?, remote.lookup("results")?);
    while let Some(job) = jobs.get()? {
        results.insert(job, job * job)?;
    }
    remote.lookup::<mp::EventProxy>("done")?.set()
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server", address] => serve(address, |_| Ok(()))?,
        ["client", address] => work(address)?,
        _ => {
            let mut client = Command::new(env::current_exe()?);
            let mut started = Err(std::io::ErrorKind::NotFound.into());
            serve("tcp://127.0.0.1:0", |address| {
                started = client.args(["client", &address]).spawn();
                Ok(())
            })?;
            assert!(started?.wait()?.success());
        }
    }
    Ok(())
}
