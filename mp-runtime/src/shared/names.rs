//! Names of blocks: which are allowed, the ones that are made up here, and how those say what tree they belong to.
//! Pure, but for randomness.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::Tree;
use crate::sys::random;
use std::io;

/// What every name begins with that is made up here.
const PREFIX: &str = "mp-";
/// The longest that a file's name may be.
pub(super) const LONGEST: usize = 255;

/// Refuses a name that no block can have.
pub(super) fn check(name: &str) -> Result<()> {
    let what = match name {
        "" => "it is empty",
        "." | ".." => "it means a folder",
        _ if name.len() > LONGEST => "it is longer than 255 bytes",
        _ if name.contains('/') => "it has a slash",
        _ if name.contains('\0') => "it has a NUL",
        _ => return Ok(()),
    };
    let text = format!("{name:?} cannot be the name of a shared memory block: {what}");
    Err(Error::new(ErrorKind::InvalidArgument, text))
}

/// A name that nobody has, of this tree.
pub(super) fn fresh(tree: Tree) -> io::Result<String> {
    let Tree { root, started, namespace, .. } = tree;
    let number = u64::from_ne_bytes(random::bytes()?);
    Ok(format!("{PREFIX}{namespace:x}-{root}-{started:x}-{number:016x}"))
}

/// The tree that a made-up name belongs to, without its token: namespace, root, start.
pub(super) fn origin(name: &str) -> Option<(u64, u32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let namespace = u64::from_str_radix(parts.next()?, 16).ok()?;
    let root = parts.next()?.parse().ok()?;
    let started = u64::from_str_radix(parts.next()?, 16).ok()?;
    let number = parts.next()?;
    let whole = number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    (whole && parts.next().is_none()).then_some((namespace, root, started))
}

#[cfg(test)]
mod tests {
    use super::{check, fresh, origin};
    use crate::error::ErrorKind;
    use crate::identity::Tree;

    #[test]
    fn a_fresh_name_says_where_it_is_from() {
        let tree = Tree { root: 7, started: 0xab, namespace: 0xf000_0001, token: 1 };
        let name = fresh(tree).unwrap();
        assert_eq!(origin(&name), Some((0xf000_0001, 7, 0xab)));
        assert_ne!(fresh(tree).unwrap(), name);
        check(&name).unwrap();
    }

    #[test]
    fn other_names_say_nothing() {
        for name in ["", "mp-", "psm_12", "mp-1-2-3", "mp-1-2-3-4", "mp-1-x-3-0000000000000000"] {
            assert_eq!(origin(name), None, "{name}");
        }
        assert_eq!(origin("mp-1-2-3-0000000000000000-5"), None);
        assert_eq!(origin("mp-1-2-3-000000000000000g"), None);
    }

    #[test]
    fn shm_04_names_that_no_file_can_have_are_refused() {
        let long = "x".repeat(256);
        for name in ["", ".", "..", "a/b", "/a", "a\0b", &long] {
            assert_eq!(check(name).unwrap_err().kind(), ErrorKind::InvalidArgument, "{name}");
        }
        check(&long[1..]).unwrap();
        check("ä name").unwrap();
    }
}
