//! Forged trees: every lie about keys, kinds, order and ends must fail.

use std::sync::LazyLock;

use janction_gadgets::test_utils::{Violation, check, generate};
use janction_protocol::binding::{PublicInputs, Range};
use janction_protocol::state::{LedgerState, RunState};
use janction_protocol::{Address, Amount, Deployment, Digest};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::config::{Builder, C, Circuit, F, Proof, circuit_config};
use crate::range::RangeTargets;
use crate::segment::SegmentTargets;
use crate::{
    AggregateError, Family, JoinCircuit, LeafCircuit, Node, NodeShape, RootCircuit, Segment, Stock,
    TreeCircuits,
};

/// A segment circuit that claims whatever it is told to.
struct Toy {
    data: Circuit,
    inputs: Vec<Target>,
}

impl Toy {
    /// Toys of different `flavour` have different keys and one shape.
    fn build(flavour: u64) -> Self {
        let mut builder = Builder::new(circuit_config());
        let inputs = builder.add_virtual_targets(8);
        builder.register_public_inputs(&inputs);
        let constant = builder.constant(F::from_canonical_u64(flavour));
        builder.mul(constant, inputs[0]);
        Self { data: builder.build::<C>(), inputs }
    }

    fn prove(&self, from: &RunState, to: &RunState) -> Proof {
        self.claim(from.digest(), to.digest())
    }

    fn claim(&self, from: Digest, to: Digest) -> Proof {
        let mut pw = PartialWitness::new();
        let ends: Vec<F> = from.0.into_iter().chain(to.0).collect();
        pw.set_target_arr(&self.inputs, &ends).unwrap();
        self.data.prove(pw).unwrap()
    }
}

/// A run state between two batches, `n` batches into the range.
fn state(n: u64) -> RunState {
    let address = Address::from_limbs([1, 2, 3]).unwrap();
    let ledger = LedgerState {
        accounts_root: digest(100 * n),
        jobs_root: digest(7),
        deployment: Deployment::new(31337, address).unwrap(),
        time: 1000 + n,
        batch: 5 + n,
        next_account: 9,
        next_job: 1,
        burned: Amount::ZERO,
        l1_cursor: 3,
        beacon_cursor: 0,
    };
    let mut run = RunState::start(ledger, [F::from_canonical_u64(77), F::from_canonical_u64(78)]);
    for i in 0..n {
        run.list.absorb(&[F::from_canonical_u64(i); 8]);
        run.f_star[0] += F::from_canonical_u64(i + 1);
    }
    run.list_len = n;
    run
}

fn payee() -> Address {
    Address::from_limbs([(1 << 48) - 1, (1 << 56) - 1, 5]).unwrap()
}

/// Circuits and proofs that the tests share: five segments in two leaves and a join, and their counterfeits.
struct World {
    toy: Toy,
    leaf: LeafCircuit,
    join: JoinCircuit,
    segments: Vec<Proof>,
    first: Node,
    second: Node,
    top: Node,
    /// The second leaf as another family would make it.
    other_family: Node,
    /// The second leaf over another segment circuit.
    other_segment: Node,
    /// A join by another family's join circuit.
    other_join: Node,
    audit_leaf: LeafCircuit,
    root: RootCircuit,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let shape = NodeShape::find().unwrap();
    let toy = Toy::build(3);
    let leaf = LeafCircuit::build(&shape, Family::Ledger, &toy.data.verifier_data()).unwrap();
    let join = JoinCircuit::build(&shape, Family::Ledger, &leaf.data().verifier_only).unwrap();
    let segments: Vec<Proof> = (0..5).map(|i| toy.prove(&state(i), &state(i + 1))).collect();
    let first = leaf.prove(&Stock, &segments[..3]).unwrap();
    let second = leaf.prove(&Stock, &segments[3..]).unwrap();
    let top = join.prove(&Stock, &[first.clone(), second.clone()]).unwrap();

    let audit_leaf = LeafCircuit::build(&shape, Family::Audit, &toy.data.verifier_data()).unwrap();
    let other_family = audit_leaf.prove(&Stock, &segments[3..]).unwrap();
    let audit_join = JoinCircuit::build(&shape, Family::Audit, &audit_leaf.data().verifier_only).unwrap();
    let other_join = audit_join.prove(&Stock, std::slice::from_ref(&other_family)).unwrap();

    let other_toy = Toy::build(4);
    let other_leaf = LeafCircuit::build(&shape, Family::Ledger, &other_toy.data.verifier_data()).unwrap();
    let others: Vec<Proof> = (3..5).map(|i| other_toy.prove(&state(i), &state(i + 1))).collect();
    let other_segment = other_leaf.prove(&Stock, &others).unwrap();

