//! Where listeners listen, who may listen there, and what is left there.

use super::{KEY, LONG, connected, own_path, watched};
use crate::support::{Footprint, scenario, scenario_main, wait_until};
use mp::ErrorKind::{AlreadyExists, Closed, InvalidArgument, NotFound, Timeout};
use std::fs::Permissions;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The names of Unix sockets, as the kernel lists them.
fn unix_sockets() -> String {
    std::fs::read_to_string("/proc/net/unix").expect("it can be read")
}

#[mp::test]
fn auth_01_a_default_listener_leaves_no_file_and_is_gone_when_dropped() {
    let program = scenario!(|| {
        let before = Footprint::now();
        let listener = mp::Listener::new().expect("it listens");
        let address = listener.address().to_string();
        let name = address.strip_prefix("abstract:").expect("it is in no folder").to_owned();
        assert!(name.len() > 20, "{name}");
        let key = mp::current_process().authkey();
        let ours = mp::Client::connect(&address, key).expect("relatives have the key");
        let theirs = listener.accept().expect("it has connected");
        ours.send_bytes(b"x").expect("it is there");
        assert_eq!(theirs.recv_bytes().expect("it was sent"), b"x");
        assert_eq!(Footprint::now().temporary_names, before.temporary_names);
        assert!(unix_sockets().contains(&name));
        drop((listener, ours, theirs));
        assert!(!unix_sockets().contains(&name));
        before.assert_restored(LONG);
    });
    program.run().assert_success();
}

#[mp::test]
fn auth_01_a_clients_user_is_checked() {
    watched(|| {
        let path = own_path();
        let listener = mp::Listener::bind(path.as_path(), KEY).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        let script = format!(
            "import socket,sys\n\
             s=socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect({path:?})\n\
             sys.exit(0 if s.recv(4) == b'' else 3)"
        );
        // One that other users may run.
        let mut python = Command::new("/usr/bin/python3");
        let ended = python.args(["-c", &script]).current_dir("/").uid(65534).gid(65534).status();
        match ended {
            Ok(status) => {
                assert_eq!(status.code(), Some(0), "another user is sent away unheard");
                let (count, why) = listener.refused();
                assert_eq!(count, 1);
                assert!(why.expect("there was one").to_string().contains("another user"));
            }
            // Only the superuser can become another one.
            Err(error) => println!("not tried: {error}"),
        }
        connected(&listener);
    });
}

#[mp::test]
fn auth_01_res_07_the_file_of_a_path_goes_with_its_listener() {
    watched(|| {
        let path = own_path();
        let listener = mp::Listener::bind(path.as_path(), KEY).unwrap();
        assert_eq!(listener.address().path(), Some(path.as_path()));
        assert!(std::fs::symlink_metadata(&path).unwrap().file_type().is_socket());
        let (ours, theirs) = connected(&listener);
        listener.close();
        assert!(!path.exists());
        // Connections that were given out go on.
        ours.send_bytes(b"still").unwrap();
        assert_eq!(theirs.recv_bytes().unwrap(), b"still");
        // What lies there by then is another program's.
        let listener = mp::Listener::bind(path.as_path(), KEY).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "a note").unwrap();
        drop(listener);
        assert_eq!(std::fs::read(&path).unwrap(), b"a note");
        std::fs::remove_file(&path).unwrap();
    });
}

#[mp::test]
fn auth_02_a_port_that_the_system_chooses_is_in_the_address() {
    watched(|| {
        for host in ["127.0.0.1", "localhost"] {
            let listener = mp::Listener::bind(format!("tcp://{host}:0"), KEY).unwrap();
            assert_ne!(listener.address().port(), Some(0));
            connected(&listener);
        }
    });
}

#[mp::test]
fn auth_03_an_address_in_use_is_refused_with_what_to_do() {
    watched(|| {
        let path = own_path();
        for address in [
            "tcp://127.0.0.1:0".to_owned(),
            "abstract:".to_owned(),
            format!("unix://{}", path.display()),
        ] {
            let listener = mp::Listener::bind(address, KEY).unwrap();
            let error = mp::Listener::bind(listener.address(), KEY).unwrap_err();
            assert_eq!(error.kind(), AlreadyExists);
            assert!(error.to_string().contains("choose another"), "{error}");
            // The living one is none the worse for it.
            connected(&listener);
        }
        std::fs::write(&path, "a note").unwrap();
        let error = mp::Listener::bind(path.as_path(), KEY).unwrap_err();
        assert_eq!(error.kind(), AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"a note", "what is no socket stays");
        std::fs::remove_file(&path).unwrap();
    });
}

