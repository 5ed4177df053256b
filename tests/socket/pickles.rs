//! Values that Python pickles, and ours that it reads: `send` and `recv` of its connections, with the feature `serde-pickle`.

use super::python::{Python, pythons, watched};
use super::{KEY, LONG, connected};
use mp::ErrorKind::{Decode, Disconnected, Empty};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    i: i64,
    name: String,
    parts: Vec<(u8, f64)>,
    note: Option<String>,
    by: BTreeMap<String, Vec<bool>>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Sized(u32),
    Boxed { w: u8, h: u8 },
}

fn order() -> Order {
    Order {
        i: -3_000_000_000,
        name: "naïve 👍".into(),
        parts: vec![(1, 0.5), (255, -2.0)],
        note: None,
        by: BTreeMap::from([("x".into(), vec![true, false]), (String::new(), vec![])]),
        kind: Kind::Boxed { w: 1, h: 2 },
    }
}

/// What `order` is in Python.
const ORDER: &str = "{'i': -3000000000, 'name': 'na\\u00efve \\U0001f44d', 'parts': [(1, 0.5), (255, -2.0)], \
                     'note': None, 'by': {'x': [True, False], '': []}, 'kind': {'Boxed': {'w': 1, 'h': 2}}}";

/// Runs a script that has a connection `c`, and gives this side of it.
fn with_script(python: &Python, script: &str, with: impl FnOnce(mp::Client)) {
    let listener = python.listener().bind("abstract:", KEY).unwrap();
    let lines = format!("with Client(address, authkey=key) as c:\n    {script}\n");
    let running = python.start(listener.address(), KEY, &lines);
    with(listener.accept_timeout(LONG).unwrap());
    running.succeeds();
}

#[mp::test]
fn conn_01_auth_10_what_python_sends_comes_as_a_typed_value() {
    watched(|| {
        for python in pythons() {
            let script = format!("c.send({{'i': 1}}); c.send({ORDER}); assert c.recv() is None");
            with_script(&python, &script, |client| {
                #[derive(Debug, PartialEq, Deserialize)]
                struct Small {
                    i: i32,
                }
                assert_eq!(client.recv_pickle_timeout::<Small>(LONG).unwrap(), Small { i: 1 });
                let client = client.typed_pickle::<Option<u8>, Order>();
                assert_eq!(client.recv_timeout(LONG).unwrap(), order());
                assert_eq!(client.try_recv().unwrap_err().kind(), Empty);
                client.send(None).unwrap();
                assert_eq!(client.recv_timeout(LONG).unwrap_err().kind(), Disconnected);
            });
        }
    });
}

#[mp::test]
fn conn_01_auth_10_what_we_send_comes_to_pythons_recv() {
    watched(|| {
        for python in pythons() {
            let script = format!(
                "o = c.recv(); o['parts'] = [tuple(p) for p in o['parts']]; assert o == {ORDER}, o; \
                 assert c.recv() == 'Plain'; assert c.recv() == {{'Sized': 7}}; \
                 assert c.recv() == [1, 2.5, 'x']; assert c.recv() == 2**64 - 1; c.send(o)"
            );
            with_script(&python, &script, |client| {
                client.send_pickle(&order()).unwrap();
                client.send_pickle(&Kind::Plain).unwrap();
                client.send_pickle_timeout(&Kind::Sized(7), LONG).unwrap();
                client.send_pickle(&serde_json::json!([1, 2.5, "x"])).unwrap();
                client.send_pickle(&u64::MAX).unwrap();
                assert_eq!(client.recv_pickle::<Order>().unwrap(), order());
            });
        }
    });
}

/// Bytes, as the crate serde_bytes has them.
#[derive(Debug, PartialEq)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[mp::test]
fn conn_01_bytes_are_bytes_on_both_sides() {
    watched(|| {
        for python in pythons() {
            let script = "b = c.recv(); assert type(b) is bytes, b; l = c.recv(); assert l == list(b), l\n    \
                          c.send(b); c.send(bytearray(b)); c.send([b, bytearray(b), bytearray(b)]); c.send(b)";
            with_script(&python, script, |client| {
                let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
                client.send_pickle(&Blob(bytes.clone())).unwrap();
                client.send_pickle(&bytes).unwrap();
                let blob = Blob(bytes);
                assert_eq!(client.recv_pickle::<Blob>().unwrap(), blob);
                assert_eq!(client.recv_pickle::<Blob>().unwrap(), blob);
                for one in client.recv_pickle::<[Blob; 3]>().unwrap() {
                    assert_eq!(one, blob);
                }
                let error = client.recv_pickle::<Vec<u8>>().unwrap_err();
                assert_eq!(error.kind(), Decode);
                assert!(error.to_string().contains("byte array"), "{error}");
            });
        }
    });
}

