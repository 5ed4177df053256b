//! Queues, channels and pipes: values from process to process. All are lanes (`lane`) in memory that the processes of a
//! tree share.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "for what is made of it"))]
mod lane;
