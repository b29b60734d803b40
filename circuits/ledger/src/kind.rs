//! Which kind a step is: one-hot flags.

use janction_aggregate::config::{Builder, F};
use janction_protocol::stream::Kind;
use plonky2::field::types::Field;
use plonky2::iop::target::{BoolTarget, Target};

/// The kinds that the circuit knows: all, in the order of their tag bytes.
pub const KINDS: [Kind; 17] = Kind::ALL;

/// One flag per kind.
#[derive(Clone, Debug)]
pub struct Flags([BoolTarget; KINDS.len()]);

impl Flags {
    /// Fresh flags. *Enforced*: each is 0 or 1, and exactly one is 1.
    pub fn new(b: &mut Builder) -> Self {
        let flags = core::array::from_fn(|_| b.add_virtual_bool_target_safe());
        let sum = b.add_many(flags.map(|flag| flag.target));
        b.assert_one(sum);
        Self(flags)
    }

    /// The flag of a kind.
    ///
    /// # Panics
    /// When the circuit does not know the kind.
    #[must_use]
    pub fn is(&self, kind: Kind) -> BoolTarget {
        self.iter().find(|&(k, _)| k == kind).map(|(_, flag)| flag).expect("a kind of the circuit")
    }

    /// Kinds and flags.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, BoolTarget)> + '_ {
        KINDS.into_iter().zip(self.0)
    }

    /// 1 when the kind is one of those that `wanted` picks, else 0.
    pub fn any(&self, b: &mut Builder, wanted: impl Fn(Kind) -> bool) -> BoolTarget {
        let (inside, outside): (Vec<_>, Vec<_>) = self.iter().partition(|&(kind, _)| wanted(kind));
        let sum = |b: &mut Builder, list: &[(Kind, BoolTarget)]| {
            b.add_many(list.iter().map(|(_, flag)| flag.target))
        };
        // The flags add up to 1, so the shorter sum does.
        if inside.len() <= outside.len() {
            BoolTarget::new_unsafe(sum(b, &inside))
        } else {
            let others = BoolTarget::new_unsafe(sum(b, &outside));
            b.not(others)
        }
    }

    /// `weight(kind)` of the kind that is set.
    pub fn weigh(&self, b: &mut Builder, weight: impl Fn(Kind) -> u64) -> Target {
        let zero = b.zero();
        self.iter().filter(|&(kind, _)| weight(kind) != 0).fold(zero, |sum, (kind, flag)| {
            b.mul_const_add(F::from_canonical_u64(weight(kind)), flag.target, sum)
        })
    }
}

#[cfg(test)]
mod tests {
    use janction_aggregate::config::{C, circuit_config};
    use janction_gadgets::test_utils::{check, generate};
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};

    use super::*;

    /// The flags alone, without blocks that would object, too.
    #[test]
    fn one_flag_is_one_and_the_others_are_zero() {
        let mut builder = Builder::new(circuit_config());
        let flags = Flags::new(&mut builder);
        let circuit = builder.build::<C>();
        let holds = |values: [F; KINDS.len()]| {
            let mut inputs = PartialWitness::new();
            for ((_, flag), value) in flags.iter().zip(values) {
                inputs.set_target(flag.target, value).unwrap();
            }
            generate(&circuit, inputs, &[]).is_ok_and(|witness| check(&circuit, &witness).is_ok())
        };
        let none = [F::ZERO; KINDS.len()];
        let with = |set: &[(usize, F)]| {
            let mut values = none;
            set.iter().for_each(|&(i, value)| values[i] = value);
            values
        };
        let half = F::TWO.inverse();
        assert!(!holds(none), "no kind");
        for (i, kind) in KINDS.into_iter().enumerate() {
            let j = (i + 1) % KINDS.len();
            assert!(holds(with(&[(i, F::ONE)])), "{kind:?}");
            assert!(!holds(with(&[(i, F::ONE), (j, F::ONE)])), "two kinds");
            assert!(!holds(with(&[(i, F::TWO), (j, F::NEG_ONE)])), "two of one, less one of another");
            assert!(!holds(with(&[(i, half), (j, half)])), "two halves");
        }
    }
}
