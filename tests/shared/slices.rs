//! Slices that were written once: read in place wherever they come to, and changed by nobody.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};

use mp::SharedSlice;
use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::LONG;
use crate::support::{Footprint, scenario, watchdog};

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Point {
    at: [f32; 3],
    number: u32,
}

#[derive(Serialize, Deserialize)]
struct Cloud {
    name: String,
    points: Vec<SharedSlice<Point>>,
    bytes: Option<SharedSlice<u8>>,
}

/// What a slice's memory is called in a list of mappings.
const MAPPED: &str = "/memfd:mp-slice";

fn mappings() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
    maps.lines().filter(|line| line.contains(MAPPED)).count()
}

/// The sum, and whether it was read in place.
#[mp::task]
fn sum(values: SharedSlice<u64>) -> (u64, bool) {
    let at = format!("{:x}-", values.as_ptr().addr());
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
    let in_place = maps.lines().any(|line| line.starts_with(&at) && line.contains(MAPPED));
    (values.iter().sum(), in_place)
}

#[mp::task]
fn add_up(cloud: Cloud) -> (String, f32, u32, usize) {
    let points = cloud.points.iter().flatten();
    let (x, number) = points.fold((0.0, 0), |(x, n), point| (x + point.at[0], n + point.number));
    (cloud.name, x, number, cloud.bytes.map_or(0, |bytes| bytes.len()))
}

#[mp::task]
fn make_slice(len: u64) -> SharedSlice<u64> {
    SharedSlice::new((0..len).collect::<Vec<_>>()).expect("there is memory")
}

/// Tries to change a slice in every way that a process has; gives what the system said.
#[mp::task]
fn change(values: SharedSlice<u64>) -> Vec<String> {
    let maps = fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let mut paths = maps.map(|entry| entry.expect("an entry").path());
    let of_slice = |path: &std::path::PathBuf| {
        fs::read_link(path).is_ok_and(|link| link.to_string_lossy().starts_with(MAPPED))
    };
    let path = paths.find(of_slice).expect("a slice has a descriptor");
    let mut file = File::options().write(true).open(path).expect("the file itself can be opened");
    let tried = [file.write(b"changed").map(drop), file.set_len(1), file.set_len(1 << 20)];
    assert_eq!(values[0], 0);
    tried.map(|tried| format!("{:?}", tried.expect_err("it is sealed").kind())).into()
}

#[mp::test]
fn bey_33_a_slice_is_read_in_place() {
    watchdog(LONG, || {
        let values: Vec<u64> = (0..(3 << 17) + 5).collect();
        let expected = (values.iter().sum(), true);
        let slice = SharedSlice::new(&values).expect("there is memory");
        assert_eq!(*slice, *values);
        let process = mp::spawn(sum, slice.clone()).expect("it starts");
        assert_eq!(process.result().expect("it returns"), expected);
        let pool = mp::Pool::new(2).expect("workers");
        let calls: Vec<_> = (0..10).map(|_| pool.submit(sum, slice.clone())).collect();
        drop(slice);
        for call in calls {
            assert_eq!(call.get().expect("it returns"), expected);
        }
    });
}

#[mp::test]
fn task_15_slices_travel_at_any_depth_and_back() {
    watchdog(LONG, || {
        let point = |number| Point { at: [0.5, 0.0, 0.0], number };
        let points = SharedSlice::new([point(1), point(2)]).expect("there is memory");
        let more = SharedSlice::new(vec![point(3)]).expect("there is memory");
        let bytes = Some(SharedSlice::new(vec![7; 9]).expect("there is memory"));
        let cloud = Cloud { name: "c".into(), points: vec![points, more], bytes };
        let pool = mp::Pool::new(1).expect("a worker");
        assert_eq!(pool.apply(add_up, cloud).expect("it returns"), ("c".into(), 1.5, 6, 9));
        let made = pool.map(make_slice, [0, 1, 1000]).expect("they return");
        pool.terminate();
        let lens: Vec<_> = made.iter().map(|slice| (slice.len(), slice.last().copied())).collect();
        assert_eq!(lens, [(0, None), (1, Some(0)), (1000, Some(999))]);
        let process = mp::spawn(make_slice, 3).expect("it starts");
        assert_eq!(*process.result().expect("it returns"), [0, 1, 2]);
    });
}

#[mp::test]
fn bey_33_nobody_can_change_a_slice() {
    watchdog(LONG, || {
        let slice = SharedSlice::new([0, 1, 2]).expect("there is memory");
        let process = mp::spawn(change, slice.clone()).expect("it starts");
        let denied = format!("{:?}", ErrorKind::PermissionDenied);
        assert_eq!(process.result().expect("it returns"), vec![denied; 3]);
        assert_eq!(*slice, [0, 1, 2]);
    });
}

#[mp::test]
fn bey_33_a_slice_of_nothing_is_a_slice() {
    #[mp::task]
    fn lens(none: SharedSlice<u64>, odd: SharedSlice<[u8; 3]>) -> [usize; 2] {
        [none.len(), odd.len()]
    }
    watchdog(LONG, || {
        let none = SharedSlice::new(Vec::new()).expect("there is memory");
        let odd = SharedSlice::new([[1, 2, 3]; 5000]).expect("there is memory");
        let process = mp::spawn(lens, (none, odd)).expect("it starts");
        assert_eq!(process.result().expect("it returns"), [0, 5000]);
    });
}

#[mp::test]
fn res_01_slices_leave_nothing() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(1).expect("a worker");
        pool.apply(make_slice, 1).expect("it returns");
        let before = Footprint::now();
        for _ in 0..20 {
            let slice = SharedSlice::new(vec![1_u64; 300_000]).expect("there is memory");
            assert_eq!(pool.apply(sum, slice.clone()).expect("it returns"), (300_000, true));
            drop(pool.apply(make_slice, 10).expect("it returns"));
            drop(slice.clone());
            assert_eq!(mappings(), 1);
        }
        assert_eq!(mappings(), 0);
        before.assert_restored(LONG);
        assert_eq!(pool.apply(count_mappings, ()).expect("it returns"), 0);
    });
    program.run().assert_success();
}

#[mp::task]
fn count_mappings() -> usize {
    mappings()
}
