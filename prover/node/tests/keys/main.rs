//! What the keys of this source give: the verifier that is deployed, which takes the checked-in proof and no other, and the
//! bits that such a proof is worth.
//!
//! Keys are kept in `JANCTION_KEYS_DIR`, or beside the build.

mod soundness;
mod wrapped;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use janction_prover::progress::Silent;
use janction_prover::{Keys, SrsSource};

/// The chain that the development SRS is for.
const CHAIN: u64 = 31_337;

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let folder = std::env::var_os("JANCTION_KEYS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys"), PathBuf::from);
    Keys::load_or_build(&folder, CHAIN, &SrsSource::Development, &Silent).expect("keys")
});
