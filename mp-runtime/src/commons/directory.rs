//! What lies where in a territory: a byte for each page at its beginning. Its owner writes it, and has no use for it; others
//! find by it what a dead process has left.
//!
//! It is written and read as a file, since memory that is only looked at would be taken for that.

use super::tree::{TERRITORY, Tree};
use super::{head, territory};
use std::io;

/// How many bytes of a territory it takes.
pub(super) const LENGTH: usize = 1 << 16;
/// No object begins on that page, or one that lies behind another on its slab.
pub(super) const NOTHING: u8 = 0;
/// An object begins there that has its pages for itself.
pub(super) const ALONE: u8 = 1;
const PAGE: usize = 1 << 12;

/// The mark of a slab of places of this size: a power of two from 256 on.
pub(super) fn slab_of(size: usize) -> u8 {
    u8::try_from(size.trailing_zeros()).unwrap_or(NOTHING)
}

/// Says what begins at this place.
pub(super) fn mark(tree: &Tree, at: usize, mark: u8) -> io::Result<()> {
    let (territory, page) = (at as u64 / TERRITORY, at as u64 % TERRITORY / PAGE as u64);
    tree.memory().write(territory * TERRITORY + page, &[mark])
}

/// All places of a territory where objects may be.
pub(super) fn places(tree: &Tree, territory: u32) -> Vec<usize> {
    let start = u64::from(territory) * TERRITORY;
    let mut places = Vec::new();
    let (Ok(marks), Ok(start)) =
        (tree.memory().read_vec(start, LENGTH as u64), usize::try_from(start))
    else {
        return places;
    };
    for (page, mark) in marks.into_iter().enumerate().filter(|(_, mark)| *mark != NOTHING) {
        let at = start + page * PAGE;
        match 1_usize.checked_shl(u32::from(mark)) {
            _ if mark == ALONE => places.push(at),
            Some(size @ head::ALIGN..=PAGE) if page + territory::SLAB / PAGE <= LENGTH => {
                places.extend((at..at + territory::SLAB).step_by(size));
            }
            // Nobody writes this.
            _ => {}
        }
    }
    places
}
