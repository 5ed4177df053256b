//! MGR-16, MGR-20, MGR-26, MGR-28: what a server is told before it serves, who may connect, and servers in one's own process.

use std::error::Error as _;
use std::io;
use std::sync::OnceLock;
use std::thread;

use mp::{ErrorKind, Manager, ManagerServer};

use crate::support::{Footprint, scenario};
use crate::{ADDRESS, KEY, LONG, at, connected, watched};

#[mp::test]
fn mgr_26_a_wrong_key_is_refused_and_the_server_goes_on() {
    watched(|| {
        for address in ["tcp://127.0.0.1:0", "abstract:"] {
            let manager = at(address);
            let list = manager.list_from([1]).unwrap();
            manager.publish("list", &list).unwrap();
            let address = manager.address().unwrap();
            let right = Manager::connect(address, KEY).unwrap();
            for key in ["another key", ""] {
                let refused = Manager::connect(address, key).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::Authentication, "{refused}");
            }
            let found: mp::ListProxy<i32> = right.lookup("list").unwrap();
            found.push(2).unwrap();
            assert_eq!(Manager::connect(address, KEY).unwrap().number_of_objects().unwrap(), 1);
            assert_eq!(list.len().unwrap(), 2);
        }
    });
}

#[mp::test]
fn mgr_16_connecting_to_nothing_is_refused() {
    watched(|| {
        let refused = |address: &str| {
            let error = Manager::connect(address, KEY).unwrap_err();
            let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
            let source = source.map(io::Error::kind);
            (error.kind(), source, error.to_string())
        };
        let address = at("tcp://127.0.0.1:0").address().unwrap().to_string();
        for address in [&*address, "abstract:nobody is here"] {
            let (kind, source, text) = refused(address);
            assert_eq!((kind, source), (ErrorKind::Io, Some(io::ErrorKind::ConnectionRefused)));
            assert!(text.starts_with(&format!("nobody listens at {address}")), "{text}");
        }
        let (kind, source, _) = refused("/no/such/path");
        assert_eq!((kind, source), (ErrorKind::Io, Some(io::ErrorKind::NotFound)));
        assert_eq!(refused("nowhere").0, ErrorKind::InvalidArgument);
        // A listener that is no manager's.
        let listener = mp::Listener::bind("abstract:", KEY).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let client = listener.accept_timeout(LONG).unwrap();
                client.recv_bytes().unwrap();
                client.send_bytes(b"what?").unwrap();
            });
            let error = Manager::connect(listener.address(), KEY).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Remote, "{error}");
        });
        let wrong = Manager::builder().address("nowhere").start().unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::test]
fn mgr_16_a_manager_without_an_address_listens_nowhere() {
    let program = scenario!(|| {
        let manager = Manager::new().unwrap();
        assert!(manager.address().is_none());
        let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
        let pid = manager.pid().unwrap();
        let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let own: Vec<_> = fds.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok()).collect();
        for line in sockets.lines().filter(|line| line.contains(" 00010000 ")) {
            let inode = line.split_whitespace().nth(6).unwrap();
            let name = format!("socket:[{inode}]");
            assert!(own.iter().all(|it| it.to_string_lossy() != name), "{line}");
        }
    });
    program.run().assert_success();
}

static GREETING: OnceLock<String> = OnceLock::new();

#[mp::task]
fn learn(greeting: String) -> Result<(), String> {
    match &*greeting {
        "fail" => Err("it was not to be".to_owned()),
        "panic" => panic!("no greeting"),
        _ => {
            GREETING.get_or_init(|| greeting);
            Ok(())
        }
    }
}

struct Greeter;

#[mp::manager]
impl Greeter {
    pub fn new() -> Self {
        Self
    }

    pub fn greet(&self) -> Option<String> {
        GREETING.get().cloned()
    }
}

#[mp::test]
fn mgr_20_the_initializer_runs_in_the_server_before_it_serves() {
    let program = scenario!(|| {
        assert_eq!(connected().create::<Greeter>(()).unwrap().greet().unwrap().unwrap(), "hello");
    });
    watched(|| {
        let builder = || Manager::builder().address("abstract:").authkey(KEY);
        let manager = builder().initializer(learn, "hello".to_owned()).start().unwrap();
        let greeter = manager.create::<Greeter>(()).unwrap();
        assert_eq!(greeter.greet().unwrap().as_deref(), Some("hello"));
        assert_eq!(GREETING.get(), None);
        program.env(ADDRESS, manager.address().unwrap().to_string()).run().assert_success();
        let failed = builder().initializer(learn, "panic".to_owned()).start().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Panicked, "{failed}");
        assert_eq!(failed.panic().unwrap().message(), "no greeting");
        let failed = builder().initializer(learn, "fail".to_owned()).start().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Remote);
        assert!(failed.to_string().contains("it was not to be"), "{failed}");
        let failed = builder().initializer(learn, "fail".to_owned()).server().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Remote);
        let failed = builder().initializer(learn, "panic".to_owned()).server().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Panicked);
    });
}

#[mp::test]
fn mgr_28_a_server_in_this_process_can_be_stopped() {
    let program = scenario!(|| {
        let serve = || -> ManagerServer {
            Manager::builder().address("abstract:").authkey(KEY).server().unwrap()
        };
        let round = |stop: &dyn Fn(&ManagerServer, &Manager)| {
            let server = serve();
            thread::scope(|scope| {
                let serving = scope.spawn(|| server.serve_forever());
                let remote = Manager::connect(server.address().unwrap(), KEY).unwrap();
                let manager = server.manager();
                assert_eq!(manager.pid(), Some(std::process::id()));
                let (list, queue) =
                    (manager.list_from([1]).unwrap(), remote.queue::<u8>().unwrap());
                manager.publish("list", &list).unwrap();
                assert_eq!(remote.lookup::<mp::ListProxy<i32>>("list").unwrap().len().unwrap(), 1);
                let waiting = scope.spawn(move || queue.get());
                assert_eq!(server.serve_forever().unwrap_err().kind(), ErrorKind::AlreadyStarted);
                stop(&server, &manager);
                serving.join().unwrap().unwrap();
                assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::Disconnected);
                assert_eq!(list.len().unwrap_err().kind(), ErrorKind::Disconnected);
                assert_eq!(remote.list::<u8>().unwrap_err().kind(), ErrorKind::Disconnected);
            });
        };
        drop(mp::Queue::<u8>::new().unwrap());
        let before = Footprint::now();
        round(&|server, _| server.stop());
        round(&|_, manager| manager.shutdown().unwrap());
        // One that never came to serve.
        let server = serve();
        server.stop();
        server.serve_forever().unwrap();
        drop(server);
        drop(serve());
        before.assert_restored(LONG);
    });
    program.limit(LONG * 2).run().assert_success();
}

#[mp::test]
fn mgr_28_another_program_ends_a_server_that_lets_it() {
    watched(|| {
        let manager = at("abstract:");
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        assert_eq!(remote.shutdown().unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!((remote.pid(), remote.exit_code()), (None, None));
        drop(remote);
        manager.list_from([1]).unwrap();
        let builder = Manager::builder().address("abstract:").authkey(KEY).remote_shutdown(true);
        let server = builder.server().unwrap();
        thread::scope(|scope| {
            let serving = scope.spawn(|| server.serve_forever());
            let remote = Manager::connect(server.address().unwrap(), KEY).unwrap();
            remote.shutdown().unwrap();
            serving.join().unwrap().unwrap();
            // It has ended, which is what is asked for.
            remote.shutdown().unwrap();
        });
    });
}
