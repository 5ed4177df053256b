//! Waiting and notifying take the guard of the condition's lock.

fn main() {
    let condition = mp::Condition::new().unwrap();
    let _ = condition.notify_one(); //~ error[E0061]: this method takes 1 argument but 0 arguments were supplied .. LockGuard
}
