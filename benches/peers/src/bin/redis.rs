//! Redis over a Unix socket, each client a process that runs this program again and speaks the protocol by hand.

use peers::dict::{KEYS, clients, rate};
use peers::{Asked, tell};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A connection, as soon as the server listens.
fn connect(path: &Path) -> Option<UnixStream> {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return Some(stream),
            Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            Err(_) => return None,
        }
    }
}

/// Sends a command, and reads its answer, which is short.
fn call(stream: &mut UnixStream, words: &[&str], request: &mut Vec<u8>) {
    request.clear();
    write!(request, "*{}\r\n", words.len()).expect("it is memory");
    for word in words {
        write!(request, "${}\r\n{word}\r\n", word.len()).expect("it is memory");
    }
    stream.write_all(request).expect("the server lives");
    let (mut answer, mut len) = ([0; 256], 0);
    loop {
        len += stream.read(&mut answer[len..]).expect("the server lives");
        let answer = &answer[..len];
        // A bulk string has two lines, all else has one.
        let lines = answer.windows(2).filter(|end| end == b"\r\n").count();
        if lines == if answer.starts_with(b"$") && !answer.starts_with(b"$-1") { 2 } else { 1 } {
            return;
        }
    }
}

fn use_it(stream: &mut UnixStream, calls: u64) {
    let mut request = Vec::new();
    for number in 0..calls {
        let (key, value) = ((number % KEYS).to_string(), number.to_string());
        if number % 2 == 0 {
            call(stream, &["SET", &key, &value], &mut request);
        } else {
            call(stream, &["GET", &key], &mut request);
        }
    }
}

/// As a child: calls before, says so, waits for its turn, calls, says so.
fn client(path: &Path, calls: u64) {
    let mut stream = connect(path).expect("the server listens");
    use_it(&mut stream, calls / 10);
    let mut byte = [0];
    println!("ready");
    std::io::stdin().read_exact(&mut byte).expect("the parent lives");
    use_it(&mut stream, calls);
    println!("done");
}

fn line(from: &mut impl Read) {
    let mut byte = [0];
    while byte != *b"\n" {
        from.read_exact(&mut byte).expect("the client lives");
    }
}

fn measure(asked: &Asked, path: &Path) -> Option<f64> {
    let count = clients(asked)?;
    let calls = asked.count(30_000);
    let mut server = Command::new("redis-server");
    server.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(path);
    let _server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    connect(path)?;
    let own = std::env::current_exe().ok()?;
    let mut all: Vec<_> = (0..count)
        .map(|_| {
            let mut command = Command::new(&own);
            command.args(["client", "100", ""]).env("PEERS_SOCKET", path).env("PEERS_CALLS", calls.to_string());
            command.arg0("redis-client").stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().expect("it starts")
        })
        .collect();
    all.iter_mut().for_each(|client| line(client.stdout.as_mut().expect("a pipe")));
    Some(rate(count * calls, || {
        for client in &mut all {
            client.stdin.as_mut().expect("a pipe").write_all(b"x").expect("it lives");
        }
        all.iter_mut().for_each(|client| line(client.stdout.as_mut().expect("a pipe")));
    }))
}

fn main() {
    let asked = Asked::read();
    if asked.metric == "client" {
        let path = PathBuf::from(std::env::var_os("PEERS_SOCKET").expect("given"));
        let calls = std::env::var("PEERS_CALLS").expect("given").parse().expect("a number");
        return client(&path, calls);
    }
    let path = std::env::temp_dir().join(format!("mp-peers-redis-{}", std::process::id()));
    tell(measure(&asked, &path));
    let _ = std::fs::remove_file(&path);
}
