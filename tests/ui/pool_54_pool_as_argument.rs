//! A pool belongs to the process that made it.

#[mp::task]
fn foo(pool: mp::Pool) { //~ error[E0277]: `Pool` belongs to the process that made it, and cannot travel to another .. make it in the task
    pool.close();
}

fn main() {
    foo(mp::Pool::new(1).unwrap());
}
