//! Two tasks with one name at one place, as only a macro can make them: refused before main.

macro_rules! both {
    () => {{
        #[mp::task]
        fn same() {}
        same();
    }
    {
        #[mp::task]
        fn same() {}
        same();
    }};
}

fn make() {
    both!();
}

#[mp::main]
fn main() {
    println!("main runs");
    make();
}
