//! What does nothing by itself.
#![deny(unused_must_use)]

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.call(foo, 1); //~ unused `Call` that must be used .. does nothing until submit() is called
    pool.call(foo, 1).callback(|_| ()); //~ does nothing until submit() is called
    mp::Pool::builder(); //~ unused `PoolBuilder` that must be used .. until build() is called
    mp::Pool::builder().processes(1); //~ until build() is called
    mp::Process::new(foo, 1); //~ a process does nothing until start() is called
    mp::Process::new(foo, 1).with_name("x"); //~ a process does nothing until start() is called
    mp::init(); //~ unused `Guard` that must be used .. keep it to the end of main
    pool.apply(foo, 1); //~ unused `Result` that must be used
    mp::spawn(foo, 1); //~ unused `Result` that must be used
    pool.join()
}
