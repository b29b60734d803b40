//! Each operation has its file, of one name, in every room.

use std::path::Path;

use janction_program::OperationKind;

/// Folder of each room's operations, from the root of the repository. The audit's room has a test of its own, beside it.
const ROOMS: [(&str, &str); 4] = [
    ("definition", "jobs/program/src/operation"),
    ("reference", "jobs/program/src/reference"),
    ("CPU executor", "worker/executor/src/cpu"),
    ("CUDA executor", "worker/executor/src/cuda"),
];

#[test]
fn every_operation_is_in_every_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for kind in OperationKind::ALL {
        for (room, folder) in ROOMS {
            let file = root.join(folder).join(kind.name()).with_extension("rs");
            assert!(file.is_file(), "{room} of {:?} is missing: {}", kind.name(), file.display());
        }
    }
}

/// And no room has an operation that programs do not know.
#[test]
fn no_room_has_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let names = OperationKind::ALL.map(OperationKind::name);
    for (room, folder) in &ROOMS[..2] {
        for entry in root.join(folder).read_dir().expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("names are text");
            assert!(names.contains(&stem), "{room}: {stem:?} is no operation");
        }
    }
}
