//! The key of a tree of processes: who has it, who can set it, and what nobody sees of it; connections that go on within it.

use super::{LONG, connected, watched};
use crate::support::{Footprint, scenario, scenario_main};
use mp::ErrorKind::{Authentication, Disconnected, Empty, Encode};
use serde::Serialize;
use std::io::Write;
use std::os::fd::AsFd;
use std::time::Duration;

/// Connects with the key that this process has, and says it; or says how it failed.
#[mp::task]
fn visit(address: String, word: String) -> Result<(), String> {
    let key = mp::current_process().authkey();
    let server =
        mp::Client::connect(address, key).map_err(|error| format!("{:?}", error.kind()))?;
    server.send_bytes(word.as_bytes()).map_err(|error| error.to_string())
}

/// Has children of its own visit, from a process and from a pool.
#[mp::task]
fn send_children(address: String, depth: u32) -> Result<(), String> {
    let text = |error: mp::Error| error.to_string();
    visit(address.clone(), format!("depth {depth}"))?;
    if depth == 0 {
        return Ok(());
    }
    mp::Pool::new(1)
        .and_then(|pool| pool.apply(visit, (address.clone(), "pool".into())))
        .map_err(text)??;
    mp::spawn(send_children, (address, depth - 1))
        .and_then(|process| process.result())
        .map_err(text)?
}

#[mp::test]
fn auth_19_bey_40_the_key_is_inherited_also_when_set_and_by_grandchildren() {
    let program = scenario!(|| {
        for own in [None, Some("set before the grandchildren")] {
            if let Some(own) = own {
                mp::current_process().set_authkey(own).expect("it is its own");
            }
            let listener = mp::Listener::new().expect("it listens");
            let children = mp::spawn(send_children, (listener.address().to_string(), 2));
            let mut words = Vec::new();
            for _ in 0..5 {
                let client = listener.accept_timeout(LONG).expect("they all come");
                words.push(
                    String::from_utf8(client.recv_bytes().expect("they say it")).expect("text"),
                );
            }
            assert_eq!(words, ["depth 2", "pool", "depth 1", "pool", "depth 0"]);
            children.expect("it starts").result().expect("it ends").expect("all were let in");
        }
        // One who has another key is not.
        let listener = mp::Listener::bind("abstract:", "quite another").expect("it listens");
        let visitor = mp::spawn(visit, (listener.address().to_string(), String::new()));
        let said = visitor.expect("it starts").result().expect("it ends");
        assert_eq!(said, Err("Authentication".to_owned()));
    });
    program.run().assert_success();
}

#[mp::test]
fn auth_19_programs_have_different_keys() {
    let program = scenario_main!(|| {
        println!("key {:?}", mp::current_process().authkey().as_bytes());
    });
    let keys = [program.run(), program.run()].map(|finished| finished.value("key ").to_owned());
    assert_ne!(keys[0], keys[1]);
}

/// What of a type there is, as the compiler sees it.
struct Of<T>(std::marker::PhantomData<T>);

trait NotSerialize {
    const IS: bool = false;
}

impl<T> NotSerialize for Of<T> {}

impl<T: Serialize> Of<T> {
    const IS: bool = true;
}

#[mp::test]
fn auth_20_a_key_shows_nothing() {
    watched(|| {
        const { assert!(Of::<Vec<u8>>::IS && !Of::<mp::AuthKey>::IS) };
        let key = mp::AuthKey::from("do not tell");
        let listener = mp::Listener::bind("abstract:", &key).unwrap();
        let builder = (mp::Listener::builder(), mp::Client::builder());
        let error = mp::Client::connect(listener.address(), "tell nobody").unwrap_err();
        assert_eq!(error.kind(), Authentication);
        let shown =
            format!("{key:?} {key:#?} {listener:?} {builder:?} {error:?} {:?}", listener.refused());
        assert!(!shown.contains("tell") && !shown.contains("116, 101"), "{shown}");
        let listener = mp::Listener::bind("abstract:", super::KEY).unwrap();
        let (ours, theirs) = connected(&listener);
        let shown = format!("{ours:?} {:?}", theirs.typed::<(), ()>());
        assert!(!shown.contains(super::KEY), "{shown}");
    });
}

/// One request and its answer.
#[mp::task]
fn serve(client: mp::TypedClient<String, u32>) -> Option<String> {
    let number = client.recv().expect("it was sent");
    client.send(format!("{number} by {}", std::process::id())).expect("it waits");
    client.peer().map(ToString::to_string)
}

#[mp::test]
fn conn_15_workers_serve_what_their_parent_accepts() {
    let program = scenario!(|| {
        let listener = mp::Listener::bind("tcp://127.0.0.1:0", super::KEY).expect("it listens");
        let pool = mp::Pool::new(2).expect("it starts");
        // The descriptors of what workers have are closed when their handles are settled.
        let round = |number: u32| {
            let (ours, theirs) = connected(&listener);
            let ours = ours.typed::<u32, String>();
            ours.send(number).expect("it is there");
            let peer = theirs.peer().map(ToString::to_string);
            let served = pool.submit(serve, theirs.typed());
            let answer = ours.recv().expect("a worker answers");
            assert!(answer.starts_with(&format!("{number} by ")));
            assert!(!answer.ends_with(&format!(" {}", std::process::id())));
            assert_eq!(served.get().expect("it ends"), peer);
            drop(served);
            assert_eq!(ours.recv().expect_err("nobody has it now").kind(), Disconnected);
        };
        round(1);
        let before = Footprint::now();
        (2..10).for_each(round);
        before.assert_restored(LONG);
        // In the middle of a message nobody else could go on.
        let (ours, theirs) = connected(&listener);
        let mut socket =
            std::net::TcpStream::from(ours.as_fd().try_clone_to_owned().expect("it is open"));
        socket.write_all(b"\0\0\0\x04ab").expect("it is open");
        assert!(theirs.poll(LONG).expect("it is open"));
        assert_eq!(theirs.recv_bytes_timeout(Duration::ZERO).expect_err("a half").kind(), Empty);
        let refused = mp::spawn(serve, theirs.typed()).expect_err("it cannot travel");
        assert_eq!(refused.kind(), Encode);
        assert!(refused.to_string().contains("in the middle of a message"), "{refused}");
    });
    program.run().assert_success();
}
