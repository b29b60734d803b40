//! The trees over a range's chunks and over its audits: leaves of up to three segments, joins of up to three nodes.
//!
//! Every finished proof is kept on disk under what it proves, so a prover that was killed goes on where it stopped.

use janction_aggregate::config::{Circuit, Proof};
use janction_aggregate::{ARITY, Node, Prover, Segment, TreeCircuits};
use plonky2::field::types::PrimeField64;

use crate::cache::Cache;
use crate::error::ProverError;
use crate::progress::{Meter, Progress, Stage};
use crate::side_by_side;

/// Finished proofs of one circuit, on disk.
pub(crate) struct Kept<'a> {
    cache: &'a Cache,
    circuit: &'a Circuit,
    name: &'static str,
}

impl<'a> Kept<'a> {
    pub(crate) fn new(cache: &'a Cache, name: &'static str, circuit: &'a Circuit) -> Self {
        Self { cache, circuit, name }
    }

    /// The proof of `segment`: the kept one where there is one that verifies, otherwise what `make` returns.
    pub(crate) fn or_make(
        &self,
        segment: &Segment,
        make: impl FnOnce() -> Result<Proof, ProverError>,
    ) -> Result<Proof, ProverError> {
        let file = self.file(segment);
        if let Some(proof) = self.read(&file, segment) {
            return Ok(proof);
        }
        let proof = make()?;
        self.cache.write(&file, &proof.to_bytes())?;
        Ok(proof)
    }

    /// A file that is damaged or stems from another build is not worth an error: the proof is made again.
    fn read(&self, file: &str, segment: &Segment) -> Option<Proof> {
        let bytes = self
            .cache
            .read(file)
            .inspect_err(|e| tracing::warn!(file, error = %e, "a kept proof cannot be read: making it again"))
            .ok()??;
        let proof = Proof::from_bytes(bytes, &self.circuit.common).ok()?;
        let about = proof.public_inputs.len() == self.circuit.common.num_public_inputs
            && Segment::of(&proof) == *segment;
        (about && self.circuit.verify(proof.clone()).is_ok()).then_some(proof)
    }

    fn file(&self, segment: &Segment) -> String {
        let [key, before, after] = [self.circuit.verifier_only.circuit_digest, segment.before, segment.after]
            .map(|digest| {
                digest.elements[..2]
                    .iter()
                    .map(|e| format!("{:016x}", e.to_canonical_u64()))
                    .collect::<String>()
            });
        format!("{}-{key}-{before}-{after}.proof", self.name)
    }
}

/// How the parts of a tree are called: on disk, and to those who watch.
pub(crate) struct Names {
    leaf: (&'static str, Stage),
    join: (&'static str, Stage),
}

/// The tree over chunks.
pub(crate) const LEDGER: Names = Names { leaf: ("leaf", Stage::Leaves), join: ("join", Stage::Joins) };
/// The tree over wrapped audits.
pub(crate) const AUDITS: Names =
    Names { leaf: ("audit-leaf", Stage::AuditLeaves), join: ("audit-join", Stage::AuditJoins) };

/// Folds segment proofs, in order, into the tree's top node; up to `at_once` proofs of a level are made at a time.
///
/// # Errors
/// When there is no segment, when neighbours do not meet, or when proving fails.
pub(crate) fn fold(
    prover: &(dyn Prover + Sync),
    at_once: usize,
    TreeCircuits { leaf, join }: TreeCircuits,
    names: &Names,
    cache: &Cache,
    progress: &dyn Progress,
    segments: &[Proof],
) -> Result<Node, ProverError> {
    let meter = Meter::start(progress, names.leaf.1, segments.len().div_ceil(ARITY));
    let kept = Kept::new(cache, names.leaf.0, leaf.data());
    let groups: Vec<_> = segments.chunks(ARITY).collect();
    let level = side_by_side::map(at_once, &groups, |_, group| {
        let proof = kept.or_make(&cover(group.iter().map(Segment::of))?, || {
            Ok(leaf.prove(prover, group)?.proof().clone())
        })?;
        meter.advance();
        Ok(Node::Leaf(proof))
    })?;
    let meter = Meter::start(progress, names.join.1, joins(level.len()));
    let kept = Kept::new(cache, names.join.0, join.data());
    let top = climb(at_once, level, |group| {
        let proof = kept.or_make(&cover(group.iter().map(Node::segment))?, || {
            Ok(join.prove(prover, group)?.proof().clone())
        })?;
        meter.advance();
        Ok(Node::Join(proof))
    })?;
    top.ok_or(ProverError::EmptyRange)
}

/// Joins nodes, level by level, until one is left; one that is alone in its group moves up as it is.
pub(crate) fn climb<N: Clone + Send + Sync>(
    at_once: usize,
    mut level: Vec<N>,
    join: impl Fn(&[N]) -> Result<N, ProverError> + Sync,
) -> Result<Option<N>, ProverError> {
    while level.len() > 1 {
        let groups: Vec<&[N]> = level.chunks(ARITY).collect();
        level = side_by_side::map(at_once, &groups, |_, group| match group {
            [alone] => Ok(alone.clone()),
            group => join(group),
        })?;
    }
    Ok(level.pop())
}

/// What a group of neighbours covers; whether they are neighbours is checked when they are proven.
pub(crate) fn cover(group: impl Iterator<Item = Segment> + Clone) -> Result<Segment, ProverError> {
    match (group.clone().next(), group.last()) {
        (Some(first), Some(last)) => Ok(Segment { before: first.before, after: last.after }),
        _ => Err(ProverError::EmptyRange),
    }
}

/// Joins over `nodes` nodes; one that is left alone moves up as it is.
pub(crate) fn joins(mut nodes: usize) -> usize {
    let mut total = 0;
    while nodes > 1 {
        total += nodes / ARITY + usize::from(nodes % ARITY > 1);
        nodes = nodes.div_ceil(ARITY);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::{climb, joins};

    #[test]
    fn nodes_climb_in_order_and_one_alone_moves_up_as_it_is() {
        let top = |nodes: &[&str]| {
            let nodes = nodes.iter().map(|&node| node.to_owned()).collect();
            climb(2, nodes, |group| Ok(format!("({})", group.concat()))).expect("joining does not fail")
        };
        let expected: [(&[&str], Option<&str>); 4] = [
            (&[], None),
            (&["a"], Some("a")),
            (&["a", "b", "c", "d"], Some("((abc)d)")),
            (&["a", "b", "c", "d", "e"], Some("((abc)(de))")),
        ];
        for (nodes, expected) in expected {
            assert_eq!(top(nodes).as_deref(), expected, "{nodes:?}");
        }
    }

    #[test]
    fn counts_joins() {
        let expected = [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 3), (7, 3), (9, 4), (10, 5)];
        for (nodes, count) in expected {
            assert_eq!(joins(nodes), count, "{nodes} nodes");
        }
    }
}
