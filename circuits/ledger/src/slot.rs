//! A slot: one leaf that a step may change.

use janction_aggregate::config::{Builder, F};
use janction_gadgets::merkle::{PathTarget, root};
use janction_gadgets::sponge;
use janction_protocol::state::TREE_DEPTH;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

/// Tags of a tree: of its leaves and of its inner nodes.
#[derive(Clone, Copy, Debug)]
pub struct TreeTags {
    /// Leaf.
    pub leaf: u64,
    /// Inner node.
    pub node: u64,
}

/// A leaf of `N` elements as the step finds it, and where.
#[derive(Clone, Debug)]
pub struct Slot<const N: usize> {
    /// The leaf before the step.
    pub old: [Target; N],
    /// Index bits and siblings.
    pub path: PathTarget,
}

impl<const N: usize> Slot<N> {
    /// A slot to be set by the prover.
    pub fn new(b: &mut Builder) -> Self {
        Self { old: b.add_virtual_target_arr(), path: PathTarget::new(b, TREE_DEPTH) }
    }

    /// Replaces the leaf and returns the root that this leaves.
    ///
    /// *Enforced*: `old` stands at `index` under `current`; the result is the root with `change` applied to it, every
    /// other leaf untouched. What no rule changes is written back by construction: a new element is the old target plus
    /// what rules add to it.
    pub fn apply(
        &self,
        b: &mut Builder,
        tags: TreeTags,
        current: HashOutTarget,
        index: Target,
        change: &Change<N>,
    ) -> HashOutTarget {
        let at = self.path.index(b);
        b.connect(at, index);
        let old_leaf = sponge::hash(b, tags.leaf, &self.old);
        let old_root = root(b, tags.node, old_leaf, &self.path);
        b.connect_hashes(old_root, current);
        let new = change.apply(b, &self.old);
        let new_leaf = sponge::hash(b, tags.leaf, &new);
        root(b, tags.node, new_leaf, &self.path)
    }
}

/// What the rules add to the elements of a leaf.
#[derive(Clone, Debug)]
pub struct Change<const N: usize>([Sum; N]);

impl<const N: usize> Change<N> {
    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self([Sum::none(); N])
    }

    /// Adds `term` to element `i` when `flag` is 1. The caller must ensure that the flag is 0 or 1.
    pub fn add(&mut self, b: &mut Builder, i: usize, flag: BoolTarget, term: Target) {
        self.0[i].add_if(b, flag, term);
    }

    /// Puts `value` in the place of element `i` when `flag` is 1, given the `old` leaf.
    pub fn set(&mut self, b: &mut Builder, old: &[Target; N], i: usize, flag: BoolTarget, value: Target) {
        let difference = b.sub(value, old[i]);
        self.add(b, i, flag, difference);
    }

    /// Element `i` after the change.
    pub fn new_element(&self, b: &mut Builder, old: &[Target; N], i: usize) -> Target {
        self.0[i].add_to(b, old[i])
    }

    fn apply(&self, b: &mut Builder, old: &[Target; N]) -> [Target; N] {
        core::array::from_fn(|i| self.new_element(b, old, i))
    }
}

/// A sum that rules add terms to.
#[derive(Clone, Copy, Debug)]
pub struct Sum(Option<Target>);

impl Sum {
    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// `x` plus the sum.
    pub fn add_to(self, b: &mut Builder, x: Target) -> Target {
        match self.0 {
            None => x,
            Some(sum) => b.add(x, sum),
        }
    }

    /// Adds `term` when `flag` is 1. The caller must ensure that the flag is 0 or 1.
    pub fn add_if(&mut self, b: &mut Builder, flag: BoolTarget, term: Target) {
        self.0 = Some(match self.0 {
            None => b.mul(flag.target, term),
            Some(sum) => b.mul_add(flag.target, term, sum),
        });
    }

    /// The sum.
    pub fn value(self, b: &mut Builder) -> Target {
        self.0.unwrap_or_else(|| b.zero())
    }
}

/// Enforces `x = 0` when `flag` is 1. One operation.
pub fn assert_zero_if(b: &mut Builder, flag: BoolTarget, x: Target) {
    let product = b.mul(flag.target, x);
    b.assert_zero(product);
}

/// 2^`bits`.
pub fn power(bits: usize) -> F {
    plonky2::field::types::Field::from_canonical_u64(1 << bits)
}
