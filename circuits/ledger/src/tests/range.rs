//! A whole range through every circuit of the ledger, from the steps to the top of the tree.

use janction_aggregate::Stock;
use janction_protocol::binding::{BatchEntry, Range};
use plonky2::hash::hash_types::HashOut;

use super::STORY;
use super::story::deployment;
use crate::keys::{DIGESTS, digest};
use crate::{ChunkCircuit, LedgerError, LedgerProver};

#[test]
fn a_range_of_batches_is_proven() {
    let built = LedgerProver::build().unwrap();
    let keys = built
        .circuits()
        .map(|(name, circuit)| format!("{name} 2^{} {}\n", circuit.common.degree_bits(), digest(circuit)));
    assert_eq!(keys.concat(), DIGESTS, "a circuit changed; if on purpose, put the left side into keys.txt");

    // From here on with circuits that went through the cache.
    let prover = LedgerProver::from_keys(|name| built.key(name)).unwrap();
    for ((name, a), (_, b)) in prover.circuits().into_iter().zip(built.circuits()) {
        assert_eq!(a.verifier_data(), b.verifier_data(), "{name}");
    }
    let swapped = LedgerProver::from_keys(|_| built.key("join"));
    assert!(matches!(swapped, Err(LedgerError::Key { circuit: "chunk", .. })));
    let cut = LedgerProver::from_keys(|_| Ok::<_, LedgerError>(vec![7; 1000]));
    assert!(matches!(cut, Err(LedgerError::KeyBytes { circuit: "chunk", .. })));
    drop(built);

    let mut batches = STORY.batches[..4].to_vec();
    let entries: Vec<BatchEntry> =
        batches.iter_mut().map(|batch| batch.bind(batch.challenge(&deployment()))).collect();
    let range = Range::of(&entries, &deployment());
    let first = batches[0].start(range.r_star);
    let steps: Vec<_> = batches.iter().flat_map(|batch| batch.steps.clone()).collect();
    let (chunks, last) = prover.prove_chunks(&Stock, &first, &steps).unwrap();
    let tree = prover.prove_tree(&Stock, &chunks).unwrap();
    let ends = [first.digest().0, last.digest().0].map(HashOut::from);
    assert_eq!([tree.segment().before, tree.segment().after], ends);
    assert_eq!(Range { digest: last.range_digest(), r_star: last.r_star, f_star: last.f_star }, range);
    assert_eq!(
        (first.ledger.root(), last.ledger.root()),
        (batches[0].before.root(), batches[3].after.root())
    );
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