    let trees = [(&leaf, &join), (&audit_leaf, &audit_join)].map(|(leaf, join)| TreeCircuits { leaf, join });
    let root = RootCircuit::build(&shape, trees[0], trees[1]);
    World {
        toy,
        leaf,
        join,
        segments,
        first,
        second,
        top,
        other_family,
        other_segment,
        other_join,
        audit_leaf,
        root,
    }
});

fn satisfied(circuit: &Circuit, inputs: PartialWitness<F>, forced: &[(Target, F)]) -> Result<(), Violation> {
    check(circuit, &generate(circuit, inputs, forced)?)
}

/// The public inputs of a circuit with forced values, by index.
fn forced(circuit: &Circuit, values: &[(usize, F)]) -> Vec<(Target, F)> {
    values.iter().map(|&(i, v)| (circuit.prover_only.public_inputs[i], v)).collect()
}

#[test]
fn one_two_and_three_segments_make_a_leaf() {
    let w = &*WORLD;
    for n in 1..=3 {
        let inputs = w.leaf.witness(&w.segments[..n]).unwrap();
        let ends = [state(0), state(n as u64)].map(|s| s.digest().0).concat();
        let expected: Vec<_> = ends.into_iter().enumerate().collect();
        satisfied(w.leaf.data(), inputs.clone(), &[]).unwrap();
        satisfied(w.leaf.data(), inputs.clone(), &forced(w.leaf.data(), &expected)).unwrap();
        // No other end, and no other mark.
        for i in [0, 5, 8, 11] {
            let lie = forced(w.leaf.data(), &[(i, F::from_canonical_u64(99))]);
            assert!(satisfied(w.leaf.data(), inputs.clone(), &lie).is_err(), "{n} segments, input {i}");
        }
    }
}

#[test]
fn five_segments_make_a_tree() {
    let w = &*WORLD;
    assert_eq!(w.top.segment(), Segment::of(w.top.proof()));
    assert_eq!(w.top.segment().before, state(0).digest().0.into());
    assert_eq!(w.top.segment().after, state(5).digest().0.into());
    // A join takes a join and a leaf alike, and a single node.
    satisfied(w.join.data(), w.join.witness(std::slice::from_ref(&w.top)).unwrap(), &[]).unwrap();
    let next = w.leaf.prove(&Stock, &[w.toy.prove(&state(5), &state(6))]).unwrap();
    let inputs = w.join.witness(&[w.top.clone(), next]).unwrap();
    satisfied(w.join.data(), inputs, &[]).unwrap();
}

#[test]
fn groups_are_checked_before_proving() {
    let w = &*WORLD;
    assert!(matches!(w.leaf.witness(&[]), Err(AggregateError::Empty)));
    assert!(matches!(w.join.witness(&[]), Err(AggregateError::Empty)));
    assert!(matches!(w.leaf.witness(&w.segments), Err(AggregateError::TooMany { got: 5, .. })));
    let gap = [w.segments[0].clone(), w.segments[1].clone(), w.segments[3].clone()];
    assert!(matches!(w.leaf.witness(&gap), Err(AggregateError::Gap { index: 2, .. })));
    let swapped = [w.second.clone(), w.first.clone()];
    assert!(matches!(w.join.witness(&swapped), Err(AggregateError::Gap { index: 1, .. })));
}

#[test]
fn neighbours_must_meet() {
    let w = &*WORLD;
    let s = &w.segments;
    let groups = [
        vec![s[0].clone(), s[2].clone()],
        vec![s[1].clone(), s[0].clone()],
        vec![s[0].clone(), s[1].clone(), s[3].clone()],
        vec![s[0].clone(), s[2].clone(), s[1].clone()],
        vec![s[0].clone(), s[0].clone()],
    ];
    for group in groups {
        assert!(satisfied(w.leaf.data(), w.leaf.assign(&group).unwrap(), &[]).is_err());
    }
    for group in [[&w.second, &w.first], [&w.first, &w.first], [&w.top, &w.second]] {
        let inputs = w.join.assign(&group.map(Clone::clone)).unwrap();
        assert!(satisfied(w.join.data(), inputs, &[]).is_err());
    }
}

