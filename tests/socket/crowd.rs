//! Many clients at once, honest and not; limits; and what is left when they have gone.

use super::{KEY, LONG, Raw, connected, own_path};
use crate::support::{Footprint, scenario, wait_until, watchdog};
use mp::ErrorKind::Timeout;
use std::io::Write;
use std::thread;
use std::time::Duration;

/// Connects, says who it is, and hears an answer.
fn talk(path: &str, number: u32) {
    let server = mp::Client::connect(path, KEY).expect("it lets us in").typed::<u32, u32>();
    server.send(number).expect("it listens");
    assert_eq!(server.recv_timeout(LONG).expect("it answers"), number + 1);
}

/// Connects, with a handshake or without, says so, and does nothing more until it is killed.
#[mp::task]
fn hang_on(path: String, shakes_hands: bool, there: mp::Sender<()>) {
    let path = std::path::Path::new(&path);
    let _client = shakes_hands.then(|| mp::Client::connect(path, KEY).expect("it lets us in"));
    let _silent = (!shakes_hands).then(|| Raw::to(path));
    there.send(()).expect("it is waited for");
    thread::sleep(2 * LONG); // work: it is killed meanwhile
}

/// Serves whoever says something, until it were so many.
fn serve(listener: &mp::Listener, count: usize) {
    let mut clients: Vec<mp::TypedClient<u32, u32>> = Vec::new();
    let mut served = 0;
    while served < count {
        let mut things: Vec<&dyn mp::Waitable> = vec![listener];
        things.extend(clients.iter().map(|client| client as &dyn mp::Waitable));
        let ready = mp::wait(&things, Some(LONG)).expect("all come");
        for at in ready.into_iter().rev() {
            if at == 0 {
                clients.push(listener.accept_timeout(LONG).expect("it is there").typed());
            } else if let client = clients.swap_remove(at - 1)
                && let Ok(number) = client.recv()
            {
                client.send(number + 1).expect("it waits");
                served += 1;
            }
        }
    }
}

fn send_garbage(listener: &mp::Listener, number: usize) {
    let garbage: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0xff; 300], b"\0\0\0\x04nope", b"\x16\x03\x01\x02\0"];
    let mut raw = Raw::connect(listener);
    let _ = raw.0.write_all(garbage[number % garbage.len()]);
    assert!(raw.is_sent_away());
}

/// Twenty that are silent, twenty that send garbage, twenty that are killed, and 140 that are honest.
fn crowd(path: &str) {
    let listener = mp::Listener::bind(path, KEY).expect("it listens");
    let silent: Vec<_> = (0..20).map(|_| Raw::connect(&listener)).collect();
    let (there, all_there) = mp::channel().expect("there is memory");
    let killed =
        (0..20).map(|at| mp::spawn(hang_on, (path.to_owned(), at % 2 == 0, there.clone())));
    let killed: Vec<_> = killed.collect::<mp::Result<_>>().expect("they start");
    (0..20).for_each(|_| all_there.recv_timeout(LONG).expect("they come"));
    thread::scope(|scope| {
        let listener = &listener;
        scope.spawn(|| serve(listener, 140));
        let honest: Vec<_> =
            (0..140).map(|number| scope.spawn(move || talk(path, number))).collect();
        for number in 0..20 {
            scope.spawn(move || send_garbage(listener, number));
        }
        for process in &killed {
            process.kill().expect("it was started");
        }
        honest.into_iter().for_each(|thread| thread.join().expect("every honest one is served"));
    });
    for process in killed {
        process.join().expect("it was started");
    }
    // Those that sent garbage, and those of the killed that were silent.
    wait_until(LONG, "the others are refused", || listener.refused().0 >= 30);
    drop(silent);
}

#[mp::test]
fn auth_18_bey_40_of_200_clients_at_once_the_honest_are_served() {
    let program = scenario!(|| {
        let path = own_path().display().to_string();
        // What a program has once is not counted: from its first process and its first listener.
        crowd(&path);
        let before = Footprint::now();
        crowd(&path);
        before.assert_restored(LONG);
    });
    program.limit(Duration::from_secs(60)).run().assert_success();
}

#[mp::test]
fn auth_18_no_more_clients_than_the_limit_are_given_out() {
    watchdog(Duration::from_secs(30), || {
        let listener = mp::Listener::builder().max_clients(2).bind("abstract:", KEY).unwrap();
        let (_one, first) = connected(&listener);
        let (_two, second) = connected(&listener);
        let (three, four) = (
            mp::Client::connect(listener.address(), KEY).unwrap(),
            mp::Client::connect(listener.address(), KEY).unwrap(),
        );
        three.send_bytes(b"three").unwrap();
        four.send_bytes(b"four").unwrap();
        let short = Duration::from_millis(50);
        assert_eq!(listener.accept_timeout(short).unwrap_err().kind(), Timeout);
        assert_eq!(mp::wait(&[&listener], Some(Duration::ZERO)).unwrap(), [0; 0]);
        drop(first);
        assert_eq!(mp::wait(&[&listener], Some(LONG)).unwrap(), [0]);
        let third = listener.accept().unwrap();
        assert_eq!(third.recv_bytes().unwrap(), b"three");
        assert_eq!(mp::wait(&[&listener], Some(Duration::ZERO)).unwrap(), [0; 0]);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept().unwrap().recv_bytes().unwrap());
            drop(second);
            assert_eq!(waiting.join().unwrap(), b"four");
        });
        drop(listener);
        drop(third);
    });
}

#[mp::test]
fn auth_18_a_program_that_can_open_no_more_goes_on_when_it_can() {
    let program = scenario!(|| {
        let listener = mp::Listener::bind(own_path(), KEY).expect("it listens");
        connected(&listener);
        // Silent ones that use up all descriptors that there are.
        let mut files = Vec::new();
        let limit = 256;
        limit_descriptors(limit);
        let silent = (0..20).map(|_| Raw::connect(&listener)).map(|mut raw| {
            raw.receive().expect("it was taken on");
            raw
        });
        let mut silent: Vec<_> = silent.collect();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        // One of the files makes room for this end; the listener's end takes a silent one's place.
        files.truncate(files.len() - 1);
        let began = std::time::Instant::now();
        let ours = mp::Client::connect(listener.address(), KEY).expect("it is let in");
        let theirs = listener.accept_timeout(LONG).expect("it is there");
        assert!(began.elapsed() < Duration::from_secs(5));
        assert!(listener.refused().0 >= 1);
        ours.send_bytes(b"x").expect("it is there");
        assert_eq!(theirs.recv_bytes().expect("it was sent"), b"x");
        silent.clear();
        drop(files);
        connected(&listener);
    });
    program.run().assert_success();
}

/// Has this process open no more than so many.
#[expect(unsafe_code, reason = "the setrlimit system call")]
fn limit_descriptors(most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the limit is ours, and borrowed for the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}
