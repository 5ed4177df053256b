//! The standard library of Python at the other end: `python3`, and what `MP_TEST_PYTHONS` names beside it, by colons. One
//! from 3.12 on has SHA-256, an older one nothing but MD5.

use super::{KEY, LONG, own_path};
use crate::support::{example, watchdog};
use mp::ErrorKind::{Authentication, Disconnected, Timeout};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIZE: usize = 64 << 20;

/// An interpreter, and whether it has only MD5.
pub(super) struct Python {
    program: String,
    old: bool,
}

/// Those that are there.
pub(super) fn pythons() -> Vec<Python> {
    let others = std::env::var("MP_TEST_PYTHONS").unwrap_or_default();
    let programs = ["python3"].into_iter().chain(others.split(':').filter(|name| !name.is_empty()));
    let version = "import sys; print(sys.version_info >= (3, 12))";
    let known = programs.filter_map(|program| {
        let output = Command::new(program).args(["-c", version]).output().ok()?;
        let old = String::from_utf8_lossy(&output.stdout).trim() == "False";
        println!("{program}: {}", if old { "MD5 only" } else { "SHA-256" });
        Some(Python { program: program.to_owned(), old })
    });
    known.collect()
}

impl Python {
    /// Runs a script, with all of the module in reach, the key and the address.
    pub(super) fn start(&self, address: &mp::Address, key: &str, script: &str) -> Running {
        let address = match (address.port(), address.path()) {
            (Some(port), _) => format!("('127.0.0.1', {port})"),
            (_, Some(path)) => format!("{:?}", path.display().to_string()),
            _ => format!("'\\0' + {:?}", &address.to_string()["abstract:".len()..]),
        };
        let lines = format!(
            "from multiprocessing.connection import Client, Listener\n\
             from multiprocessing import AuthenticationError\n\
             address = {address}\nkey = {key:?}.encode()\n{script}"
        );
        let child = Command::new(&self.program).args(["-c", &lines]).stdout(Stdio::piped()).spawn();
        Running(child.expect("it starts"))
    }

    pub(super) fn listener(&self) -> mp::ListenerBuilder {
        let builder = mp::Listener::builder();
        if self.old { builder.allow_md5() } else { builder }
    }

    fn client(&self) -> mp::ClientBuilder {
        let builder = mp::Client::builder();
        if self.old { builder.allow_md5() } else { builder }
    }
}

pub(super) struct Running(Child);

impl Running {
    pub(super) fn succeeds(mut self) {
        let ended = self.0.wait().expect("it is ours");
        assert!(ended.success(), "the script has failed: its error is above");
    }

