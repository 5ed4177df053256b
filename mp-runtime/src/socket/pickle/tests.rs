//! Pickles by serde-pickle and by Python, and those that are made to do harm.

use super::{decode, encode};
use crate::custody::Fd;
use crate::error::ErrorKind;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const MOST: usize = 1 << 30;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Nothing,
    Number(i64),
    Float(f64),
    Text { text: String },
    Pair(bool, Option<u32>),
    List(Vec<Tree>),
    Map(BTreeMap<String, Tree>),
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Nothing),
        any::<i64>().prop_map(Tree::Number),
        (-1e9..1e9).prop_map(Tree::Float),
        any::<String>().prop_map(|text| Tree::Text { text }),
        any::<(bool, Option<u32>)>().prop_map(|(one, other)| Tree::Pair(one, other)),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Tree::List),
            prop::collection::btree_map(any::<String>(), inner, 0..8).prop_map(Tree::Map),
        ]
    })
}

/// What is wrong with a pickle, as whatever type it is read.
fn wrong(pickle: &[u8]) -> String {
    let began = Instant::now();
    let error = decode::<Anything>(pickle, 1 << 20).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5), "{error}");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().len() < 1000, "{error}");
    assert_eq!(decode::<i64>(pickle, 1 << 20).unwrap_err().kind(), ErrorKind::Decode);
    error.to_string()
}

/// Takes all that a pickle can hold, as long as it likes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only has to be read")]
enum Anything {
    List(Vec<Anything>),
    Map(BTreeMap<String, Anything>),
    Text(String),
    Number(i64),
    Float(f64),
    Nothing,
}

const CODES: &[&[u8]] = &[
    b"(",
    b"]",
    b"}",
    b")",
    b"\x8f",
    b"N",
    b"K\x01",
    b"\x8c\x01a",
    b"C\x01a",
    b"\x94",
    b"q\0",
    b"h\0",
    b"h\x01",
    b"a",
    b"e",
    b"s",
    b"u",
    b"\x90",
    b"\x91",
    b"t",
    b"l",
    b"d",
    b"\x85",
    b"\x86",
    b"\x87",
    b"R",
    b"cbuiltins\nset\n",
    b"cbuiltins\nbytearray\n",
    b"c_codecs\nencode\n",
    b".",
];

proptest::proptest! {
    #[test]
    fn what_is_pickled_is_read_again(tree in trees()) {
        let pickle = encode(&tree).unwrap();
        proptest::prop_assert_eq!(decode::<Tree>(&pickle, MOST).unwrap(), tree);
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
        if let Err(error) = decode::<Tree>(&bytes, MOST) {
            assert_eq!(error.kind(), ErrorKind::Decode);
        }
    }

    /// Opcodes that are likely to go on, in any order.
    #[test]
    fn any_opcodes_are_a_value_or_an_error(
        codes in prop::collection::vec(prop::sample::select(CODES), 0..40)
    ) {
        let pickle = codes.concat();
        for end in [&b"."[..], b""] {
            let pickle = [&pickle[..], end].concat();
            let _ = decode::<Tree>(&pickle, MOST);
            let _ = decode::<Anything>(&pickle, MOST);
        }
    }
}