#[mp::test]
fn conn_01_values_of_all_protocols_are_read() {
    watched(|| {
        let values = "[None, 1, 2**40, -5, 2.5, 'x' * 300, (1, 2, 3, 4), [5] * 3000, [[]] * 3]";
        for python in pythons() {
            let script = format!(
                "import pickle; v = {values}\n    \
                 for p in range(pickle.HIGHEST_PROTOCOL + 1):\n        c.send_bytes(pickle.dumps(v, p))\n        \
                 c.send_bytes(pickle.dumps({{3, 1, 2}}, p)); c.send_bytes(pickle.dumps(frozenset([1, 2, 3]), p))\n    \
                 c.send_bytes(b'end')"
            );
            with_script(&python, &script, |client| {
                type Values =
                    (Option<u8>, u8, u64, i8, f64, String, (u8, u8, u8, u8), Vec<u8>, Vec<Vec<u8>>);
                let right: Values = (
                    None,
                    1,
                    1 << 40,
                    -5,
                    2.5,
                    "x".repeat(300),
                    (1, 2, 3, 4),
                    vec![5; 3000],
                    vec![vec![]; 3],
                );
                for protocol in 0..=5 {
                    let values = client.recv_pickle::<Values>().expect("it is plain");
                    assert_eq!(values, right, "protocol {protocol}");
                    for _ in 0..2 {
                        let set = client.recv_pickle::<BTreeSet<u8>>().expect("a set is plain");
                        assert_eq!(set, BTreeSet::from([1, 2, 3]), "protocol {protocol}");
                    }
                }
                assert_eq!(client.recv_bytes().unwrap(), b"end");
            });
        }
    });
}

#[mp::test]
fn conn_19_objects_of_classes_are_refused_by_name_and_nothing_is_run() {
    watched(|| {
        for python in pythons() {
            let script = "import datetime, decimal, os, collections\n    class Evil:\n        def __reduce__(self):\n            \
                 return (os.system, ('false',))\n    \
                 for v in [Evil(), datetime.date.today(), decimal.Decimal(1), collections.OrderedDict(a=1),\n              \
                 print, int, 1j, ValueError('x')]:\n        c.send([v])\n    c.send([1])";
            with_script(&python, script, |client| {
                let names = [
                    "system",
                    "date",
                    "Decimal",
                    "OrderedDict",
                    "print",
                    "int",
                    "complex",
                    "ValueError",
                ];
                for name in names {
                    let error = client.recv_pickle::<serde_json::Value>().unwrap_err();
                    assert_eq!(error.kind(), Decode);
                    assert!(error.to_string().contains(name), "{error}");
                    assert!(error.to_string().contains("plain values"), "{error}");
                }
                assert_eq!(client.recv_pickle::<[u8; 1]>().unwrap(), [1], "the next one is read");
            });
        }
    });
}

#[mp::test]
fn conn_19_lists_that_hold_themselves_or_lie_deep_or_unfold_are_refused() {
    watched(|| {
        for python in pythons() {
            let script = "l = []; l.append(l); c.send(l); d = 1\n    for _ in range(200):\n        d = [d]\n    c.send(d)\n    \
                 b = [0]\n    for _ in range(40):\n        b = [b] * 10\n    c.send(b); c.send([[1]] * 1000)";
            with_script(&python, script, |client| {
                for why in ["holds itself", "128 deep", "unfold"] {
                    let error = client.recv_pickle::<serde_json::Value>().unwrap_err();
                    assert_eq!(error.kind(), Decode);
                    assert!(error.to_string().contains(why), "{error}");
                }
                assert_eq!(client.recv_pickle::<Vec<[u8; 1]>>().unwrap(), vec![[1]; 1000]);
            });
        }
    });
}

#[derive(Deserialize)]
struct Question {
    i: i64,
    words: Vec<String>,
}

type Answer = BTreeMap<&'static str, Option<u32>>;

fn answer(listener: &mp::Listener) -> mp::Result<()> {
    let client = listener.accept()?.typed_pickle::<Answer, Question>();
    let question = client.recv()?;
    assert_eq!((question.i, question.words.join(" ")), (1, "to be".to_owned()));
    client.send(Answer::from([("to", Some(2)), ("be", Some(1)), ("not", None)]))
}

/// What stands in the first block of code in that language there.
fn block<'t>(text: &'t str, language: &str) -> &'t str {
    let start = format!("```{language}\n");
    let (_, rest) = text.split_once(&start).expect("there is one");
    rest.split_once("```").expect("it ends").0
}

#[mp::test]
fn auth_10_the_programs_of_the_documentation_understand_each_other() {
    let text = include_str!("../../docs/python.md");
    assert!(include_str!("pickles.rs").contains(block(text, "rust")), "this runs what is there");
    watched(|| {
        for python in pythons() {
            let listener = python.listener().bind("tcp://127.0.0.1:0", KEY).unwrap();
            let running = python.start(listener.address(), KEY, block(text, "python"));
            answer(&listener).unwrap();
            running.succeeds();
        }
    });
}

/// Answers one question, as a worker that was given a connection.
#[mp::task]
fn double(client: mp::TypedClient<u32, u32>) {
    let number = client.recv_timeout(Duration::from_secs(20)).expect("it was sent");
    client.send(number * 2).expect("it is waited for");
}

#[mp::test]
fn conn_15_a_connection_that_pickles_still_does_in_another_process() {
    watched(|| {
        let (ours, theirs) = connected(&mp::Listener::bind("abstract:", KEY).unwrap());
        let child = mp::spawn(double, theirs.typed_pickle()).unwrap();
        ours.send_pickle(&21).unwrap();
        assert_eq!(ours.recv_pickle_timeout::<u32>(LONG).unwrap(), 42);
        child.join().unwrap();
    });
}
