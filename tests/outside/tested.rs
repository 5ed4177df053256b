//! A library with tasks and their tests.

#[mp::task]
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

/// Adds in another process.
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     assert_eq!(mp::spawn(tested::add, (5, 7))?.result()?, 12);
///     Ok(())
/// }
/// ```
pub fn add_elsewhere(a: i32, b: i32) -> mp::Result<i32> {
    mp::spawn(add, (a, b))?.result()
}

#[cfg(test)]
mod tests {
    #[mp::task]
    fn pid() -> u32 {
        std::process::id()
    }

    #[mp::test]
    fn adds() -> mp::Result<()> {
        let pool = mp::Pool::new(2)?;
        assert_eq!(pool.apply(super::add, (5, 7))?, 12);
        assert_ne!(pool.apply(pid, ())?, std::process::id());
        Ok(())
    }

    #[test]
    fn adds_beside_it() {
        assert_eq!(super::add_elsewhere(1, 2).unwrap(), 3);
    }
}
