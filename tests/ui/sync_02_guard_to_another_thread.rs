//! A lock belongs to the thread that took it, and so does the guard.

fn main() {
    let lock = mp::Lock::new().unwrap();
    std::thread::scope(|scope| {
        let guard = lock.lock().unwrap();
        scope.spawn(move || drop(guard)); //~ error[E0277] .. cannot be sent between threads safely .. LockGuard
    });
}