#[test]
fn what_python_writes_is_read() {
    // pickle.dumps({'a': [1, -2, 2.5, None, True], 'b': (1, 'x')}, 4)
    let dict = b"\x80\x04\x95)\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffG@\x04\0\0\0\0\0\0N\x88e\
                 \x8c\x01b\x94K\x01\x8c\x01x\x94\x86\x94u.";
    #[derive(Debug, PartialEq, Deserialize)]
    struct Whole {
        a: (i8, i64, f32, Option<u8>, bool),
        b: (u64, char),
    }
    let whole = decode::<Whole>(dict, MOST).unwrap();
    assert_eq!(whole, Whole { a: (1, -2, 2.5, None, true), b: (1, 'x') });
    // pickle.dumps({1, 2}, p) for 2 and 4
    let sets: [&[u8]; 2] = [
        b"\x80\x02c__builtin__\nset\nq\0]q\x01(K\x01K\x02e\x85q\x02Rq\x03.",
        b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8f\x94(K\x01K\x02\x90.",
    ];
    for set in sets {
        assert_eq!(decode::<BTreeSet<u8>>(set, MOST).unwrap(), BTreeSet::from([1, 2]));
    }
    // s = 'ab'; pickle.dumps([s, s, s], 4)
    let same = b"\x80\x04\x95\x11\0\0\0\0\0\0\0]\x94(\x8c\x02ab\x94h\x01h\x01e.";
    assert_eq!(decode::<Vec<String>>(same, MOST).unwrap(), ["ab", "ab", "ab"]);
    // l = []; pickle.dumps([l, l], 4)
    let lists = b"\x80\x04\x95\x09\0\0\0\0\0\0\0]\x94(]\x94h\x01e.";
    assert_eq!(decode::<Vec<Vec<u8>>>(lists, MOST).unwrap(), [[0; 0], [0; 0]]);
}

#[test]
fn names_and_objects_of_classes_are_refused_and_named() {
    // os.system('true'), by protocols 0 and 4
    assert!(wrong(b"cos\nsystem\n(S'true'\ntR.").contains("os.system"));
    assert!(
        wrong(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.")
            .contains("os.system")
    );
    assert!(wrong(b"cbuiltins\neval\n.").contains("builtins.eval"));
    assert!(wrong(b"ccopyreg\n_reconstructor\n.").contains("copyreg._reconstructor"));
    // An object by its class, its arguments and its fields.
    for pickle in [
        &b"(i__main__\nC\n."[..],
        b"(cbuiltins\nset\no.",
        b"cbuiltins\nset\n)\x81.",
        b"cbuiltins\nset\n)}\x92.",
        b"}}b.",
    ] {
        assert!(wrong(pickle).contains("object of a class"));
    }
    // A name that is not called, and things that are called and are no names.
    wrong(b"cbuiltins\nset\n.");
    wrong(b"])R.");
    // An escape in the name, persistent ids, the extension registry, buffers beside the pickle.
    for pickle in [&b"Vbuilt\\u0069ns\nVset\n\x93."[..], b"P1\n.", b"NQ.", b"\x82\x01.", b"\x97."] {
        wrong(pickle);
    }
}

#[test]
fn what_unfolds_to_much_is_refused_before_it_is_read() {
    // Lists of ten references to the list before, forty deep.
    let mut nested = b"]\x94".to_vec();
    for at in 0..40 {
        nested.extend_from_slice(b"]\x94(");
        nested.extend_from_slice(&[b'h', at].repeat(10));
        nested.push(b'e');
    }
    // All of them lie in one at the end.
    let nested = [b"(", &nested[..], b"l."].concat();
    assert!(wrong(&nested).contains("unfold"), "{}", wrong(&nested));
    // A long text, a million times.
    let mut texts = b"(X\0\0\x10\0".to_vec();
    texts.extend_from_slice(&[b'a'; 1 << 20]);
    texts.push(b'\x94');
    texts.extend_from_slice(&b"h\0".repeat(1 << 20));
    texts.extend_from_slice(b"l.");
    assert!(wrong(&texts).contains("unfold"));
    // Bytes that are copied by each call.
    let mut calls = b"cbuiltins\nbytearray\n\x94B\0\0\x10\0".to_vec();
    calls.extend_from_slice(&[b'a'; 1 << 20]);
    calls.extend_from_slice(b"\x85\x94R\x94(");
    calls.extend_from_slice(&b"h\0h\x01R".repeat(1000));
    calls.extend_from_slice(b"t\x86.");
    assert!(wrong(&calls).contains("unfold"));
    // Tuples each of which takes room for many.
    let tuples = [b"(", &b"(t".repeat(1 << 17)[..], b"l."].concat();
    assert!(wrong(&tuples).contains("unfold"));
}

#[test]
fn what_is_deep_is_refused_whether_it_stays_or_not() {
    let deep: [Vec<u8>; 6] = [
        [&b"]".repeat(1 << 20)[..], &b"a".repeat((1 << 20) - 1), b"."].concat(),
        [b"N", &b"\x85".repeat(1 << 20)[..], b"."].concat(),
        [b"N", &b"\x85".repeat(1 << 20)[..], b"0N."].concat(),
        [&b"(".repeat(1 << 20)[..], &b"t".repeat(1 << 20), b"."].concat(),
        // Each tuple of the one before, by the memo.
        [b"N", &b"\x85\x94".repeat(1 << 20)[..], b"."].concat(),
        [b"(", &b"}".repeat(300)[..], b"."].concat(),
    ];
    for pickle in deep {
        wrong(&pickle);
    }
}

#[test]
fn what_holds_itself_is_refused() {
    // l = []; l.append(l), and by a dictionary between; t = ([],); t[0].append(t)
    assert!(wrong(b"]\x94h\0a.").contains("holds itself"));
    assert!(wrong(b"]\x94}\x94\x8c\x01ah\0sa.").contains("holds itself"));
    wrong(b"]\x94h\0\x85a0h\0.");
}

#[test]
fn what_is_malformed_is_refused() {
    for pickle in [
        &b""[..],
        b".",
        b"N",
        b"NN.",
        b"(N.",
        b"(.",
        b"N..",
        b"NN..",
        b"t.",
        b"(N(ee.",
        b"]N]N.",
        b"h\0.",
        b"g1\n.",
        b"N\x94q\0.",
        b"N\x94\x94.",
        b"Nq\x05Nq\x05\x86.",
        b"K",
        b"X\xff\xff\xff\xffa.",
        b"T\xff\xff\xff\xffa.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.",
        b"\x8c\x01\xff.",
        b"Inumber\n.",
        b"I1",
        b"mp1\n",
        b"{\"json\": 1}",
        b"22",
        b"NNa.",
        b"(NNa.",
        b"N(Ne.",
        b"\x8b\xff\xff\xff\xff.",
    ] {
        wrong(pickle);
    }
    // A second pickle behind the first, which is a variant's name and lacks its value.
    let error = decode::<Tree>(b"\x8c\x06Number.K\x05.", MOST).unwrap_err();
    assert!(error.to_string().contains("behind its end"), "{error}");
    // Twenty million digits, which would take hours.
    let digits = [b"L", &b"9".repeat(20 << 20)[..], b"L\n."].concat();
    assert!(wrong(&digits).contains("digits"));
    // As many bytes of a number, where serde-pickle would put what it finds into its error in decimal.
    let number = [&b"\x8b\0\0\x40\x01"[..], &[0x55; 20 << 20]].concat();
    wrong(&[b"cbuiltins\nset\n", &number[..], b"R."].concat());
    for (empty, puts) in [(b"}", &b"K\x01a"[..]), (b"}", b"(K\x01\x90"), (b"}", b"(K\x01e")] {
        wrong(&[empty, &b"K\x01"[..], &number, b"s", puts, b"."].concat());
    }
    for puts in [&b"K\x01K\x01s"[..], b"(K\x01K\x01u", b"(K\x01\x90"] {
        wrong(&[b"]", &number[..], b"a", puts, b"."].concat());
    }
    assert!(wrong(b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00.").contains("too large"));
}

#[test]
fn what_cannot_be_pickled_says_why() {
    let error = encode(&Fd::from(std::fs::File::open("/dev/null").unwrap())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
}
