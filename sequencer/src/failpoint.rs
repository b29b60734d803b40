//! Places where a test kills the process.
//!
//! With the feature `failpoints` and `SEQUENCER_CRASH_AT=<name>` or `<name>:<n>`, the n-th visit (the first, without n)
//! of that place ends the process at once: no destructor runs, nothing is flushed, like kill -9. The name `write` is
//! visited before and after every write to the database, `l1-send` before and after every transaction that is sent.
//! Without the feature [`hit`] is empty.

/// Dies here when the environment says so.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static PLAN: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let plan = std::env::var("SEQUENCER_CRASH_AT").ok()?;
        match plan.rsplit_once(':') {
            Some((name, n)) => Some((name.to_owned(), n.parse().ok()?)),
            None => Some((plan, 1)),
        }
    });
    static VISITS: AtomicU64 = AtomicU64::new(0);

    if let Some((wanted, n)) = &*PLAN
        && wanted == name
        && VISITS.fetch_add(1, Ordering::SeqCst) + 1 == *n
    {
        std::process::abort();
    }
}

/// Nothing: the feature `failpoints` is off.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(_name: &str) {}
