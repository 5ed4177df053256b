//! A program with everything that the macros write, under lints that forgive nothing.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, unused_qualifications, missing_debug_implementations)]
#![deny(single_use_lifetimes, unused_lifetimes, trivial_casts, let_underscore_drop)]
#![deny(non_camel_case_types, non_upper_case_globals, non_snake_case)]

/// A documented task.
#[par::task(crate = par)]
pub fn foo(i: i32) -> i32 {
    i + 100
}

/// One that borrows, in a program that says so.
#[par::task(crate = par, name = "length of a text")]
fn length(text: &str, _bytes: &[u8]) -> usize {
    text.len()
}

/// A function beside its task.
#[par::task(as = Half, crate = par)]
fn half(n: u64) -> Result<u64, String> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) }
}

#[par::task(crate = par)]
fn say(_text: String) {}

mod inner {
    //! A task for this program only.

    #[par::task(crate = par)]
    pub(crate) fn sum(values: Vec<i32>) -> i32 {
        values.iter().sum()
    }
}

#[par::main(crate = par)]
fn main() -> par::Result<()> {
    foo(1);
    foo(foo(1));
    say(String::new());
    drop(half(4));
    println!("called {}", length("", b""));
    println!("called {}", inner::sum(vec![]));
    let pool = par::Pool::new(1)?;
    let _handle = pool.apply_async(foo, 1, |value| println!("callback {value}"));
    println!("length {}", pool.apply(length, ("four", b""))?);
    println!("half {:?}", pool.apply(Half, 7)?);
    println!("sum {}", par::spawn(inner::sum, vec![1, 2])?.result()?);
    pool.close();
    pool.join()
}

#[cfg(test)]
mod tests {
    #[par::test(crate = par)]
    fn foo_runs_elsewhere() -> par::Result<()> {
        assert_eq!(par::spawn(super::foo, 1)?.result()?, 101);
        Ok(())
    }
}
