//! A lock that was taken twice cannot be given back for a wait, so a condition takes none that can be.

fn main() {
    let lock = mp::RLock::new().unwrap();
    let _ = mp::Condition::with_lock(&lock); //~ error[E0308]: mismatched types .. expected `&Lock`, found `&RLock`
}
