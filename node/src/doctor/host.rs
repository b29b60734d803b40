//! The program itself, CPU, memory, disks and ports.

use std::path::Path;

use sysinfo::System;

use super::Check;
use crate::config::Config;
use crate::net;

/// Peak memory of a prover on the CPU, with room for the system; the wrap is the largest step.
const MEMORY_WANTED: u64 = 8 * GIB;
/// Proving keys, SRS and a young database.
const DISK_WANTED: u64 = 5 * GIB;
const GIB: u64 = 1 << 30;

/// Version of the program and what its code was compiled for.
pub fn version() -> Check {
    let simd = if cfg!(target_feature = "avx512f") {
        "AVX-512"
    } else if cfg!(target_feature = "avx2") {
        "AVX2"
    } else if cfg!(target_feature = "neon") {
        "NEON"
    } else {
        "no SIMD"
    };
    Check::ok(
        "janction",
        format!("{} ({}, compiled for {simd})", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH),
    )
}

/// Model, cores and vector instructions. Plonky2 chooses its field arithmetic when it is compiled.
pub fn cpu() -> Check {
    let model = System::new().ok().and_then(|mut system| {
        system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
        system.cpus().first().map(|cpu| cpu.brand().trim().to_owned())
    });
    let model = model.unwrap_or_else(|| "unknown model".into());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (simd, fast) = simd();
    let found = format!("{model}, {cores} threads, {simd}");
    if fast {
        Check::ok("cpu", found)
    } else {
        Check::warning(
            "cpu",
            found,
            "proving is several times slower without AVX2 or AVX-512; use another CPU",
        )
    }
}

#[cfg(target_arch = "x86_64")]
fn simd() -> (&'static str, bool) {
    if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512dq") {
        ("AVX-512", true)
    } else if std::arch::is_x86_feature_detected!("avx2") {
        ("AVX2", true)
    } else {
        ("no AVX2", false)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn simd() -> (&'static str, bool) {
    ("no x86 vector instructions", false)
}

/// Total and available memory.
pub fn memory() -> Check {
    let mut system = match System::new() {
        Ok(system) => system,
        Err(error) => return Check::warning("memory", error.to_string(), "check that /proc is mounted"),
    };
    system.refresh_memory();
    let (total, available) = (system.total_memory(), system.available_memory());
    let found = format!("{} GiB, {} GiB available", total / GIB, available / GIB);
    if available >= MEMORY_WANTED {
        Check::ok("memory", found)
    } else {
        Check::warning(
            "memory",
            found,
            format!("a prover wants {} GiB; other roles do with 1", MEMORY_WANTED / GIB),
        )
    }
}

/// Free space where the roles write.
pub fn disks(config: &Config) -> Vec<Check> {
    [("disk for data", "data_dir", &config.data_dir), ("disk for keys", "keys_dir", &config.keys_dir)]
        .map(|(name, key, folder)| disk(name, key, folder))
        .into()
}

fn disk(name: &'static str, key: &str, folder: &Path) -> Check {
    // The folder itself may not exist yet; the first ancestor that does is on the same disk.
    let existing = folder.ancestors().find(|f| f.exists()).unwrap_or(Path::new("/"));
    let found = match rustix::fs::statvfs(existing) {
        Ok(disk) => disk,
        Err(error) => {
            return Check::problem(
                name,
                format!("{}: {error}", folder.display()),
                format!("set {key} to another folder"),
            );
        }
    };
    let writable = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_ok();
    let free = found.f_bavail * found.f_frsize;
    let text = format!("{}: {} GiB free", folder.display(), free / GIB);
    if !writable {
        Check::problem(
            name,
            format!("{}: not writable", folder.display()),
            format!("set {key} to another folder"),
        )
    } else if free < DISK_WANTED {
        Check::warning(
            name,
            text,
            format!("make {} GiB free, or set {key} to another disk", DISK_WANTED / GIB),
        )
    } else {
        Check::ok(name, text)
    }
}

/// Whether the roles' ports are free.
pub fn ports(config: &Config) -> Vec<Check> {
    let listen = [
        ("sequencer port", "sequencer.listen", Some(config.sequencer.listen)),
        ("metrics port", "telemetry.metrics", config.telemetry.metrics),
    ];
    listen
        .into_iter()
        .filter_map(|(name, key, address)| address.map(|a| (name, key, a)))
        .map(|(name, key, address)| match net::must_be_free(address, key) {
            Ok(()) => Check::ok(name, format!("{address} is free")),
            // The role itself may be running, which is no problem.
            Err(error @ net::NetError::PortInUse { .. }) => Check::warning(
                name,
                format!("{error}"),
                format!("fine if that is the role itself; else set {key}"),
            ),
            Err(error) => Check::problem(name, format!("{error}"), crate::failure::Advice::remedy(&error)),
        })
        .collect()
}
