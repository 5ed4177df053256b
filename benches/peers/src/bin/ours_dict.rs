//! mp: a managed dictionary.

use mp::{DictProxy, Manager};
use peers::dict::{KEYS, clients, rate};
use peers::{Asked, tell};

fn use_it(dict: &DictProxy<u64, u64>, calls: u64) {
    for call in 0..calls {
        let key = call % KEYS;
        if call % 2 == 0 {
            dict.insert(key, call).expect("it serves");
        } else {
            dict.get(&key).expect("it serves");
        }
    }
}

#[mp::task]
fn client(dict: DictProxy<u64, u64>, calls: u64, turns: mp::Receiver<()>, done: mp::Sender<()>) {
    use_it(&dict, calls / 10);
    done.send(()).expect("somebody waits");
    for turn in turns.iter() {
        turn.expect("it decodes");
        use_it(&dict, calls);
        done.send(()).expect("somebody waits");
    }
}

fn measure(asked: &Asked) -> mp::Result<Option<f64>> {
    let Some(count) = clients(asked) else { return Ok(None) };
    let calls = asked.count(300_000);
    let manager = Manager::new()?;
    let dict = manager.dict::<u64, u64>()?;
    dict.extend((0..KEYS).map(|key| (key, 0)))?;
    let (done, end) = mp::channel()?;
    let mut turns = Vec::new();
    let mut processes = Vec::new();
    for _ in 0..count {
        let (turn, own) = mp::channel()?;
        processes.push(mp::spawn(client, (dict.clone(), calls, own, done.clone()))?);
        turns.push(turn);
    }
    // Each has called before.
    (0..count).try_for_each(|_| end.recv())?;
    let together = || {
        turns.iter().for_each(|turn| turn.send(()).expect("it lives"));
        (0..count).for_each(|_| end.recv().expect("it lives"));
    };
    let value = rate(count * calls, together);
    drop(turns);
    Ok(Some(value))
}

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    tell(measure(&Asked::read())?);
    Ok(())
}
