//! A library whose program may know nothing of its tasks.

/// Knows that there is a task elsewhere in this library.
pub fn half_elsewhere(n: u32) -> mp::Result<u32> {
    mp::spawn(tasks::half, n)?.result()
}

pub mod tasks {
    //! The tasks.

    #[mp::task]
    pub fn half(n: u32) -> u32 {
        n / super::DIVISOR
    }
}
