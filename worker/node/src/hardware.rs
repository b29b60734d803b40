//! The hardware of this machine, as `Register` declares it. Self-declared: nothing on the ledger measures it.

use janction_executor::{Device, cuda};
use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::{DeviceChoice, execute::usable};

/// Largest VRAM of a unit's leaf, in MiB: 2^24 - 1.
const MAX_VRAM: u64 = (1 << 24) - 1;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hardware {
    /// The GPUs that the driver sees, by ordinal.
    pub gpus: Vec<Gpu>,
    /// Why there are none, when the driver could not be asked.
    pub no_gpu: Option<String>,
    /// The processor's name.
    pub cpu: String,
    /// Logical cores that this process may use.
    pub cores: usize,
    /// Memory of the machine (or of the container, where that is less) in MiB.
    pub ram_mib: u64,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gpu {
    /// Its number.
    pub ordinal: usize,
    /// What the driver calls it.
    pub name: String,
    /// Memory in MiB.
    pub vram_mib: u64,
    /// Compute capability, major and minor.
    pub capability: (i32, i32),
}

/// What a unit registers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Compute capability times ten; 0 for a CPU.
    pub gpu_class: u16,
    /// Memory in MiB that the unit has for itself.
    pub vram: u32,
}

/// Looks at the machine.
#[must_use]
pub fn detect() -> Hardware {
    let (gpus, no_gpu) = match cuda::devices() {
        Ok(devices) => (devices.into_iter().filter_map(Gpu::of).collect(), None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok();
    let cpu = system.as_ref().and_then(|system| system.cpus().first());
    let cpu = cpu.map(|cpu| cpu.brand().trim().to_owned()).filter(|name| !name.is_empty());
    let memory = system.as_ref().map_or(0, |system| {
        let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
        system.total_memory().min(limit)
    });
    Hardware {
        gpus,
        no_gpu,
        cpu: cpu.unwrap_or_else(|| "unknown".into()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        ram_mib: memory >> 20,
    }
}

impl Gpu {
    fn of(device: Device) -> Option<Self> {
        match device {
            Device::Cuda { ordinal, name, memory, capability } => {
                Some(Self { ordinal, name, vram_mib: memory >> 20, capability })
            }
            Device::Cpu { .. } => None,
        }
    }

    /// Compute capability times ten, 9.0 is 90.
    fn class(&self) -> u16 {
        let (major, minor) = self.capability;
        u16::try_from(major.saturating_mul(10).saturating_add(minor)).unwrap_or(0)
    }
}

impl Hardware {
    /// The profile of each of `units` equal units on the chosen device. A GPU's memory, less what is left to the driver, is shared
    /// among its units. A CPU has
    /// no VRAM, so its units declare what they have in its place: equal shares of half of the RAM (the other half is left
    /// to the system, to traces and to proving). None when the device is not there or `units` is 0.
    #[must_use]
    pub fn profile(&self, device: DeviceChoice, units: u32) -> Option<Profile> {
        let gpu = match device {
            DeviceChoice::Auto => self.gpus.first(),
            DeviceChoice::Cuda(ordinal) => Some(self.gpus.iter().find(|gpu| gpu.ordinal == ordinal)?),
            DeviceChoice::Cpu => None,
        };
        let (gpu_class, memory) =
            gpu.map_or((0, self.ram_mib / 2), |gpu| (gpu.class(), usable(gpu.vram_mib << 20) >> 20));
        let share = memory.checked_div(units.into())?.min(MAX_VRAM);
        Some(Profile { gpu_class, vram: u32::try_from(share).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Hardware {
        let gpu = |ordinal, vram_mib, capability| Gpu { ordinal, name: "GPU".into(), vram_mib, capability };
        Hardware {
            gpus: vec![gpu(0, 81_559, (9, 0)), gpu(1, 24_564, (8, 9))],
            no_gpu: None,
            cpu: "CPU".into(),
            cores: 8,
            ram_mib: 64_000,
        }
    }

    #[test]
    fn profiles_follow_from_the_device() {
        let machine = machine();
        let profile = |device, units| machine.profile(device, units).map(|p| (p.gpu_class, p.vram));
        assert_eq!(profile(DeviceChoice::Auto, 1), Some((90, 80_535)));
        assert_eq!(profile(DeviceChoice::Auto, 4), Some((90, 20_133)));
        assert_eq!(profile(DeviceChoice::Cuda(1), 1), Some((89, 23_540)));
        assert_eq!(profile(DeviceChoice::Cuda(2), 1), None);
        assert_eq!(profile(DeviceChoice::Cpu, 2), Some((0, 16_000)));
        assert_eq!(profile(DeviceChoice::Cpu, 0), None);
        let plain = Hardware { gpus: vec![], ..machine };
        assert_eq!(plain.profile(DeviceChoice::Auto, 1), Some(Profile { gpu_class: 0, vram: 32_000 }));
        let huge = Hardware { ram_mib: u64::MAX, ..plain };
        assert_eq!(huge.profile(DeviceChoice::Cpu, 1), Some(Profile { gpu_class: 0, vram: (1 << 24) - 1 }));
    }

    #[test]
    fn this_machine_has_a_processor_and_memory() {
        let found = detect();
        assert!(found.cores > 0 && found.ram_mib > 0 && !found.cpu.is_empty(), "{found:?}");
        assert!(found.gpus.is_empty() || found.no_gpu.is_none());
        assert!(found.profile(DeviceChoice::Auto, 1).is_some());
    }
}
