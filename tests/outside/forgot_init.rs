//! A hand-written main that never says `mp::init()`: nothing starts, and it hears why.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

fn main() {
    println!("main runs");
    let starts = [mp::spawn(foo, 1).map(drop), mp::Pool::new(2).map(drop)];
    for error in starts.into_iter().filter_map(Result::err) {
        println!("error {:?} {error}", error.kind());
    }
    println!("children {}", mp::active_children().len());
    println!("called {}", foo(1));
}
