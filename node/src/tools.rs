//! The programs that the demonstration and the tests of the contracts start. The roles need none of them.

use std::path::{Path, PathBuf};

/// Where a check-out keeps what npm installed.
const PACKAGES: &str = "verifier-contracts/node_modules";

/// anvil as npm installed it for this platform (its `.bin/anvil` is a script around it), else the one on the PATH.
pub fn anvil(root: &Path) -> PathBuf {
    native(root, "anvil")
}

/// forge, likewise.
pub fn forge(root: &Path) -> PathBuf {
    native(root, "forge")
}

fn native(root: &Path, name: &str) -> PathBuf {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let program = root.join(PACKAGES).join(format!("@foundry-rs/{name}-linux-{architecture}/bin/{name}"));
    if program.exists() { program } else { PathBuf::from(name) }
}
