//! Does to its own file what the argument says, and starts children then.

use std::{env, fs};

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let path = env::current_exe().expect("its own path");
    match env::args().nth(1).as_deref() {
        Some("delete") => fs::remove_file(&path).expect("its own file"),
        Some("rename") => fs::rename(&path, path.with_extension("old")).expect("its own file"),
        Some("replace") => {
            fs::remove_file(&path).expect("its own file");
            fs::copy("/bin/false", &path).expect("another program");
        }
        other => panic!("{other:?}"),
    }
    println!("process {}", mp::spawn(foo, 1)?.result()?);
    println!("worker {}", mp::Pool::new(1)?.apply(foo, 2)?);
    Ok(())
}
