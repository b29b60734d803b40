//! A hasher that the engine is given for many inputs at once: same proof, nonce included.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use janction_accel_cpu::Columns;
use janction_engine::{F, TreeHasher};
use plonky2::field::types::Field;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::keccak::KeccakHash;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::plonk::config::{Hasher, KeccakGoldilocksConfig};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::gates::{Draft, Kind};
use crate::{configs, cpu};

/// One hash after the other; counts the calls of each kind.
#[derive(Default)]
struct Counting {
    rows: AtomicUsize,
    pairs: AtomicUsize,
    responses: AtomicUsize,
}

impl<H: Hasher<F>> TreeHasher<H> for Counting {
    fn rows(&self, rows: &Columns) -> Vec<H::Hash> {
        self.rows.fetch_add(1, Ordering::Relaxed);
        (0..rows.rows()).map(|i| H::hash_or_noop(&rows.row(i))).collect()
    }

    fn pairs(&self, children: &[H::Hash]) -> Vec<H::Hash> {
        self.pairs.fetch_add(1, Ordering::Relaxed);
        children.chunks_exact(2).map(|pair| H::two_to_one(pair[0], pair[1])).collect()
    }

    fn responses(&self, sponge: &H::Permutation, position: usize, first: u64, count: usize) -> Vec<F> {
        self.responses.fetch_add(1, Ordering::Relaxed);
        let respond = |nonce| {
            let mut sponge = *sponge;
            sponge.set_elt(F::from_canonical_u64(nonce), position);
            sponge.permute();
            *sponge.squeeze().last().expect("a rate")
        };
        (first..first + count as u64).map(respond).collect()
    }
}

#[test]
fn a_hasher_of_many_inputs_changes_no_byte() {
    let mut draft = Draft::new(configs::standard(), ChaCha8Rng::seed_from_u64(9));
    [Kind::Arithmetic, Kind::Poseidon, Kind::Lookup].into_iter().for_each(|kind| draft.add(kind));
    let Draft { builder, inputs, .. } = draft;
    let circuit = builder.build::<KeccakGoldilocksConfig>();
    let witness =
        generate_partial_witness(inputs, &circuit.prover_only, &circuit.common).expect("inputs fit");
    let counting = Arc::new(Counting::default());
    let hasher: Arc<dyn TreeHasher<KeccakHash<25>>> = counting.clone();
    let many = cpu().with_hasher(hasher).prove_witness(&circuit, witness.clone()).expect("a proof");
    let one_by_one = cpu().prove_witness(&circuit, witness).expect("a proof");
    assert!(many.to_bytes() == one_by_one.to_bytes(), "the proofs' bytes differ");
    circuit.verify(many).expect("valid");
    for calls in [&counting.rows, &counting.pairs, &counting.responses] {
        assert!(calls.load(Ordering::Relaxed) > 0, "the hasher is used");
    }
}
