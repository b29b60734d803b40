//! What the tests share: devices, and elements that include the awkward ones.
#![allow(dead_code, unused_imports, unused_macros, clippy::missing_panics_doc)]

use std::sync::LazyLock;

use janction_accel_cuda::Device;

/// p = 2^64 - 2^32 + 1.
pub const P: u64 = 0xffff_ffff_0000_0001;

/// Values at which carries, borrows and reductions change their minds. Those from p on are not canonical.
pub const EDGES: [u64; 16] = [
    0,
    1,
    2,
    7,
    (1 << 32) - 2,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    1 << 63,
    P - (1 << 32),
    P - 2,
    P - 1,
    P,
    P + 1,
    u64::MAX - 1,
    u64::MAX,
];

/// A stream of words from a seed: mostly random, every eighth an awkward one.
pub struct Words(pub u64);

impl Words {
    /// The next word (splitmix64).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        if z.is_multiple_of(8) { EDGES[(z >> 8) as usize % EDGES.len()] } else { z }
    }

    /// Some of them.
    pub fn take(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next()).collect()
    }

    /// Some of them, below p.
    pub fn canonical(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next() % P).collect()
    }
}

/// The CPU that runs the kernels' own text.
pub fn host() -> Device {
    static HOST: LazyLock<Device> = LazyLock::new(|| Device::host().expect("a host device"));
    HOST.clone()
}

/// The first card.
pub fn card() -> Device {
    static CARD: LazyLock<Device> = LazyLock::new(|| {
        let images = std::env::temp_dir().join("janction-test-images");
        Device::open(0, Some(&images)).expect("these tests need an NVIDIA GPU")
    });
    CARD.clone()
}

/// Runs checks that take a device on the host, and, when asked for by name (`--ignored gpu_`), on a card.
macro_rules! on_devices {
    ($($check:ident),* $(,)?) => {
        mod on_host {
            $(#[test] fn $check() { super::$check(&super::common::host()) })*
        }
        mod gpu_card {
            $(#[test] #[ignore = "needs an NVIDIA GPU"] fn $check() { super::$check(&super::common::card()) })*
        }
    };
}
pub(crate) use on_devices;
