//! Named blocks as their users see them: making, attaching, unlinking, travelling. What becomes of them when nobody
//! unlinks them is in `tracked`.
#![expect(unsafe_code, reason = "looks at a block in place")]

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::{fs, thread};

use mp::{ErrorKind, SharedMemory};
use serde::{Deserialize, Serialize};

use crate::support::{open_descriptors, scenario, watchdog};
use crate::{LONG, fill, is_there, kernel, make_block, own_name};

#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    blocks: Vec<SharedMemory>,
    one: Option<(u8, SharedMemory)>,
}

#[mp::task]
fn sum_and_mark(holder: Holder) -> Holder {
    for block in holder.blocks.iter().chain(holder.one.iter().map(|(_, block)| block)) {
        let sum = block.to_vec().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        block.write(block.len() - 1, &[sum]).expect("in range");
    }
    holder
}

#[mp::task]
fn len_of(block: SharedMemory) -> usize {
    block.len()
}

#[mp::test]
fn shm_01_a_block_has_its_name_and_size_and_zeros() {
    watchdog(LONG, || {
        let name = own_name();
        let block = SharedMemory::create(Some(&name), 512).expect("the name is new");
        assert_eq!((block.name(), block.len()), (&*name, 512));
        assert_eq!(block.to_vec(), [0; 512]);
        let other = SharedMemory::attach(&name).expect("it is there");
        assert_eq!((other.name(), other.len()), (&*name, 512));
        block.write(10, b"there").expect("in range");
        other.write(500, b"and back").expect("in range");
        let mut bytes = [0; 5];
        other.read(10, &mut bytes).expect("in range");
        assert_eq!(&bytes, b"there");
        let mut bytes = [0; 8];
        block.read(500, &mut bytes).expect("in range");
        assert_eq!(&bytes, b"and back");
        block.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_01_writes_of_another_process_are_seen() {
    watchdog(LONG, || {
        let block = SharedMemory::create(None, 100_000).expect("a block");
        mp::spawn(fill, (block.clone(), 7)).expect("it starts").result().unwrap().unwrap();
        assert_eq!(block.to_vec(), vec![7; 100_000]);
        // SAFETY: the child has ended, and nobody else knows the name.
        assert_eq!(unsafe { block.as_slice() }, vec![7; 100_000]);
        let mut block = block;
        // SAFETY: as above.
        let bytes = unsafe { block.as_mut_slice() };
        bytes[99_999] = 8;
        assert_eq!(block.to_vec()[99_998..], [7, 8]);
        block.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_01_words_are_changed_together() {
    #[mp::task]
    fn add(block: SharedMemory, times: u64) {
        let word = block.atomic_u64(8).expect("in range");
        let small = block.atomic_u32(4).expect("in range");
        for _ in 0..times {
            word.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            small.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    watchdog(LONG, || {
        let block = SharedMemory::create(None, 16).expect("a block");
        let pool = mp::Pool::new(2).expect("two workers");
        let calls: Vec<_> = (0..4).map(|_| pool.submit(add, (block.clone(), 1000))).collect();
        calls.iter().for_each(|call| call.get().expect("it returns"));
        let words: Vec<u8> = [&(-4000_i32).to_ne_bytes()[..], &4000_u64.to_ne_bytes()].concat();
        assert_eq!(block.to_vec()[4..], words);
        for at in [1, 9, 12, 16, usize::MAX & !7] {
            assert_eq!(
                block.atomic_u64(at).unwrap_err().kind(),
                ErrorKind::InvalidArgument,
                "{at}"
            );
        }
        for at in [1, 2, 3, 16, usize::MAX & !3] {
            assert_eq!(
                block.atomic_u32(at).unwrap_err().kind(),
                ErrorKind::InvalidArgument,
                "{at}"
            );
        }
        block.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_02_without_a_name_each_has_a_fresh_one() {
    watchdog(LONG, || {
        let make = || SharedMemory::create(None, 1).expect("a block");
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(move || (0..50).map(|_| make()).collect::<Vec<_>>()))
            .collect();
        let blocks: Vec<_> =
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        let names: BTreeSet<_> = blocks.iter().map(SharedMemory::name).collect();
        assert_eq!(names.len(), blocks.len());
        for block in &blocks {
            assert!(is_there(block.name()));
            block.unlink().expect("it has its name");
        }
    });
}

#[mp::test]
fn shm_03_a_name_is_one_blocks() {
    watchdog(LONG, || {
        let name = own_name();
        assert_eq!(SharedMemory::attach(&name).unwrap_err().kind(), ErrorKind::NotFound);
        let block = SharedMemory::create(Some(&name), 4).expect("the name is new");
        block.write(0, b"mine").expect("in range");
        let error = SharedMemory::create(Some(&name), 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().contains(&name), "{error}");
        let process = mp::spawn(make_block, Some(&*name)).expect("it starts");
        let error = process.result().expect("it returns").unwrap_err();
        assert!(error.contains("already"), "{error}");
        assert_eq!(SharedMemory::attach(&name).expect("untouched").to_vec(), b"mine");
        block.unlink().expect("it has its name");
        let again = SharedMemory::create(Some(&name), 8).expect("the name is free");
        again.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_04_what_no_block_can_be_is_refused() {
    watchdog(LONG, || {
        let kind = |made: mp::Result<SharedMemory>| made.unwrap_err().kind();
        assert_eq!(kind(SharedMemory::create(None, 0)), ErrorKind::InvalidArgument);
        assert_eq!(kind(SharedMemory::create(Some("a"), 0)), ErrorKind::InvalidArgument);
        let long = "x".repeat(256);
        for name in ["", ".", "..", "a\0b", "a/b", "/a", &long] {
            assert_eq!(kind(SharedMemory::create(Some(name), 1)), ErrorKind::InvalidArgument);
            assert_eq!(kind(SharedMemory::attach(name)), ErrorKind::InvalidArgument);
            assert_eq!(kind(SharedMemory::attach_tracked(name)), ErrorKind::InvalidArgument);
        }
        // The longest there is, and one that is not ASCII.
        for name in
            [format!("{}{}", own_name(), "x".repeat(255))[..255].to_owned(), own_name() + "ü"]
        {
            let block = SharedMemory::create(Some(&name), 1).expect("a name like others");
            SharedMemory::attach(&name).expect("it is there");
            block.unlink().expect("it has its name");
        }
    });
}

#[mp::test]
fn shm_04_what_lies_outside_is_refused() {
    watchdog(LONG, || {
        let block = SharedMemory::create(None, 10).expect("a block");
        block.write(0, &[1; 10]).expect("in range");
        let refused =
            |done: mp::Result<()>| assert_eq!(done.unwrap_err().kind(), ErrorKind::InvalidArgument);
        refused(block.write(0, &[2; 11]));
        refused(block.write(10, &[2]));
        refused(block.write(usize::MAX, &[2; 2]));
        refused(block.read(1, &mut [0; 10]));
        refused(block.read(usize::MAX, &mut [0]));
        block.write(10, &[]).expect("nothing fits everywhere");
        assert_eq!(block.to_vec(), [1; 10]);
        block.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_04_a_file_without_a_byte_is_no_block() {
    watchdog(LONG, || {
        let name = own_name();
        fs::write(format!("/dev/shm/{name}"), b"").expect("a file");
        let kind = SharedMemory::attach(&name).unwrap_err().kind();
        fs::remove_file(format!("/dev/shm/{name}")).expect("it is there");
        assert_eq!(kind, ErrorKind::InvalidArgument);
    });
}

#[mp::test]
fn shm_05_dropping_detaches_one_handle() {
    let program = scenario!(|| {
        let block = SharedMemory::create(None, 4096).expect("a block");
        let inode = fs::metadata(format!("/dev/shm/{}", block.name())).expect("it is there").ino();
        let maps = || {
            let maps = fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
            let inode = format!(" {inode} ");
            maps.lines().filter(|line| line.contains("/dev/shm") && line.contains(&inode)).count()
        };
        let descriptors = open_descriptors(crate::own_pid());
        let others: Vec<_> =
            (0..3).map(|_| SharedMemory::attach(block.name()).expect("it is there")).collect();
        let clone = others[0].clone();
        assert_eq!(maps(), 4, "a copy of a handle is the same mapping");
        drop(others);
        assert_eq!(maps(), 2);
        clone.write(0, b"still").expect("in range");
        drop(clone);
        assert_eq!(maps(), 1);
        assert_eq!(&block.to_vec()[..5], b"still");
        assert_eq!(open_descriptors(crate::own_pid()), descriptors, "a block has none");
        block.unlink().expect("it has its name");
    });
    program.run().assert_success();
}

#[mp::test]
fn shm_06_unlinking_takes_the_name_only() {
    watchdog(LONG, || {
        let block = SharedMemory::create(None, 4).expect("a block");
        let other = SharedMemory::attach(block.name()).expect("it is there");
        other.unlink().expect("any handle can");
        assert!(!is_there(block.name()));
        assert_eq!(SharedMemory::attach(block.name()).unwrap_err().kind(), ErrorKind::NotFound);
        block.write(0, b"on").expect("in range");
        assert_eq!(&other.to_vec()[..2], b"on");
        assert_eq!(block.unlink().unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(other.unlink().unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[mp::test]
fn shm_06_unlinking_spares_another_block_of_that_name() {
    watchdog(LONG, || {
        let name = own_name();
        let old = SharedMemory::create(Some(&name), 4).expect("the name is new");
        old.unlink().expect("it has its name");
        let new = SharedMemory::create(Some(&name), 4).expect("the name is free");
        assert_eq!(old.unlink().unwrap_err().kind(), ErrorKind::NotFound);
        assert!(is_there(&name));
        new.unlink().expect("it has its name");
    });
}

#[mp::test]
fn shm_07_a_block_travels_by_reference() {
    watchdog(LONG, || {
        let block = |len| SharedMemory::create(None, len).expect("a block");
        let (small, large) = (block(1), block(10 << 20));
        let encoded =
            |block: &SharedMemory| postcard::to_stdvec(block).expect("it has a name").len();
        assert!(encoded(&large) < 100 && encoded(&large).abs_diff(encoded(&small)) < 8);
        small.write(0, &[3]).expect("in range");
        large.write(0, &[40, 2]).expect("in range");
        let one = Some((1, small.clone()));
        let holder = Holder { blocks: vec![large.clone(), small.clone()], one };
        let pool = mp::Pool::new(1).expect("a worker");
        let back = pool.apply(sum_and_mark, holder).expect("it returns");
        assert_eq!(large.to_vec()[10 << 20 >> 1..].last(), Some(&42));
        assert_eq!(small.to_vec(), [3]);
        back.blocks[0].write(0, &[9]).expect("in range");
        assert_eq!(large.to_vec()[0], 9, "what comes back is the same block");
        let lens = pool.map(len_of, [small.clone(), large.clone()]).expect("they return");
        assert_eq!(lens, [1, 10 << 20]);
        for block in [small, large] {
            block.unlink().expect("it has its name");
        }
    });
}

#[mp::test]
fn shm_08_a_block_that_was_unlinked_is_not_found() {
    watchdog(LONG, || {
        let name = own_name();
        let dead = SharedMemory::create(Some(&name), 4).expect("the name is new");
        dead.unlink().expect("it has its name");
        let pool = mp::Pool::new(1).expect("a worker");
        let kinds = || {
            let process = mp::spawn(len_of, dead.clone()).expect("it starts");
            let chunk = pool.batch(len_of, [dead.clone(), dead.clone()]).chunksize(2).run();
            [
                process.result().unwrap_err().kind(),
                pool.apply(len_of, dead.clone()).unwrap_err().kind(),
                chunk.unwrap_err().kind(),
            ]
        };
        assert_eq!(kinds(), [ErrorKind::NotFound; 3]);
        // Another block of that name is another block.
        let other = SharedMemory::create(Some(&name), 4).expect("the name is free");
        assert_eq!(kinds(), [ErrorKind::NotFound; 3]);
        other.unlink().expect("it has its name");
        // In a result, by whoever asks for it.
        let result = pool.submit(make_block, None);
        result.get().expect("it returns").expect("a block").unlink().expect("it has its name");
        let error = result.get().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("was unlinked"), "{error}");
    });
}

#[mp::test]
fn shm_12_a_block_is_its_users_only() {
    let program = scenario!(|| {
        kernel::set_umask(0);
        let block = SharedMemory::create(None, 4).expect("a block");
        kernel::set_umask(0o777);
        let other = SharedMemory::create(None, 4).expect("a block");
        for block in [&block, &other] {
            let file = fs::metadata(format!("/dev/shm/{}", block.name())).expect("it is there");
            assert_eq!(file.permissions().mode() & 0o7777, 0o600);
            assert_eq!(file.uid(), kernel::user());
        }
        other.unlink().expect("it has its name");
        println!("block {}", block.name());
        if kernel::become_nobody() {
            let error = SharedMemory::attach(block.name()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert_eq!(block.unlink().unwrap_err().kind(), ErrorKind::Io);
            println!("refused");
        }
    });
    let finished = program.run();
    finished.assert_success();
    assert!(!is_there(finished.value("block ")), "the tracker has its maker's rights");
    let expected = if kernel::user() == 0 { 1 } else { 0 };
    assert_eq!(finished.values("refused").len(), expected);
}
