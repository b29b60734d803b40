//! What a unit says of itself: found by the worker's crate, self-declared on the ledger.

use janction_worker::hardware::{Hardware, Profile};

use super::error::UnitProblem;
use janction_worker::DeviceChoice;

/// What the unit declares: one of `slices` equal slices of the device.
///
/// # Errors
/// The device is not there.
pub fn profile(found: &Hardware, device: DeviceChoice, slices: u32) -> Result<Profile, UnitProblem> {
    let reason =
        || found.no_gpu.clone().unwrap_or_else(|| format!("the driver sees {} GPUs", found.gpus.len()));
    found.profile(device, slices).ok_or_else(|| UnitProblem::NoDevice { device, reason: reason() })
}

/// What was found, in words.
pub fn rows(found: &Hardware, profile: Profile) -> Vec<(&'static str, String)> {
    let gpus = found.gpus.iter().map(|gpu| {
        let (major, minor) = gpu.capability;
        (
            "GPU",
            format!(
                "{}: {}, {} MiB, compute capability {major}.{minor}",
                gpu.ordinal, gpu.name, gpu.vram_mib
            ),
        )
    });
    let mut rows: Vec<_> = gpus.collect();
    if let Some(reason) = &found.no_gpu {
        rows.push(("no GPU", reason.clone()));
    }
    rows.push(("CPU", format!("{}, {} threads, {} MiB of memory", found.cpu, found.cores, found.ram_mib)));
    rows.push(("declared", format!("{} (self-declared)", class(profile.gpu_class, profile.vram))));
    rows
}

/// GPU class and memory of a unit's leaf in words.
pub fn class(gpu_class: u16, vram: u32) -> String {
    match gpu_class {
        0 => format!("CPU, {vram} MiB"),
        class => format!("GPU class {class}, {vram} MiB of VRAM"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_named_with_its_reason() {
        let found = Hardware {
            gpus: Vec::new(),
            no_gpu: Some("no driver".into()),
            cpu: "x".into(),
            cores: 2,
            ram_mib: 8_000,
        };
        match profile(&found, DeviceChoice::Cuda(1), 1) {
            Err(UnitProblem::NoDevice { reason, .. }) => assert_eq!(reason, "no driver"),
            other => panic!("{other:?}"),
        }
        let declared = profile(&found, DeviceChoice::Auto, 2).expect("a CPU");
        assert_eq!((declared.gpu_class, declared.vram), (0, 2_000));
        assert_eq!(class(declared.gpu_class, declared.vram), "CPU, 2000 MiB");
        let text = rows(&found, declared);
        assert!(text.iter().any(|(_, value)| value.contains("self-declared")));
    }
}