    /// Waits until it has printed a line.
    fn says(&mut self, word: &str) {
        use std::io::{BufRead, BufReader};
        let stdout = self.0.stdout.as_mut().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("it says something");
        assert_eq!(line.trim(), word);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn places() -> [mp::Address; 3] {
    let path = format!("unix://{}", own_path().display());
    ["tcp://127.0.0.1:0", "abstract:", &path].map(|place| place.parse().expect("it is one"))
}

pub(super) fn watched<R>(body: impl FnOnce() -> R) -> R {
    watchdog(Duration::from_secs(180), body)
}

#[mp::test]
fn auth_10_python_comes_to_our_listener() {
    watched(|| {
        for python in pythons() {
            for place in places() {
                let listener = python.listener().bind(&place, KEY).unwrap();
                let script = python.start(
                    listener.address(),
                    KEY,
                    "with Client(address, authkey=key) as c:\n\
                     \x20   c.send_bytes(b'from Python')\n\
                     \x20   assert c.recv_bytes() == b''\n\
                     \x20   c.send_bytes(c.recv_bytes())\n",
                );
                let client = listener.accept_timeout(LONG).unwrap();
                assert_eq!(client.recv_bytes_timeout(LONG).unwrap(), b"from Python");
                client.send_bytes(b"").unwrap();
                client.send_bytes(&[0, 1, 2, 255]).unwrap();
                assert_eq!(client.recv_bytes_timeout(LONG).unwrap(), [0, 1, 2, 255]);
                assert_eq!(client.recv_bytes_timeout(LONG).unwrap_err().kind(), Disconnected);
                script.succeeds();
            }
        }
    });
}

#[mp::test]
fn auth_10_we_come_to_a_listener_of_python() {
    watched(|| {
        for python in pythons() {
            for place in places() {
                // A port and a name that are free now.
                let address = match mp::Listener::bind(&place, KEY) {
                    Ok(listener) if place.path().is_none() => listener.address().clone(),
                    _ => place,
                };
                let mut script = python.start(
                    &address,
                    KEY,
                    "with Listener(address, authkey=key) as l:\n\
                     \x20   print('listens', flush=True)\n\
                     \x20   with l.accept() as c:\n\
                     \x20       c.send_bytes(c.recv_bytes() + b' and back')\n",
                );
                script.says("listens");
                let server = python.client().connect(&address, KEY).unwrap();
                server.send_bytes(b"to Python").unwrap();
                assert_eq!(server.recv_bytes_timeout(LONG).unwrap(), b"to Python and back");
                assert_eq!(server.recv_bytes_timeout(LONG).unwrap_err().kind(), Disconnected);
                script.succeeds();
            }
        }
    });
}

#[mp::test]
fn auth_11_python_with_another_key_is_told_so_and_so_are_we() {
    watched(|| {
        for python in pythons() {
            let listener = python.listener().bind("abstract:", KEY).unwrap();
            let script = python.start(
                listener.address(),
                "another key",
                "try:\n    Client(address, authkey=key)\n\
                 except AuthenticationError as e:\n    assert 'rejected' in str(e), e\n\
                 else:\n    raise SystemExit('it was let in')\n",
            );
            script.succeeds();
            let (count, why) = listener.refused();
            assert_eq!((count, why.unwrap().kind()), (1, Authentication));

            let path = own_path();
            let address = mp::Address::try_from(path.as_path()).unwrap();
            let mut script = python.start(
                &address,
                "another key",
                "with Listener(address, authkey=key) as l:\n    print('listens', flush=True)\n    \
                 try:\n        l.accept()\n    except AuthenticationError:\n        pass\n    \
                 else:\n        raise SystemExit('it let us in')\n",
            );
            script.says("listens");
            assert_eq!(python.client().connect(&address, KEY).unwrap_err().kind(), Authentication);
            script.succeeds();
        }
    });
}

#[mp::test]
fn auth_12_python_without_a_key_holds_nobody_up() {
    watched(|| {
        for python in pythons() {
            let short = Duration::from_millis(300);
            let listener =
                python.listener().handshake_timeout(short).bind("abstract:", KEY).unwrap();
            let script = python.start(
                listener.address(),
                KEY,
                "c = Client(address)\n\
                 assert c.recv_bytes().startswith(b'#CHALLENGE#')\n\
                 try:\n    c.recv_bytes()\nexcept EOFError:\n    pass\n\
                 else:\n    raise SystemExit('it was let in')\n",
            );
            script.succeeds();
            assert_eq!(listener.refused().1.unwrap().kind(), Timeout);

            let path = own_path();
            let address = mp::Address::try_from(path.as_path()).unwrap();
            let mut script = python.start(
                &address,
                KEY,
                "with Listener(address) as l:\n    print('listens', flush=True)\n    c = l.accept()\n    \
                 try:\n        c.recv_bytes()\n    except EOFError:\n        pass\n",
            );
            script.says("listens");
            let began = Instant::now();
            let client = python.client().timeout(short);
            assert_eq!(client.connect(&address, KEY).unwrap_err().kind(), Timeout);
            assert!(began.elapsed() >= short);
            script.succeeds();
        }
    });
}

#[mp::test]
fn auth_15_bey_42_an_old_python_is_refused_unless_md5_is_allowed() {
    watched(|| {
        for python in pythons() {
            let listener = mp::Listener::bind("abstract:", KEY).unwrap();
            let script = python.start(
                listener.address(),
                KEY,
                "try:\n    Client(address, authkey=key)\n\
                 except AuthenticationError:\n    print('refused', flush=True)\n\
                 else:\n    print('let in', flush=True)\n",
            );
            let mut script = script;
            script.says(if python.old { "refused" } else { "let in" });
            script.succeeds();
            let (refused, why) = listener.refused();
            assert_eq!(refused, u64::from(python.old));
            if let Some(why) = why {
                assert!(why.to_string().contains("allow_md5"), "{why}");
            }

            let path = own_path();
            let address = mp::Address::try_from(path.as_path()).unwrap();
            let mut script = python.start(
                &address,
                KEY,
                "with Listener(address, authkey=key) as l:\n    print('listens', flush=True)\n    \
                 try:\n        l.accept()\n    except (AuthenticationError, EOFError, ConnectionError):\n        pass\n",
            );
            script.says("listens");
            let outcome = mp::Client::connect(&address, KEY);
            match python.old {
                true => assert_eq!(outcome.unwrap_err().kind(), Authentication),
                false => drop(outcome.unwrap()),
            }
            script.succeeds();
        }
    });
}

#[mp::test]
fn auth_10_the_example_has_both_ask_and_answer() {
    let finished = example("python_bridge").limit(LONG).run();
    finished.assert_success();
    if !pythons().is_empty() {
        assert_eq!(finished.value("Python got: "), "{'squares': [9, 16, 25]}");
        assert_eq!(finished.value("Rust got: "), r#"{"be":2,"not":1,"or":1,"to":2}"#);
    }
}

#[mp::test]
fn conn_05_large_messages_go_to_python_and_back() {
    watched(|| {
        for python in pythons() {
            let listener = python.listener().bind("abstract:", KEY).unwrap();
            let script = python.start(
                listener.address(),
                KEY,
                "with Client(address, authkey=key) as c:\n\
                 \x20   m = c.recv_bytes()\n\
                 \x20   c.send_bytes(m[::-1])\n",
            );
            let client = listener.accept_timeout(LONG).unwrap();
            let mut large: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
            client.send_bytes(&large).unwrap();
            large.reverse();
            assert!(client.recv_bytes().unwrap() == large);
            script.succeeds();
        }
    });
}

#[mp::test]
fn conn_05_a_head_for_more_than_two_gibibytes_is_pythons() {
    watched(|| {
        for python in pythons() {
            let path = own_path();
            let listener = python.listener().max_message(16).bind(Path::new(&path), KEY).unwrap();
            let script = python.start(
                listener.address(),
                KEY,
                "c = Client(address, authkey=key)\n\
                 c.send_bytes(b'first')\n\
                 import mmap\n\
                 try:\n    c.send_bytes(mmap.mmap(-1, 0x80000000))\nexcept ConnectionError:\n    pass\n",
            );
            let client = listener.accept_timeout(LONG).unwrap();
            assert_eq!(client.recv_bytes().unwrap(), b"first");
            let error = client.recv_bytes().unwrap_err();
            assert!(error.to_string().contains("2147483648"), "{error}");
            drop(client);
            script.succeeds();
        }
    });
}