#[mp::test]
fn auth_03_bey_40_an_address_is_free_at_once_after_its_listener() {
    watched(|| {
        let path = own_path();
        for address in [
            "tcp://127.0.0.1:0".to_owned(),
            "abstract:".to_owned(),
            format!("unix://{}", path.display()),
        ] {
            let mut listener = mp::Listener::bind(address, KEY).unwrap();
            let address = listener.address().clone();
            for _ in 0..20 {
                // The listener's side closes first, which leaves its port in TIME_WAIT.
                let (ours, theirs) = connected(&listener);
                drop(theirs);
                drop(listener);
                drop(ours);
                listener = mp::Listener::bind(&address, KEY).unwrap();
            }
        }
    });
}

#[mp::test]
fn res_07_a_dead_programs_socket_is_replaced_and_a_living_ones_is_not() {
    let dies = scenario!(|| {
        let path = std::env::var("SOCKET").expect("it is set");
        let listener = mp::Listener::bind(path, KEY).expect("nobody is there");
        println!("listens yes");
        let _ = listener.accept();
    });
    watched(|| {
        let path = own_path();
        for _ in 0..3 {
            let running = dies.clone().env("SOCKET", &path).start();
            running.wait_line("listens ");
            let taken = mp::Listener::bind(path.as_path(), KEY).unwrap_err();
            assert_eq!(taken.kind(), AlreadyExists);
            running.kill(9);
            running.finish();
            assert!(std::fs::symlink_metadata(&path).is_ok(), "nobody could remove it");
        }
        let listener = mp::Listener::bind(path.as_path(), KEY).unwrap();
        connected(&listener);
        drop(listener);
        assert!(!path.exists());
        // Of those who did not know better, too.
        drop(UnixListener::bind(&path).unwrap());
        connected(&mp::Listener::bind(path.as_path(), KEY).unwrap());
    });
}

