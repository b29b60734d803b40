//! The floors of the house: nothing imports upwards.
//!
//! Read from `cargo metadata`, dev- and build-dependencies included, so that a test cannot smuggle in what the
//! library may not.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A room and the rooms that it may import (besides itself). A room is the longest prefix that matches a crate's
/// folder. `docs/architecture.md` draws the same table.
const ROOMS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("accel", &[]),
    ("jobs", &["protocol", "accel"]),
    ("circuits", &["protocol", "accel", "jobs"]),
    ("prover/engine", &["accel"]),
    ("prover", &["protocol", "accel", "jobs", "circuits", "prover/engine"]),
    ("worker", &["protocol", "accel", "jobs", "circuits"]),
    ("verifier-contracts/bindings", &["protocol"]),
    ("sequencer", &["protocol", "accel", "jobs", "circuits", "verifier-contracts/bindings"]),
    (
        "node",
        &[
            "protocol",
            "accel",
            "jobs",
            "circuits",
            "prover/engine",
            "prover",
            "worker",
            "verifier-contracts/bindings",
            "sequencer",
        ],
    ),
    (
        "benches",
        &[
            "protocol",
            "accel",
            "jobs",
            "circuits",
            "prover/engine",
            "prover",
            "worker",
            "verifier-contracts/bindings",
            "sequencer",
        ],
    ),
];

fn room_of(folder: &str) -> &'static (&'static str, &'static [&'static str]) {
    ROOMS
        .iter()
        .filter(|(room, _)| folder == *room || folder.starts_with(&format!("{room}/")))
        .max_by_key(|(room, _)| room.len())
        .unwrap_or_else(|| panic!("{folder} stands in no room; see docs/architecture.md"))
}

/// The workspace's crates: folder below the root, and the names of the workspace crates that each depends on.
fn crates() -> BTreeMap<String, (String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let root = Path::new(metadata["workspace_root"].as_str().expect("workspace_root"));
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().expect("name").to_owned();
            let manifest = Path::new(package["manifest_path"].as_str().expect("manifest_path"));
            let folder =
                manifest.parent().and_then(|f| f.strip_prefix(root).ok()).expect("inside the workspace");
            let imports = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                // A dependency with a path is one of ours.
                .filter(|d| d["path"].is_string())
                .map(|d| d["name"].as_str().expect("name").to_owned())
                .collect();
            (name, (folder.to_str().expect("UTF-8").to_owned(), imports))
        })
        .collect()
}

#[test]
fn nothing_imports_upwards() {
    let crates = crates();
    assert!(crates.contains_key("janction"), "cargo metadata lists the workspace");
    let mut wrong = Vec::new();
    for (name, (folder, imports)) in &crates {
        let (room, allowed) = room_of(folder);
        for import in imports {
            let (their_folder, _) = &crates[import];
            let (their_room, _) = room_of(their_folder);
            if their_room != room && !allowed.contains(their_room) {
                wrong.push(format!("{name} ({room}) imports {import} ({their_room})"));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that break the floors:\n  {}", wrong.join("\n  "));
}

/// The table itself must be a partial order: were two rooms allowed to import each other, it would check nothing.
#[test]
fn the_table_is_acyclic() {
    for (room, allowed) in ROOMS {
        for below in *allowed {
            let (_, theirs) = room_of(below);
            assert!(!theirs.contains(room), "{room} and {below} may import each other");
            for deeper in *theirs {
                assert!(allowed.contains(deeper), "{room} may import {below} but not {deeper} under it");
            }
        }
    }
}