#[test]
fn unused_children_say_nothing() {
    let w = &*WORLD;
    let single = w.join.witness(std::slice::from_ref(&w.first)).unwrap();
    // Unused, but its end is taken.
    let end: Vec<_> = (4..8).zip(state(5).digest().0).collect();
    assert!(satisfied(w.join.data(), single.clone(), &forced(w.join.data(), &end)).is_err());
    // Neither used nor unused.
    for flag in w.join.used() {
        assert!(satisfied(w.join.data(), single.clone(), &[(flag.target, F::TWO)]).is_err());
        // Used twice: the first leaf does not follow itself.
        assert!(satisfied(w.join.data(), single.clone(), &[(flag.target, F::ONE)]).is_err());
    }
    for flag in w.leaf.used() {
        let inputs = w.leaf.witness(&w.segments[..1]).unwrap();
        assert!(satisfied(w.leaf.data(), inputs.clone(), &[(flag.target, F::TWO)]).is_err());
        assert!(satisfied(w.leaf.data(), inputs, &[(flag.target, F::ONE)]).is_err());
    }
    // An unused child must still be a proof.
    let mut foreign = w.join.witness(std::slice::from_ref(&w.first)).unwrap();
    let real = w.join.assign(&[w.first.clone(), w.other_family.clone()]).unwrap();
    for (target, value) in real.target_values {
        foreign.target_values.insert(target, value);
    }
    foreign.target_values.insert(w.join.used()[0].target, F::ZERO);
    assert!(satisfied(w.join.data(), foreign, &[]).is_err());
}

#[test]
fn leaves_verify_the_pinned_circuit_only() {
    let w = &*WORLD;
    let stranger = Toy::build(4).prove(&state(0), &state(1));
    assert!(satisfied(w.leaf.data(), w.leaf.witness(&[stranger]).unwrap(), &[]).is_err());
    // Nor a proof whose public inputs were changed afterwards.
    let mut moved = w.segments[0].clone();
    moved.public_inputs[4] += F::ONE;
    assert!(satisfied(w.leaf.data(), w.leaf.witness(&[moved]).unwrap(), &[]).is_err());
}

#[test]
fn joins_verify_their_own_family_only() {
    let w = &*WORLD;
    let refused = |nodes: &[Node]| {
        let inputs = w.join.assign(nodes).unwrap();
        satisfied(w.join.data(), inputs, &[]).is_err()
    };
    assert!(refused(&[w.first.clone(), w.other_family.clone()]), "another family's leaf");
    assert!(refused(&[w.first.clone(), w.other_segment.clone()]), "another leaf key");
    assert!(refused(&[w.first.clone(), w.other_join.clone()]), "another join key");
    assert!(refused(std::slice::from_ref(&w.other_join)), "another join key, alone");
    // A leaf that poses as a join and the other way round.
    assert!(refused(&[Node::Join(w.first.proof().clone())]));
    assert!(refused(&[Node::Leaf(w.top.proof().clone())]));
    // A mark that is put right afterwards is not what was proven.
    let mut posed = w.other_family.proof().clone();
    posed.public_inputs[8..].copy_from_slice(&Family::Ledger.leaf_mark().elements);
    assert!(refused(&[w.first.clone(), Node::Leaf(posed)]));
}

/// A join over a counterfeit key is satisfiable (no circuit contains its own key); its mark gives it away.
#[test]
fn a_counterfeit_own_key_shows_in_the_mark() {
    let w = &*WORLD;
    let inputs = w.join.witness(std::slice::from_ref(&w.first)).unwrap();
    let lie = (w.join.own_key().circuit_digest.elements[0], F::ONE);
    let witness = generate(w.join.data(), inputs.clone(), &[lie]).unwrap();
    check(w.join.data(), &witness).unwrap();
    let honest: Vec<_> = (8..12).zip(w.join.mark().elements).collect();
    let mut all = forced(w.join.data(), &honest);
    all.push(lie);
    assert!(satisfied(w.join.data(), inputs.clone(), &all).is_err());
    // The cap is in the mark as well as the digest.
    let lie = (w.join.own_key().constants_sigmas_cap.0[15].elements[3], F::ONE);
    let mut all = forced(w.join.data(), &honest);
    all.push(lie);
    assert!(satisfied(w.join.data(), inputs, &all).is_err());
}

