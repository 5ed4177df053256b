//! Lists of items in a named block.

use std::sync::atomic::Ordering;

use mp::ShareableItem::{self, Bool, Bytes, Float, Int, None as Nothing, Text};
use mp::{ErrorKind, ShareableList, SharedMemory};

use crate::support::watchdog;
use crate::{LONG, own_name};

fn mixed() -> Vec<ShareableItem> {
    vec![
        "howdy".into(),
        b"HoWdY".into(),
        (-273.154).into(),
        100.into(),
        ().into(),
        true.into(),
        42.into(),
        i64::MIN.into(),
        "".into(),
        100.into(),
    ]
}

fn refused<T: std::fmt::Debug>(done: mp::Result<T>) {
    assert_eq!(done.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[mp::test]
fn shm_16_a_list_of_mixed_items() {
    watchdog(LONG, || {
        let list = ShareableList::create(None, mixed()).expect("a list");
        assert_eq!((list.len(), list.is_empty()), (10, false));
        assert_eq!(list.to_vec().expect("whole"), mixed());
        for (index, item) in mixed().into_iter().enumerate() {
            assert_eq!(list.get(index).expect("whole"), item);
        }
        assert_eq!(list.iter().len(), 10);
        assert_eq!(list.iter().map(|item| item.expect("whole")).collect::<Vec<_>>(), mixed());
        assert_eq!(list.index(100).expect("whole"), Some(3));
        assert_eq!(list.index("HoWdY").expect("whole"), None, "bytes are no text");
        assert_eq!(list.index(f64::NAN).expect("whole"), None);
        assert_eq!(list.count(100).expect("whole"), 2);
        assert_eq!(list.count("nobody").expect("whole"), 0);
        assert_eq!(list.count(()).expect("whole"), 1);
        list.set(3, 42).expect("it fits");
        list.set(2, f64::INFINITY).expect("it fits");
        assert_eq!(list.get(3).expect("whole"), Int(42));
        assert_eq!(list.get(2).expect("whole"), Float(f64::INFINITY));
        assert_eq!(list.count(42).expect("whole"), 2);
        for index in [10, 11, usize::MAX] {
            refused(list.get(index));
            refused(list.set(index, 1));
        }
        assert_eq!(list.len(), 10, "as long as it was made");
        list.unlink().expect("it has its name");
        let empty = ShareableList::create(None, [(); 0]).expect("a list");
        assert!(empty.is_empty() && empty.iter().next().is_none());
        refused(empty.get(0));
        assert!(ShareableList::attach(empty.name()).expect("it is there").is_empty());
        empty.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_17_what_does_not_fit_leaves_all_as_it_was() {
    watchdog(LONG, || {
        let items = [Int(1), "sixteen bytes ok".into(), Int(2)];
        let list = ShareableList::create(None, items.clone()).expect("a list");
        for long in ["seventeen bytes..", "ü".repeat(9).as_str()] {
            refused(list.set(1, long));
            refused(list.set(1, long.as_bytes()));
            assert_eq!(list.to_vec().expect("whole"), items);
        }
        refused(list.set(0, "nine byte"));
        assert_eq!(list.to_vec().expect("whole"), items);
        for fits in ["SIXTEEN BYTES OK", "ü".repeat(8).as_str(), ""] {
            list.set(1, fits).expect("it fits");
            assert_eq!(list.to_vec().expect("whole"), [Int(1), fits.into(), Int(2)]);
        }
        list.unlink().expect("it has its name");
    });
}

#[mp::task]
fn set_all(list: ShareableList) -> Result<Vec<ShareableItem>, String> {
    let text = |error: mp::Error| error.to_string();
    let before = list.to_vec().map_err(text)?;
    list.set(0, "some").map_err(text)?;
    list.set(1, ()).map_err(text)?;
    list.set(2, false).map_err(text)?;
    Ok(before)
}

#[mp::test]
fn shm_18_a_slot_changes_its_kind_and_others_see_it() {
    watchdog(LONG, || {
        let first = [Nothing, Text("text".into()), Float(2.5)];
        let list = ShareableList::create(Some(&own_name()), first.clone()).expect("a list");
        let second = ShareableList::attach(list.name()).expect("it is there");
        let copy = second.copy(Some(&own_name())).expect("another name");
        assert_ne!(copy.name(), list.name());
        let process = mp::spawn(set_all, list.clone()).expect("it starts");
        assert_eq!(process.result().expect("it returns").expect("they fit"), first);
        let changed = [Text("some".into()), Nothing, Bool(false)];
        assert_eq!(second.to_vec().expect("whole"), changed);
        assert_eq!(list.to_vec().expect("whole"), changed);
        assert_eq!(copy.to_vec().expect("whole"), first, "a copy is another list");
        copy.set(0, 7).expect("it fits");
        assert_eq!(list.get(0).expect("whole"), changed[0]);
        refused(copy.set(1, "more than eight"));
        let kind = list.copy(Some(copy.name())).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::AlreadyExists);
        for list in [list, copy] {
            list.unlink().expect("it has its name");
        }
    });
}

#[mp::test]
fn shm_19_bey_37_bytes_and_text_come_back_as_they_were() {
    watchdog(LONG, || {
        let items: Vec<ShareableItem> = vec![
            b"\0".into(),
            b"ends in zeros\0\0\0".into(),
            Bytes(Vec::new()),
            "\0text too\0".into(),
            "日本語 ünï 🦀".into(),
            Bytes((0..=255).collect()),
        ];
        let list = ShareableList::create(None, items.clone()).expect("a list");
        assert_eq!(list.to_vec().expect("whole"), items);
        let other = ShareableList::attach(list.name()).expect("it is there");
        assert_eq!(other.to_vec().expect("whole"), items);
        other.set(1, b"x\0").expect("it fits");
        assert_eq!(list.get(1).expect("whole"), b"x\0".into());
        list.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_16_a_block_that_is_no_list_is_refused() {
    watchdog(LONG, || {
        let list = ShareableList::create(None, mixed()).expect("a list");
        let whole = list.block().to_vec();
        list.unlink().expect("it has its name");
        let attach = |bytes: &[u8]| {
            let block = SharedMemory::create(None, bytes.len()).expect("a block");
            block.write(0, bytes).expect("in range");
            let attached = ShareableList::attach(block.name());
            block.unlink().expect("it has its name");
            attached
        };
        attach(&whole).expect("a copy of a list is one");
        for len in [1, 8, 16, 40, whole.len() - 8] {
            refused(attach(&whole[..len]));
        }
        // Magic, count, the place and room of an item.
        for at in [0, 8, 16 + 8, 16 + 16, 16 + 24 + 8] {
            // A list of fewer items is one.
            let least = if at == 8 { 11 } else { 1 };
            for word in [least, u64::MAX, u64::MAX / 24, whole.len() as u64] {
                let mut bytes = whole.clone();
                bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
                refused(attach(&bytes));
            }
        }
    });
}

/// Whatever is written into the block later, an item is one or an error.
#[mp::test]
fn shm_16_an_item_that_was_written_over_is_an_error() {
    watchdog(LONG, || {
        let list = ShareableList::create(None, ["text", "more"]).expect("a list");
        let state = list.block().atomic_u64(16).expect("in range");
        let before = state.load(Ordering::Relaxed);
        for word in [0, u64::MAX, before | 7, (9 << 8) | 5, (3 << 8) | 3, (2 << 8) | 2] {
            state.store(word, Ordering::Relaxed);
            assert_eq!(list.get(0).unwrap_err().kind(), ErrorKind::Broken, "{word:x}");
            assert_eq!(list.to_vec().unwrap_err().kind(), ErrorKind::Broken);
            assert_eq!(list.index("more").unwrap_err().kind(), ErrorKind::Broken);
        }
        state.store(before, Ordering::Relaxed);
        list.block().write(16 + 2 * 24, &[0xff]).expect("in range");
        assert_eq!(list.get(0).unwrap_err().kind(), ErrorKind::Broken, "no UTF-8");
        list.set(0, "mended").expect("it fits");
        assert_eq!(list.get(0).expect("whole"), "mended".into());
        list.unlink().expect("it has its name");
    });
}
