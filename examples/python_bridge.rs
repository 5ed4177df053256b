//! A program in Python (python_bridge.py, standard library only) asks this one, and is asked by it then, in JSON.
//! Run it: `cargo run --example python_bridge`, with `python3` on the path.

use serde_json::{Value, json};
use std::error::Error;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

fn start_python(port: u16, key: &mp::AuthKey) -> std::io::Result<Child> {
    let script = include_str!("python_bridge.py");
    let mut command = Command::new("python3");
    let mut python =
        command.args(["-c", script, &port.to_string()]).stdin(Stdio::piped()).spawn()?;
    // Not as an argument, which everybody on the machine can read.
    let hex: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    python.stdin.take().expect("it is piped").write_all(hex.as_bytes())?;
    Ok(python)
}

fn main() -> Result<(), Box<dyn Error>> {
    let key = mp::current_process().authkey();
    // For Python before 3.12, which knows nothing better; leave it out with a newer one.
    let listener = mp::Listener::builder().allow_md5().bind("tcp://127.0.0.1:0", &key)?;
    let port = listener.address().port().expect("it is an address of TCP");
    let mut python = match start_python(port, &key) {
        Ok(python) => python,
        Err(error) => {
            println!("this needs python3: {error}");
            return Ok(());
        }
    };

    let asking = listener.accept_timeout(LONG)?;
    let question: Value = serde_json::from_slice(&asking.recv_bytes_timeout(LONG)?)?;
    let numbers = question["numbers"].as_array().ok_or("numbers are missing")?;
    let squares: Vec<i64> = numbers.iter().filter_map(Value::as_i64).map(|n| n * n).collect();
    asking.send_bytes(json!({ "squares": squares }).to_string().as_bytes())?;

    let place: Value = serde_json::from_slice(&asking.recv_bytes_timeout(LONG)?)?;
    let address = format!("tcp://127.0.0.1:{}", place["port"]);
    let server = mp::Client::builder().allow_md5().connect(address, &key)?;
    server.send_bytes(json!({ "text": "to be or not to be" }).to_string().as_bytes())?;
    let counts: Value = serde_json::from_slice(&server.recv_bytes_timeout(LONG)?)?;
    println!("Rust got: {counts}");
    assert!(python.wait()?.success());
    Ok(())
}
