//! Managers under TLS: all that they are without it, and for nobody who does not speak it.

use std::thread;
use std::time::Duration;

use mp::{ErrorKind, ListProxy, Manager, QueueProxy, TlsClient, TlsServer};

use crate::{KEY, LONG, watched};

const CERTIFICATE: &str = include_str!("../socket/certificates/one.pem");
const CERTIFICATE_KEY: &str = include_str!("../socket/certificates/one.key");
const ANOTHER: &str = include_str!("../socket/certificates/authority.pem");

fn sealed() -> Manager {
    let tls = TlsServer::new(CERTIFICATE, CERTIFICATE_KEY).expect("they fit");
    let builder = Manager::builder().address("tcp://127.0.0.1:0").authkey(KEY).tls(tls);
    builder.start().expect("a manager")
}

fn connect(manager: &Manager) -> Manager {
    let tls = TlsClient::new(CERTIFICATE).expect("it can be read");
    let address = manager.address().expect("it listens");
    Manager::connector().tls(tls).connect(address, KEY).expect("it lets us in")
}

/// Has the way from the proxy alone.
#[mp::task]
fn push(list: ListProxy<u32>, number: u32) -> usize {
    list.push(number).expect("the server is there");
    list.len().expect("the server is there")
}

#[mp::test]
fn mgr_25_a_manager_under_tls_is_as_without() {
    watched(|| {
        let manager = sealed();
        let queue: QueueProxy<Vec<u8>> = manager.queue().unwrap();
        manager.publish("queue", &queue).unwrap();
        let remote = connect(&manager);
        let found: QueueProxy<Vec<u8>> = remote.lookup("queue").unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| found.get().unwrap());
            queue.put(vec![7; 1 << 20]).unwrap();
            assert_eq!(waits.join().unwrap(), vec![7; 1 << 20]);
        });
        let list = remote.list_from([1]).unwrap();
        assert_eq!(mp::spawn(push, (list.clone(), 2)).unwrap().result().unwrap(), 2);
        assert_eq!(list.to_vec().unwrap(), [1, 2]);
    });
}

#[mp::test]
fn mgr_26_a_manager_under_tls_refuses_others() {
    watched(|| {
        let manager = sealed();
        let address = manager.address().unwrap();
        let short = Manager::connector().timeout(Duration::from_millis(200));
        let open = short.clone().connect(address, KEY).unwrap_err();
        assert!(matches!(open.kind(), ErrorKind::Timeout | ErrorKind::Disconnected), "{open}");
        let distrusts = Manager::connector().tls(TlsClient::new(ANOTHER).unwrap());
        let refused = distrusts.connect(address, KEY).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Authentication, "{refused}");
        let tls = TlsClient::new(CERTIFICATE).unwrap();
        let refused =
            Manager::connector().tls(tls.clone()).connect(address, "another").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Authentication, "{refused}");
        let plain = crate::at("abstract:");
        let refused =
            Manager::connector().tls(tls).connect(plain.address().unwrap(), KEY).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused}");
        let server = TlsServer::new(CERTIFICATE, CERTIFICATE_KEY).unwrap();
        let refused = Manager::builder().address("abstract:").tls(server).start().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused}");
        assert_eq!(connect(&manager).number_of_objects().unwrap(), 0);
    });
}

#[mp::test]
fn mgr_29_a_killed_server_under_tls_ends_every_call() {
    watched(|| {
        let manager = sealed();
        let queue: QueueProxy<u32> = connect(&manager).queue().unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| queue.get_timeout(LONG).unwrap_err().kind());
            let pid = manager.pid().unwrap().cast_signed();
            crate::support::kill(pid, libc::SIGKILL).unwrap();
            assert_eq!(waits.join().unwrap(), ErrorKind::Disconnected);
        });
        assert_eq!(queue.put(1).unwrap_err().kind(), ErrorKind::Disconnected);
    });
}
