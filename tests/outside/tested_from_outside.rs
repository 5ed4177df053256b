//! Tests of the library's tasks in a binary that has a task of its own.

#[mp::task]
fn twice(n: i32) -> i32 {
    tested::add(n, n)
}

#[mp::test]
fn library_adds() {
    assert_eq!(tested::add_elsewhere(1, 2).unwrap(), 3);
    assert_eq!(mp::spawn(twice, 4).unwrap().result().unwrap(), 8);
}

#[mp::test]
#[should_panic = "as planned"]
fn library_panics() {
    mp::spawn(twice, 4).unwrap().result().unwrap();
    panic!("as planned");
}
