//! A whole range through every circuit, from the steps to the 23 public inputs.

use janction_aggregate::Stock;
use janction_protocol::binding::{BatchEntry, PublicInputs, Range};
use janction_protocol::{Address, Digest};

use super::STORY;
use super::story::deployment;
use crate::{ChunkCircuit, LedgerError, LedgerProver};

/// The keys are constants of the protocol. A change of any circuit changes them; it is written down here on purpose only.
const GOLDEN: &str = include_str!("golden.txt");

#[test]
fn a_range_of_batches_is_proven() {
    let prover = LedgerProver::build().unwrap();
    let keys = prover.circuits().map(|(name, circuit)| {
        let digest = Digest(circuit.verifier_only.circuit_digest.elements);
        format!("{name} 2^{} {digest}\n", circuit.common.degree_bits())
    });
    assert_eq!(keys.concat(), GOLDEN, "a circuit changed; if on purpose, put the left side into golden.txt");

    // Before any claim is made, since there are no audits yet.
    let mut batches = STORY.batches[..4].to_vec();
    let entries: Vec<BatchEntry> =
        batches.iter_mut().map(|batch| batch.bind(batch.challenge(&deployment()))).collect();
    let range = Range::of(&entries, &deployment());
    let first = batches[0].start(range.r_star);
    let steps: Vec<_> = batches.iter().flat_map(|batch| batch.steps.clone()).collect();
    let (chunks, last) = prover.prove_chunks(&Stock, &first, &steps).unwrap();
    let tree = prover.prove_tree(&Stock, &chunks).unwrap();
    let payee = Address::from_limbs([4, 5, 6]).unwrap();
    let root = prover.prove_root(&Stock, &tree, &first, &last, payee).unwrap();
    let expected = PublicInputs {
        old_root: batches[0].before.root(),
        new_root: batches[3].after.root(),
        range,
        payee,
        deployment: deployment(),
    };
    assert_eq!(root.public_inputs, expected.elements());
}

#[test]
fn steps_that_do_not_hold_are_named() {
    let chunk = ChunkCircuit::build(2);
    let [open, deposit, ..] = &STORY.batches[0].steps[..] else { panic!("a batch has steps") };
    let first = STORY.scenes[0].before;
    chunk.witness(&first, &[open.clone(), deposit.clone()]).unwrap();
    let swapped = chunk.witness(&first, &[deposit.clone(), open.clone()]);
    assert!(matches!(swapped, Err(LedgerError::Replay { index: 0, .. })));
    let again = chunk.witness(&first, &[open.clone(), open.clone()]);
    assert!(matches!(again, Err(LedgerError::Replay { index: 1, .. })));
    let three = chunk.witness(&first, &[open.clone(), deposit.clone(), deposit.clone()]);
    assert!(matches!(three, Err(LedgerError::TooManySteps { limit: 2, got: 3 })));
    // Neither an open batch nor nothing at all can be filled up with Noops.
    for steps in [std::slice::from_ref(deposit), &[]] {
        let run = STORY.scenes[1].before;
        assert!(matches!(chunk.witness(&run, steps), Err(LedgerError::Padding)));
    }
}
