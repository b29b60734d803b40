//! Hashers and gates from outside Plonky2.

use plonky2::plonk::config::KeccakGoldilocksConfig;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::gates::{Draft, Kind};
use crate::{assert_equal, configs};

#[test]
fn another_hasher() {
    let mut draft = Draft::new(configs::standard(), ChaCha8Rng::seed_from_u64(7));
    [Kind::Arithmetic, Kind::Poseidon, Kind::Lookup].into_iter().for_each(|kind| draft.add(kind));
    let Draft { builder, inputs, .. } = draft;
    assert_equal(&builder.build::<KeccakGoldilocksConfig>(), inputs);
}
