//! A pool belongs to the process that made it.

#[mp::task]
fn foo(pool: mp::Pool) { //~ `Pool: serde::Serialize` is not satisfied //~ `Pool: serde::Deserialize<'de>` is not satisfied
    pool.close();
}

fn main() {
    foo(mp::Pool::new(1).unwrap());
}