#[test]
fn root_exposes_the_protocols_inputs() {
    let w = &*WORLD;
    // A leaf at the top does as well.
    let inputs = w.root.witness(&w.first, None, &state(0), &state(3), payee()).unwrap();
    satisfied(w.root.data(), inputs, &[]).unwrap();
    let (from, to) = (state(0), state(5));
    let inputs = w.root.witness(&w.top, None, &from, &to, payee()).unwrap();
    let expected = PublicInputs {
        old_root: from.ledger.root(),
        new_root: to.ledger.root(),
        range: Range { digest: to.range_digest(), r_star: to.r_star, f_star: to.f_star },
        payee: payee(),
        deployment: to.ledger.deployment,
    };
    let expected: Vec<_> = expected.elements().into_iter().enumerate().collect();
    satisfied(w.root.data(), inputs.clone(), &forced(w.root.data(), &expected)).unwrap();
    // Every input but the payee is determined.
    for &(i, value) in expected.iter().filter(|(i, _)| !(16..19).contains(i)) {
        let lie = forced(w.root.data(), &[(i, value + F::ONE)]);
        assert!(satisfied(w.root.data(), inputs.clone(), &lie).is_err(), "input {i}");
    }
}

#[test]
fn root_refuses_foreign_nodes() {
    let w = &*WORLD;
    let refused = |node: Node, from: u64, to: u64| {
        let inputs = w.root.assign(&node, None, &state(from), &state(to), payee()).unwrap();
        satisfied(w.root.data(), inputs, &[]).is_err()
    };
    assert!(refused(w.other_family.clone(), 3, 5));
    assert!(refused(w.other_segment.clone(), 3, 5));
    assert!(refused(w.other_join.clone(), 3, 5));
    assert!(refused(Node::Leaf(w.top.proof().clone()), 0, 5));
    assert!(refused(Node::Join(w.first.proof().clone()), 0, 3));
    assert!(refused(w.top.clone(), 0, 4), "another end");
    assert!(refused(w.top.clone(), 1, 5), "another start");
    assert!(matches!(
        w.root.witness(&w.top, None, &state(0), &state(4), payee()),
        Err(AggregateError::End { end: "end", .. })
    ));
}

/// Each element of the first and last state that the range fixes, changed; the ends follow the lie, so only the range's
/// own rule is left to object.
#[test]
fn range_fixes_start_and_end() {
    let mut builder = Builder::new(circuit_config());
    let ends = SegmentTargets::new(&mut builder);
    let audited = builder._false();
    let range = RangeTargets::build(&mut builder, &ends, audited, &ends);
    let circuit = builder.build::<C>();
    let refused = |from: &RunState, to: &RunState| {
        let mut inputs = PartialWitness::new();
        range.assign(&mut inputs, from, to, payee()).unwrap();
        inputs.set_hash_target(ends.before, from.digest().0.into()).unwrap();
        inputs.set_hash_target(ends.after, to.digest().0.into()).unwrap();
        satisfied(&circuit, inputs, &[]).is_err()
    };
    let (from, to) = (state(0), state(1));
    assert!(!refused(&from, &to));
    let with = |base: &RunState, change: &dyn Fn(&mut RunState)| {
        let mut run = *base;
        change(&mut run);
        run
    };
    type Change = &'static dyn Fn(&mut RunState);
    let starts: [(&str, Change); 7] = [
        ("open", &|s| s.open = true),
        ("fees", &|s| s.fees = Amount::new(1).unwrap()),
        ("list", &|s| s.list.0[8] += F::ONE),
        ("list length", &|s| s.list_len = 1),
        ("f*", &|s| s.f_star[1] = F::ONE),
        ("claims", &|s| s.claims.0[2] = F::ONE),
        ("claim count", &|s| s.claim_count = 1),
    ];
    for (name, change) in starts {
        assert!(refused(&with(&from, change), &to), "start: {name}");
    }
    let ends: [(&str, Change); 6] = [
        ("open", &|s| s.open = true),
        ("position", &|s| s.position = 1),
        ("r*", &|s| s.r_star[0] += F::ONE),
        ("claims", &|s| s.claims.0[3] = F::ONE),
        ("claim count", &|s| s.claim_count = 1),
        ("deployment", &|s| {
            let address = Address::from_limbs([9, 9, 9]).unwrap();
            s.ledger.deployment = Deployment::new(31337, address).unwrap();
        }),
    ];
    for (name, change) in ends {
        assert!(refused(&from, &with(&to, change)), "end: {name}");
    }
}

#[test]
fn payee_is_an_address() {
    let w = &*WORLD;
    for (i, bits) in [(16, 48), (17, 56), (18, 56)] {
        let inputs = w.root.witness(&w.top, None, &state(0), &state(5), payee()).unwrap();
        let mut lie = forced(w.root.data(), &[(i, F::from_canonical_u64(1 << bits))]);
        assert!(satisfied(w.root.data(), inputs.clone(), &lie).is_err());
        lie[0].1 = F::from_canonical_u64((1 << bits) - 1);
        satisfied(w.root.data(), inputs, &lie).unwrap();
    }
}

