//! What clients cannot do to a server that have its key and say anything.

use std::time::Duration;

use mp::{Client, ErrorKind, ListProxy, Manager};

use crate::support::wait_until;
use crate::{KEY, LONG, at, watched};

const HELLO: &[u8] = b"mp-mgr 1";

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Mostly small, at times anything.
    fn number(&mut self) -> u64 {
        match self.below(8) {
            0 => self.next(),
            1 => u64::MAX - self.below(3),
            _ => self.below(20),
        }
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(most / 8 + 1) {
            bytes.extend_from_slice(&self.number().to_le_bytes()[..1 + self.next() as usize % 8]);
        }
        bytes
    }

    /// What a call may look like.
    fn call(&mut self) -> Vec<u8> {
        let mut call = Vec::new();
        let numbers = if self.below(4) == 0 { self.number() } else { 0 };
        call.extend_from_slice(&numbers.to_le_bytes());
        call.extend_from_slice(&self.below(12).to_le_bytes());
        call.extend_from_slice(&(self.below(40) as u16).to_le_bytes());
        if self.below(2) == 0 {
            // A kind, or that there is a time: a short one.
            call.push(self.below(30) as u8);
            call.extend_from_slice(&self.below(1_000_000).to_le_bytes());
        }
        call.append(&mut self.bytes(64));
        call
    }
}

fn greeted(manager: &Manager, own: u8) -> Client {
    let client = Client::connect(manager.address().unwrap(), KEY).unwrap();
    client.send_bytes(&[HELLO, &[own; 16]].concat()).unwrap();
    assert_eq!(client.recv_bytes().unwrap().len(), 9);
    client
}

#[mp::test]
fn mgr_25_no_client_brings_the_server_down() {
    watched(|| {
        let manager = at("abstract:");
        let builder = Manager::connector();
        let good = builder.connect(manager.address().unwrap(), KEY).unwrap();
        let list: ListProxy<u32> = good.list_from([1, 2, 3]).unwrap();
        good.publish("list", &list).unwrap();
        let all = (
            (manager.queue::<u8>().unwrap(), manager.lock().unwrap(), manager.rlock().unwrap()),
            (manager.semaphore(1).unwrap(), manager.event().unwrap()),
            (
                manager.condition().unwrap(),
                manager.barrier(2).unwrap(),
                manager.namespace().unwrap(),
            ),
        );
        manager.publish("all", &all).unwrap();
        let mut numbers = Numbers(0x1234_5678_9abc_def1);
        for round in 0..40 {
            let client = greeted(&manager, round % 3);
            for _ in 0..60 {
                let call = numbers.call();
                let sent = client.send_bytes(&call);
                match sent.and_then(|()| client.recv_bytes_timeout(Duration::from_millis(20))) {
                    Ok(_) => {}
                    // It waits, or there is no answer to it.
                    Err(error) if error.kind() == ErrorKind::Empty => break,
                    Err(error) => panic!("the server has ended the connection: {error}"),
                }
            }
        }
        // Without a greeting, or with another one.
        for hello in [&b""[..], b"mp-mgr 0 and so on......", b"GET / HTTP/1.1\r\n", &[0xff; 24]] {
            let client = Client::connect(manager.address().unwrap(), KEY).unwrap();
            client.send_bytes(hello).unwrap();
            client.recv_bytes().unwrap();
            assert_eq!(client.recv_bytes().unwrap_err().kind(), ErrorKind::Disconnected);
        }
        assert_eq!(good.list_from([1]).unwrap().len().unwrap(), 1);
        assert_eq!(manager.exit_code(), None);
        // Others may have changed it, and have not made it anything else.
        manager.lookup::<ListProxy<u32>>("list").unwrap().len().unwrap();
    });
}

