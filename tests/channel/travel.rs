//! Handles inside messages: sent on and on, with what is unread in them, whoever drops theirs meanwhile.

use crate::gate::Gate;
use crate::support::repeat;
use crate::tasks::{hold_queue, put_range, send_range};
use crate::{kill, watched};
use mp::{Connection, ErrorKind, Fd, Queue, Receiver, Sender, channel, pipe};
use std::fs::File;
use std::io::{PipeWriter, Read, Seek, Write};

#[mp::task]
fn fill_what_comes(carrier: Queue<Queue<u64>>) {
    for queue in carrier.iter() {
        put_range(queue.expect("it decodes"), 1..4);
    }
}

#[mp::test]
fn queue_18_bey_31_a_queue_goes_through_a_queue() {
    watched(|| {
        let carrier = Queue::new().unwrap();
        let process = mp::spawn(fill_what_comes, carrier.clone()).unwrap();
        let queues: Vec<_> = (0..20).map(|_| Queue::new().unwrap()).collect();
        for queue in &queues {
            queue.put(0).unwrap();
            carrier.put(queue.clone()).unwrap();
        }
        for queue in &queues {
            assert_eq!([0; 4].map(|_| queue.get().unwrap()), [0, 1, 2, 3]);
        }
        carrier.close_all();
        process.join().unwrap();
        assert_eq!(process.exit_code(), Some(0));
    });
}

#[mp::task]
fn pass_on(end: Connection<Receiver<u64>, Receiver<u64>>) {
    for receiver in end.iter() {
        end.send(receiver.expect("it decodes")).expect("the other end is there");
    }
}

#[mp::test]
fn conn_15_an_end_sent_twice_keeps_what_is_unread_in_it() {
    watched(|| {
        let (own, other) = pipe().unwrap();
        let _process = mp::spawn(pass_on, other).unwrap();
        let (sender, receiver) = channel().unwrap();
        sender.send(1).unwrap();
        own.send(receiver).unwrap();
        sender.send(2).unwrap();
        let receiver = own.recv().unwrap();
        own.send(receiver).unwrap();
        sender.send(3).unwrap();
        drop(sender);
        let receiver = own.recv().unwrap();
        assert_eq!(receiver.iter().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3]);
    });
}

/// A channel whose messages are ends of channels, and so on.
type Deep = Receiver<Receiver<Receiver<u64>>>;

#[mp::task]
fn dig(deep: Deep) -> Vec<u64> {
    let receiver = deep.recv().expect("one is in it").recv().expect("one is in it");
    receiver.iter().map(|message| message.expect("it decodes")).collect()
}

#[mp::test]
fn conn_15_ends_within_ends_arrive_after_their_senders_are_gone() {
    watched(|| {
        let (sender, innermost) = channel().unwrap();
        (0..5).for_each(|number| sender.send(number).unwrap());
        drop(sender);
        let (sender, inner) = channel().unwrap();
        sender.send(innermost).unwrap();
        drop(sender);
        let (sender, outer) = channel().unwrap();
        sender.send(inner).unwrap();
        drop(sender);
        assert_eq!(mp::spawn(dig, outer).unwrap().result().unwrap(), [0, 1, 2, 3, 4]);
    });
}

#[mp::task]
fn make_channel() -> (Sender<u64>, Receiver<u64>) {
    let (sender, receiver) = channel().expect("there is memory");
    sender.send(7).expect("the receiver is there");
    (sender, receiver)
}

