//! A pool that has as many calls as it may have.

use crate::gate::Gate;
use crate::tasks::{plus_100, stop};
use crate::watched;
use mp::{ErrorKind, Pool};
use std::time::Duration;

#[mp::test]
fn bey_17_a_pool_with_a_limit_has_submitters_wait_and_not_its_callbacks() {
    watched(|| {
        let pool =
            std::sync::Arc::new(Pool::builder().processes(1).max_pending(3).build().unwrap());
        let gate = Gate::new();
        let held: Vec<_> = (0..3).map(|_| pool.submit(stop, gate.name())).collect();
        let guest = gate.next();
        let (tell, told) = std::sync::mpsc::channel();
        let other = std::sync::Arc::clone(&pool);
        let submitter = std::thread::spawn(move || {
            let handle = other.submit(plus_100, 1);
            tell.send(()).unwrap();
            handle.get().unwrap()
        });
        assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
        drop((guest, gate));
        told.recv().unwrap();
        assert_eq!(submitter.join().unwrap(), 101);
        held.iter().for_each(|handle| assert!(handle.get().is_ok()));
        // A callback that submits more than there may be.
        let (tell, told) = std::sync::mpsc::channel();
        let own = std::sync::Arc::clone(&pool);
        pool.apply_async(plus_100, 0, move |_| {
            let handles: Vec<_> = (0..10).map(|i| own.submit(plus_100, i)).collect();
            tell.send(handles).unwrap();
        });
        let handles = told.recv().unwrap();
        handles.iter().zip(100..).for_each(|(handle, sum)| assert_eq!(handle.get().unwrap(), sum));
        // As many as wanted, and never many at once.
        for i in 0..20_000 {
            drop(pool.submit(plus_100, i));
        }
        let refused = Pool::builder().processes(1).max_pending(0).build().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    });
}
