//! Time and memory of this process.

use std::time::Instant;

/// What making something took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock.
    pub seconds: f64,
    /// By the processors, over all threads: what other processes disturb less. `None` where the system does not tell.
    pub cpu_seconds: Option<f64>,
    /// Most memory while it was made, the circuit included. `None` likewise.
    pub peak_bytes: Option<u64>,
}

/// Runs something and says what it took.
pub fn cost<T>(run: impl FnOnce() -> T) -> (T, Cost) {
    forget_peak();
    let (start, before) = (Instant::now(), cpu_seconds());
    let result = run();
    let seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = before.and_then(|before| Some(cpu_seconds()? - before));
    (result, Cost { seconds, cpu_seconds, peak_bytes: status("VmHWM:") })
}

/// Seconds that this process's threads have been on a processor.
fn cpu_seconds() -> Option<f64> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        // A thread may end while it is looked at.
        let Ok(text) = std::fs::read_to_string(task.ok()?.path().join("schedstat")) else { continue };
        sum += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(sum as f64 / 1e9)
}

/// Lets the peak of memory begin anew (Linux: writing 5 resets `VmHWM`).
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn status(name: &str) -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, name)
}

/// Bytes of memory that are free for a process. `None` where the system does not tell.
pub fn available_bytes() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_memory() {
        let (sum, cost) = cost(|| (0..20_000_000u64).map(std::hint::black_box).sum::<u64>());
        assert!(sum > 0 && cost.seconds > 0.0);
        if cfg!(target_os = "linux") {
            assert!(cost.cpu_seconds.is_some_and(|s| s > 0.0), "{cost:?}");
            assert!(cost.peak_bytes.is_some_and(|b| b > 1 << 20), "{cost:?}");
            assert!(available_bytes().is_some_and(|b| b > 1 << 20));
        }
    }

    #[test]
    fn lines_of_proc_are_kilobytes() {
        let text = "VmPeak:\t  10 kB\nVmHWM:\t   3 kB\n";
        assert_eq!(kilobytes(text, "VmHWM:"), Some(3 << 10));
        assert_eq!(kilobytes(text, "VmRSS:"), None);
    }
}
