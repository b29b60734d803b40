//! A prover that is killed between any two writes, or between a file's content and its name, goes on where it stopped.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use janction_aggregate::config::Proof;
use janction_prover::ProverError;
use janction_prover::audit::Materials;
use janction_prover::failpoint::{Killed, die_at};
use janction_prover::progress::Silent;
use janction_prover::range::RangeWitness;

use super::market::PAYEE;
use super::{Mortal, WORLD, audits, roots};

/// Flips a bit in every file of `folder`; what they were.
fn damage(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| {
        let path = entry.expect("an entry").path();
        let good = fs::read(&path).expect("a key");
        let mut bad = good.clone();
        *bad.last_mut().expect("not empty") ^= 1;
        fs::write(&path, bad).expect("written");
        (path, good)
    });
    files.collect()
}

/// From openings to the root of the range that settles the job, with a kill at every point of it. `folder` holds the
/// circuits of the program; what else is in it goes.
///
/// - `audit`, `root`: what a life that nobody disturbs comes to.
pub fn between_any_two_writes(folder: &Path, materials: &Materials, audit: &[u8], root: &Proof) {
    let mortal = Mortal::default();
    let (audits, roots) = (audits(folder, &mortal), roots(folder, &mortal));
    let work = || -> Result<(Vec<u8>, Proof), ProverError> {
        let proof = audits.prove(materials, &Silent)?.to_bytes();
        let range = RangeWitness { audits: vec![proof.clone()], ..WORLD.range.clone() };
        let root = roots.prove(&range, PAYEE, &Silent)?;
        audits.forget(&materials.claim)?;
        Ok((proof, root))
    };
    // A life, and how many proofs it made. `None`: it was killed.
    let life = |killed_at: Option<u64>| {
        mortal.made.store(0, Ordering::Relaxed);
        mortal.circuits.lock().expect("no panic").clear();
        die_at(killed_at);
        let ended = catch_unwind(AssertUnwindSafe(work));
        die_at(None);
        let ended = match ended {
            Ok(result) => Some(result.expect("proven")),
            Err(reason) if reason.is::<Killed>() => None,
            Err(reason) => std::panic::resume_unwind(reason),
        };
        (ended, mortal.made.load(Ordering::Relaxed))
    };
    let forget = || {
        for name in ["audits", "proofs"] {
            fs::remove_dir_all(folder.join(name)).expect("removed");
            fs::create_dir(folder.join(name)).expect("made");
        }
    };
    // Circuits that are damaged are built again, and kept.
    let keys = damage(&folder.join("programs"));
    forget();
    let (_, total) = life(None);
    assert!(total > 5, "{total} proofs");
    for (path, good) in keys {
        assert!(fs::read(&path).expect("a key") == good, "{} was repaired", path.display());
    }
    for point in 1.. {
        forget();
        let (first, made) = life(Some(point));
        let undisturbed = first.is_some();
        let (result, again) = match first {
            Some(result) => (result, 0),
            None => {
                let (second, again) = life(None);
                (second.expect("not killed"), again)
            }
        };
        assert!(result.0 == audit && result.1 == *root, "killed at {point}");
        let kept = folder.join("audits").join(materials.claim.digest().to_string());
        assert!(!kept.exists(), "killed at {point}: the claim's folder is left");
        // At most the proof that was being kept, and the root, which is not, are made twice.
        assert!(made + again <= total + 2, "killed at {point}: {made} and {again} proofs of {total}");
        if undisturbed {
            assert_eq!(made, total);
            // Four parts of the range, three of the audit, each before, within and after its write; and the end.
            assert!(point > 20, "{point}");
            return;
        }
    }
}
