//! The keys of a program's segment circuits: a Merkle tree whose root is a constant of the leaf circuit.
//!
//! A leaf verifies proofs of any of several circuits of one shape. Each key is a witness, hashed and opened in the tree
//! over the keys' digests; which one it is, the leaf does not say: a segment circuit's states name what it checks.

use janction_gadgets::merkle::{self, PathTarget};
use janction_gadgets::sponge;
use janction_protocol::Digest;
use janction_protocol::hash::{hash, node};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use crate::config::{Builder, F, Key};

/// Tag of a key's digest.
const KEY: u64 = u64::from_be_bytes(*b"\0JSEGKEY");
/// Tag of the tree's nodes.
const NODE: u64 = u64::from_be_bytes(*b"\0JKEYSND");

/// Keys of segment circuits that have one shape.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Digests of the keys, filled up with the last one, then each level above.
    levels: Vec<Vec<Digest>>,
}

/// `H(KEY, [cap entries] ++ circuit digest ++ cap)`.
fn digest(key: &Key) -> Digest {
    let cap = &key.constants_sigmas_cap.0;
    let data: Vec<F> = std::iter::once(F::from_canonical_usize(cap.len()))
        .chain(key.circuit_digest.elements)
        .chain(cap.iter().flat_map(|hash| hash.elements))
        .collect();
    hash(KEY, &data)
}

impl KeySet {
    /// Tags of the hashes that are computed here.
    pub const TAGS: [u64; 2] = [KEY, NODE];

    /// The set of `keys`, at least one.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        let mut leaves: Vec<Digest> = keys.iter().map(digest).collect();
        let last = *leaves.last().expect("a program has at least one segment circuit");
        leaves.resize(leaves.len().next_power_of_two(), last);
        let mut levels = vec![leaves];
        while let [.., level] = &levels[..]
            && level.len() > 1
        {
            levels.push(level.chunks(2).map(|pair| node(NODE, pair[0], pair[1])).collect());
        }
        Self { keys, levels }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    fn root(&self) -> Digest {
        self.levels[self.depth()][0]
    }
}

/// A key of the set, in a circuit.
#[derive(Clone, Debug)]
pub(crate) struct KeyTargets {
    pub key: VerifierCircuitTarget,
    /// None when the set has one key, a constant.
    path: Option<PathTarget>,
}

impl KeyTargets {
    /// *Enforced*: the key is one of `set`.
    pub fn new(builder: &mut Builder, set: &KeySet) -> Self {
        if let [key] = set.keys() {
            return Self { key: builder.constant_verifier_data(key), path: None };
        }
        let cap_height = set.keys[0].constants_sigmas_cap.height();
        let key = builder.add_virtual_verifier_data(cap_height);
        let cap = &key.constants_sigmas_cap.0;
        let data: Vec<Target> = std::iter::once(builder.constant(F::from_canonical_usize(cap.len())))
            .chain(key.circuit_digest.elements)
            .chain(cap.iter().flat_map(|hash| hash.elements))
            .collect();
        let digest = sponge::hash(builder, KEY, &data);
        let path = PathTarget::new(builder, set.depth());
        let root: HashOutTarget = merkle::root(builder, NODE, digest, &path);
        let expected = builder.constant_hash(HashOut { elements: set.root().0 });
        builder.connect_hashes(root, expected);
        Self { key, path: Some(path) }
    }

    /// Sets key number `index`, whose existence the caller must ensure.
    pub fn assign(&self, inputs: &mut PartialWitness<F>, set: &KeySet, index: usize) -> anyhow::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        inputs.set_verifier_data_target(&self.key, &set.keys[index])?;
        for (level, (&bit, &sibling)) in path.bits.iter().zip(&path.siblings).enumerate() {
            inputs.set_bool_target(bit, (index >> level) & 1 == 1)?;
            let sibling_digest = set.levels[level][(index >> level) ^ 1];
            inputs.set_hash_target(sibling, HashOut { elements: sibling_digest.0 })?;
        }
        Ok(())
    }
}