#[mp::test]
fn res_07_of_many_that_replace_one_socket_one_does() {
    watched(|| {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..30 {
            let path = folder.path().join(format!("{number}"));
            drop(UnixListener::bind(&path).unwrap());
            let bind = || mp::Listener::bind(path.as_path(), KEY);
            let bound: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(bind)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let (listeners, errors): (Vec<_>, Vec<_>) = bound.into_iter().partition(Result::is_ok);
            assert_eq!(listeners.len(), 1, "{errors:?}");
            assert!(errors.iter().all(|error| error.as_ref().unwrap_err().kind() == AlreadyExists));
            connected(listeners[0].as_ref().unwrap());
            drop(listeners);
            assert!(!path.exists());
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[mp::test]
fn res_07_a_socket_file_goes_with_its_program() {
    let program = scenario_main!(|| -> mp::Result<()> {
        // A listener that is never dropped.
        let path = own_path();
        let listener = Box::leak(Box::new(mp::Listener::bind(path.as_path(), KEY)?));
        println!("path {}", path.display());
        assert!(path.exists());
        let _ = listener.accept_timeout(Duration::from_millis(1));
        Ok(())
    });
    let finished = program.run();
    finished.assert_success();
    assert!(!Path::new(finished.value("path ")).exists());
}

#[mp::test]
fn auth_05_auth_21_closing_wakes_who_accepts() {
    watched(|| {
        let listener = mp::Listener::bind("abstract:", KEY).unwrap();
        let (sender, accepting) = mpsc::channel();
        thread::scope(|scope| {
            let accepting_threads: Vec<_> = (0..3)
                .map(|_| {
                    let sender = sender.clone();
                    let listener = &listener;
                    scope.spawn(move || {
                        sender.send(crate::support::thread_id()).unwrap();
                        listener.accept().map(drop)
                    })
                })
                .collect();
            for thread in accepting.iter().take(3) {
                let state = format!("/proc/self/task/{thread}/stat");
                wait_until(LONG, "the thread sleeps", || {
                    std::fs::read_to_string(&state).unwrap().contains(") S ")
                });
            }
            listener.close();
            for thread in accepting_threads {
                assert_eq!(thread.join().unwrap().unwrap_err().kind(), Closed);
            }
        });
        assert_eq!(listener.accept().unwrap_err().kind(), Closed);
        assert_eq!(listener.accept_timeout(LONG).unwrap_err().kind(), Closed);
        listener.close();
        assert_eq!(mp::Client::connect(listener.address(), KEY).unwrap_err().kind(), NotFound);
    });
}

#[mp::test]
fn auth_06_the_last_accepted_address_is_the_clients() {
    watched(|| {
        let listener = mp::Listener::bind("tcp://127.0.0.1:0", KEY).unwrap();
        assert_eq!(listener.last_accepted(), None);
        let (ours, theirs) = connected(&listener);
        let last = listener.last_accepted().expect("there was one");
        assert_eq!(theirs.peer(), Some(&last));
        assert!(last.port().expect("it is by TCP") > 0 && last != *listener.address());
        assert_eq!(ours.peer(), Some(listener.address()));
        let listener = mp::Listener::bind("abstract:", KEY).unwrap();
        connected(&listener);
        assert_eq!(listener.last_accepted(), None);
    });
}

#[mp::test]
fn auth_07_abstract_addresses_leave_no_file() {
    watched(|| {
        let name = format!("mp-test-{}", std::process::id());
        let listener = mp::Listener::bind(format!("abstract:{name}"), KEY).unwrap();
        assert_eq!(listener.address().to_string(), format!("abstract:{name}"));
        assert!(unix_sockets().contains(&format!("@{name}")));
        // As Python writes it.
        let ours = mp::Client::connect(format!("\0{name}"), KEY).unwrap();
        let theirs = listener.accept().unwrap();
        theirs.send_bytes(b"x").unwrap();
        assert_eq!(ours.recv_bytes().unwrap(), b"x");
        assert!(!Path::new(&name).exists());
    });
}

#[mp::test]
fn auth_08_connecting_to_nobody_fails_at_once() {
    watched(|| {
        let listener = mp::Listener::bind("tcp://127.0.0.1:0", KEY).unwrap();
        let free = listener.address().to_string();
        drop(listener);
        let dead = own_path();
        drop(UnixListener::bind(&dead).unwrap());
        let dead_text = dead.display().to_string();
        for address in [&free, "/no/such/socket", "abstract:nobody is here", &dead_text] {
            let began = Instant::now();
            let error = mp::Client::connect(address, KEY).unwrap_err();
            assert_eq!(error.kind(), NotFound, "{error:?}");
            assert!(error.to_string().contains("nobody listens"), "{error}");
            assert!(began.elapsed() < Duration::from_secs(5));
        }
        std::fs::remove_file(dead).unwrap();
        assert_eq!(mp::Listener::bind("/no/such/folder/s", KEY).unwrap_err().kind(), NotFound);
    });
}

/// Has the kernel let only one wait to be accepted.
#[expect(unsafe_code, reason = "the listen system call")]
fn keep_one_waiting(listener: &UnixListener) {
    // SAFETY: the call takes two integers.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
}

#[mp::test]
fn auth_08_a_listener_that_takes_nobody_on_is_given_up() {
    watched(|| {
        // Its queue is full: the kernel lets connect wait.
        let path = own_path();
        let listener = UnixListener::bind(&path).unwrap();
        keep_one_waiting(&listener);
        let _first = UnixStream::connect(&path).unwrap();
        let client = mp::Client::builder().timeout(Duration::from_millis(100));
        let began = Instant::now();
        assert_eq!(client.connect(path.as_path(), KEY).unwrap_err().kind(), Timeout);
        assert!(began.elapsed() >= Duration::from_millis(100));
        std::fs::remove_file(path).unwrap();
    });
}

#[mp::test]
fn auth_09_what_is_no_address_is_refused() {
    let refused =
        [r"\\.\pipe\pyc-1-2", "127.0.0.1:80", "udp://127.0.0.1:80", "tcp://127.0.0.1", ""];
    for address in refused {
        assert_eq!(mp::Listener::bind(address, KEY).unwrap_err().kind(), InvalidArgument);
        assert_eq!(mp::Client::connect(address, KEY).unwrap_err().kind(), InvalidArgument);
    }
    assert_eq!(mp::Client::connect("abstract:", KEY).unwrap_err().kind(), InvalidArgument);
    let nobody = mp::Listener::builder().max_clients(0).bind("abstract:", KEY);
    assert_eq!(nobody.unwrap_err().kind(), InvalidArgument);
}