#[mp::test]
fn mgr_25_a_client_has_no_part_in_what_the_server_does_for_itself() {
    watched(|| {
        let manager = at("abstract:");
        let list = manager.list_from([1]).unwrap();
        let client = greeted(&manager, 1);
        // Greeting, leaving, looking, burying, ending.
        for method in [1_u16, 2, 5, 6, 7, 8, 24, 99] {
            let arguments = [1_u64, 1, 1].map(u64::to_le_bytes).concat();
            let call = [&[0; 16][..], &method.to_le_bytes(), &arguments].concat();
            client.send_bytes(&call).unwrap();
            let answer = client.recv_bytes().unwrap();
            assert_ne!(answer[8], 0, "method {method}");
        }
        assert_eq!(list.len().unwrap(), 1);
        // A pool, and what belongs to one.
        for kind in [3_u8, 4] {
            let call = [&[0; 16][..], &3_u16.to_le_bytes(), &[kind], &[0; 40]].concat();
            client.send_bytes(&call).unwrap();
            assert_ne!(client.recv_bytes().unwrap()[8], 0, "kind {kind}");
        }
        // More objects than a call may have.
        let many = 100_000_u64;
        let numbers = vec![1_u64.to_le_bytes(); 100_000].concat();
        let call = [&many.to_le_bytes()[..], &1_u64.to_le_bytes(), &3_u16.to_le_bytes()].concat();
        client.send_bytes(&[call, numbers].concat()).unwrap();
        assert_ne!(client.recv_bytes().unwrap()[8], 0);
        assert_eq!(list.len().unwrap(), 1);
    });
}

#[mp::test]
fn mgr_21_an_item_that_a_client_has_not_got_whole_is_for_others() {
    const RESOLVE: u16 = 20;
    const GET: u16 = 2;
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        let queue = manager.queue::<Vec<u8>>().unwrap();
        let client = greeted(&manager, 1);
        let send = |object: u64, method: u16, arguments: &[u8]| {
            let head = [&[0; 8][..], &object.to_le_bytes(), &method.to_le_bytes()].concat();
            client.send_bytes(&[&head, arguments].concat()).unwrap();
        };
        // It is the server's first object.
        send(0, RESOLVE, &1_u64.to_le_bytes());
        assert_eq!(client.recv_bytes().unwrap()[16], 0);
        // Much more than sockets take by themselves.
        let item = vec![7; 64 << 20];
        queue.put(item.clone()).unwrap();
        send(1, GET, &[0]);
        wait_until(LONG, "it is on its way", || queue.is_empty().unwrap());
        drop(client);
        assert!(queue.get_timeout(LONG).unwrap() == item);
    });
}

#[mp::test]
fn mgr_21_a_reference_that_was_given_twice_is_given_back_twice() {
    const CREATE: u16 = 3;
    const RESOLVE: u16 = 20;
    const RELEASE: u16 = 32;
    const LEN: u16 = 7;
    watched(|| {
        let manager = at("abstract:");
        let client = greeted(&manager, 1);
        let send = |object: u64, method: u16, arguments: &[u8]| {
            let head = [&[0; 8][..], &object.to_le_bytes(), &method.to_le_bytes()].concat();
            client.send_bytes(&[&head, arguments].concat()).unwrap();
        };
        let call = |object, method, arguments: &[u8]| {
            send(object, method, arguments);
            client.recv_bytes().unwrap()
        };
        const LIST: u8 = 2;
        let made = call(0, CREATE, &[LIST]);
        // One number beside the answer, and no lock.
        assert_eq!(made[..8], [1, 0, 0, 0, 0, 0, 0, 0]);
        let number = u64::from_le_bytes(made[8..16].try_into().unwrap());
        call(0, RESOLVE, &number.to_le_bytes());
        let give_back = || send(0, RELEASE, &[1, number, 1].map(u64::to_le_bytes).concat());
        give_back();
        assert_eq!(call(number, LEN, &[])[8], 0);
        assert_eq!(manager.number_of_objects().unwrap(), 1);
        give_back();
        assert_ne!(call(number, LEN, &[])[8], 0);
        assert_eq!(manager.number_of_objects().unwrap(), 0);
    });
}
