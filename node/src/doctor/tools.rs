//! The programs that the demonstration and the tests of the contracts start. The roles need none of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Check;

/// Where a check-out keeps what npm installed.
const LOCAL: &str = "verifier-contracts/node_modules/.bin";

/// anvil, forge and node.
pub fn checks() -> Vec<Check> {
    ["anvil", "forge", "node"].map(check).into()
}

/// The program `name`: that of the check-out when there is one, else the one on the PATH.
pub fn find(name: &str) -> PathBuf {
    let local = Path::new(LOCAL).join(name);
    if local.exists() { local } else { PathBuf::from(name) }
}

fn check(name: &'static str) -> Check {
    let found = Command::new(find(name)).arg("--version").output();
    match found {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Check::ok(name, text.lines().next().unwrap_or("").to_owned())
        }
        _ => Check::warning(name, "not found", "only `make demo` and `make test` need it: run `make setup`"),
    }
}