#[mp::test]
fn conn_15_ends_made_by_a_child_come_as_its_result() {
    watched(|| {
        let (sender, receiver) = mp::spawn(make_channel, ()).unwrap().result().unwrap();
        assert_eq!(receiver.recv().unwrap(), 7);
        mp::spawn(send_range, (sender, 0..3)).unwrap();
        assert_eq!(receiver.iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
        let pool = mp::Pool::new(1).unwrap();
        let (sender, receiver) = pool.apply(make_channel, ()).unwrap();
        sender.send(8).unwrap();
        assert_eq!([receiver.recv().unwrap(), receiver.recv().unwrap()], [7, 8]);
    });
}

#[mp::test]
fn conn_15_a_message_nobody_reads_lets_go_of_its_ends() {
    watched(|| {
        repeat(20, |_| {
            let (sender, receiver) = channel::<u64>().unwrap();
            let carrier = Queue::new().unwrap();
            carrier.put((1, sender)).unwrap();
            let (inner, outer) = (carrier.clone(), Queue::new().unwrap());
            outer.put(inner).unwrap();
            assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            drop(carrier);
            assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            drop(outer);
            assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        });
    });
}

#[mp::test]
fn conn_15_a_killed_carrier_loses_no_end_that_it_had_sent_on() {
    watched(|| {
        let gate = Gate::new();
        let (own, other) = pipe().unwrap();
        let process = mp::spawn(pass_on, other).unwrap();
        let (sender, receiver) = channel::<u64>().unwrap();
        own.send(receiver).unwrap();
        assert!(own.poll(crate::BOUNDED).unwrap());
        kill(&process);
        sender.send(4).unwrap();
        let receiver = own.recv().unwrap();
        assert_eq!(receiver.recv().unwrap(), 4);
        // And one that was killed with an end in its hands has none.
        let queue = Queue::new().unwrap();
        let process = mp::spawn(hold_queue, (queue.clone(), gate.name())).unwrap();
        let _guest = gate.next();
        kill(&process);
        assert_eq!(queue.get().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::task]
fn write_into(files: Receiver<(Fd<File>, String)>) {
    for message in files.iter() {
        let (mut file, text) = message.expect("it decodes");
        file.write_all(text.as_bytes()).expect("it is open for that");
    }
}

#[mp::test]
fn conn_16_a_file_in_a_message_is_the_receivers() {
    watched(|| {
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(write_into, receiver).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        for text in ["one, ", "two, ", "three"] {
            sender.send((file.try_clone().unwrap().into(), text.to_owned())).unwrap();
        }
        drop(sender);
        process.join().unwrap();
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one, two, three");
    });
}

#[mp::test]
fn conn_16_a_descriptor_in_a_message_is_closed_when_nobody_takes_it() {
    watched(|| {
        let send = |queue: &Queue<Fd<PipeWriter>>| {
            let (reader, writer) = std::io::pipe().unwrap();
            queue.put(writer.into()).unwrap();
            reader
        };
        let queue = Queue::new().unwrap();
        let (mut first, mut second) = (send(&queue), send(&queue));
        queue.get().unwrap().write_all(b"came").unwrap();
        let mut text = String::new();
        first.read_to_string(&mut text).unwrap();
        assert_eq!(text, "came");
        drop(queue);
        assert_eq!(second.read(&mut [0]).unwrap(), 0, "with the queue its items are gone");
    });
}

#[mp::test]
fn conn_15_queues_within_queues_are_emptied_with_the_outermost() {
    watched(|| {
        let (sender, receiver) = channel::<u64>().unwrap();
        // A queue that has itself in it would never end; one in one in one does, however deep.
        let mut queue = Queue::<Nested>::new().unwrap();
        queue.put(Nested::End(sender)).unwrap();
        for _ in 0..2000 {
            let outer = Queue::new().unwrap();
            outer.put(Nested::Queue(queue)).unwrap();
            queue = outer;
        }
        assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        drop(queue);
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[derive(serde::Serialize, serde::Deserialize)]
enum Nested {
    Queue(Queue<Nested>),
    End(Sender<u64>),
}

#[mp::test]
fn conn_15_arguments_that_never_arrive_let_go_of_what_is_in_them() {
    watched(|| {
        let (sender, receiver) = channel::<u64>().unwrap();
        let queue = Queue::new().unwrap();
        queue.put(sender).unwrap();
        #[mp::task]
        fn never(_: Queue<Sender<u64>>) {}
        drop(mp::Process::new(never, queue));
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}
