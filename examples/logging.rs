//! Records that workers make come to the subscriber of the main program, with the name and pid of who made them; also
//! those of a worker that dies. Without a subscriber, `mp::log_to_stderr` prints them.

#[mp::task]
fn measure(number: u64) -> u64 {
    tracing::info!(number, "measuring");
    if number == 5 {
        log::error!("this sensor is on fire"); // the other crate's records come, too
        std::process::abort();
    }
    number * number
}

#[mp::main]
fn main() -> mp::Result<()> {
    // Any subscriber will do: this one prints on standard output.
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).without_time().init();
    mp::forward_logs(mp::LogLevel::Info)?; // for what is started from now on

    let pool = mp::Pool::builder().processes(2).worker_name("sensor").build()?;
    for (number, result) in (0..8).zip(pool.imap(measure, 0..8)) {
        match result {
            Ok(value) => tracing::info!(number, value, "measured"),
            Err(error) => tracing::warn!(number, "not measured: {error}"),
        }
    }
    pool.close();
    pool.join() // when it returns, all records have come
}
