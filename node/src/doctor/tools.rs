//! The programs that the demonstration and the tests of the contracts start. The roles need none of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Check;
use crate::tools;

/// anvil, forge and node.
pub fn checks() -> Vec<Check> {
    let here = Path::new(".");
    vec![
        check("anvil", tools::anvil(here)),
        check("forge", tools::forge(here)),
        check("node", PathBuf::from("node")),
    ]
}

fn check(name: &'static str, program: PathBuf) -> Check {
    match Command::new(program).arg("--version").output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Check::ok(name, text.lines().next().unwrap_or("").to_owned())
        }
        _ => Check::warning(name, "not found", "only `make demo` and `make test` need it: run `make setup`"),
    }
}