/// Claims with and without audits, in the range's statement alone.
#[test]
fn claims_are_the_ends_of_the_audits_chain() {
    let mut builder = Builder::new(circuit_config());
    let (ends, chain) = (SegmentTargets::new(&mut builder), SegmentTargets::new(&mut builder));
    let audited = builder.add_virtual_bool_target_safe();
    let range = RangeTargets::build(&mut builder, &ends, audited, &chain);
    let circuit = builder.build::<C>();
    let run = |last: &RunState, audits: Option<[Digest; 2]>| {
        let mut inputs = PartialWitness::new();
        range.assign(&mut inputs, &state(0), last, payee()).unwrap();
        inputs.set_hash_target(ends.before, state(0).digest().0.into()).unwrap();
        inputs.set_hash_target(ends.after, last.digest().0.into()).unwrap();
        let [before, after] = audits.unwrap_or([digest(1), digest(2)]);
        inputs.set_hash_target(chain.before, before.0.into()).unwrap();
        inputs.set_hash_target(chain.after, after.0.into()).unwrap();
        inputs.set_bool_target(audited, audits.is_some()).unwrap();
        satisfied(&circuit, inputs, &[])
    };
    let (quiet, claims) = (state(5), digest(11));
    let claiming = RunState { claims, claim_count: 2, ..quiet };
    run(&quiet, None).unwrap();
    run(&claiming, Some([Digest::ZERO, claims])).unwrap();
    assert!(run(&claiming, None).is_err(), "claims without audits");
    assert!(run(&claiming, Some([digest(7), claims])).is_err(), "a chain that does not begin at zero");
    for i in 0..4 {
        let mut other = claims;
        other.0[i] += F::ONE;
        assert!(run(&claiming, Some([Digest::ZERO, other])).is_err(), "a chain that ends elsewhere, {i}");
    }
    assert!(run(&quiet, Some([Digest::ZERO, claims])).is_err(), "audits that nobody asked for");
    assert!(run(&RunState { claim_count: 1, ..quiet }, None).is_err(), "a count without claims");
    assert!(run(&RunState { claims, ..quiet }, None).is_err(), "claims without a count");
}

/// Claims are made only as audits prove them.
#[test]
fn claims_are_backed_by_audits() {
    let w = &*WORLD;
    let root = &w.root;
    let (from, quiet, claims) = (state(0), state(5), digest(11));
    let claiming = RunState { claims, claim_count: 2, ..state(1) };
    let node = w.leaf.prove(&Stock, &[w.toy.prove(&from, &claiming)]).unwrap();
    let audits = w.audit_leaf.prove(&Stock, &[w.toy.claim(Digest::ZERO, claims)]).unwrap();

    let run = |ledger: &Node, audits: Option<&Node>, last: &RunState, lies: &[(Target, F)]| {
        let inputs = root.assign(ledger, audits, &from, last, payee()).unwrap();
        satisfied(root.data(), inputs, lies)
    };
    assert_eq!(root.data().common.degree_bits(), 14);
    run(&w.top, None, &quiet, &[]).unwrap();
    run(&node, Some(&audits), &claiming, &[]).unwrap();
    let audited = root.audited().target;
    assert!(run(&node, Some(&audits), &claiming, &[(audited, F::ZERO)]).is_err(), "audits not looked at");
    assert!(run(&node, Some(&audits), &claiming, &[(audited, F::TWO)]).is_err(), "neither");
    assert!(run(&node, None, &claiming, &[(audited, F::ONE)]).is_err(), "the ledger's node as audits");
    assert!(run(&node, Some(&w.top), &claiming, &[]).is_err(), "another ledger node as audits");
    assert!(run(&audits, Some(&audits), &claiming, &[]).is_err(), "audits as the ledger");
    let posed = Node::Join(audits.proof().clone());
    assert!(run(&node, Some(&posed), &claiming, &[]).is_err(), "a leaf as a join");

    assert!(matches!(
        root.witness(&node, None, &from, &claiming, payee()),
        Err(AggregateError::Unaudited { claims: 2 })
    ));
    assert!(matches!(
        root.witness(&node, Some(&w.other_family), &from, &claiming, payee()),
        Err(AggregateError::End { end: "chain of claims", .. })
    ));
}

fn digest(seed: u64) -> Digest {
    Digest([seed, seed + 1, seed + 2, seed + 3].map(F::from_canonical_u64))
}
