//! Whole steps with a lie: about kinds, slots, order of roots, signatures, the stream, and the run state that they leave.

use janction_gadgets::test_utils::Violation;
use janction_protocol::hash::{Sponge, node, tag};
use janction_protocol::state::{Leaf, RunState};
use janction_protocol::stream::Kind;
use janction_protocol::transition::{Authorization, Role, message};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::story::{OPERATOR, Scene, amount, deployment, secret};
use super::{F, ONE_STEP, STORY};
use crate::kind::KINDS;

fn n(x: u64) -> F {
    F::from_canonical_u64(x)
}

fn run(scene: &Scene, forced: &[(Target, F)]) -> Result<(), Violation> {
    ONE_STEP.run(scene, forced)
}

#[track_caller]
fn refused(what: &str, scene: &Scene, forced: &[(Target, F)]) {
    assert!(run(scene, forced).is_err(), "{:?}: {what}", scene.step.kind);
}

/// One scene of each kind, the first.
fn one_of_each() -> impl Iterator<Item = Scene> {
    let kinds = KINDS.into_iter().filter(|&kind| kind != Kind::Noop);
    kinds.map(|kind| STORY.scene(kind, 0).clone())
}

/// A `Noop` after the story's end.
fn noop() -> Scene {
    let last = STORY.scenes.last().unwrap();
    let mut step = last.step.clone();
    step.kind = Kind::Noop;
    step.a = step.b;
    Scene { before: last.after, step, after: last.after }
}

#[test]
fn exactly_one_kind() {
    for scene in &one_of_each().chain([noop()]).collect::<Vec<_>>() {
        run(scene, &[]).unwrap();
        let flags = &ONE_STEP.step.flags;
        let own = flags.is(scene.step.kind).target;
        refused("no kind", scene, &[(own, F::ZERO)]);
        refused("a kind and a half", scene, &[(own, F::TWO)]);
        for (kind, flag) in flags.iter().filter(|&(kind, _)| kind != scene.step.kind) {
            refused(&format!("also {kind:?}"), scene, &[(flag.target, F::ONE)]);
            refused(&format!("rather {kind:?}"), scene, &[(own, F::ZERO), (flag.target, F::ONE)]);
            let balanced = [(own, F::TWO), (flag.target, F::NEG_ONE)];
            refused(&format!("minus {kind:?}"), scene, &balanced);
        }
    }
}

/// Two open slots and a closed batch look alike to `Noop` and `Close`; nothing else may pass for a `Noop`.
#[test]
fn noop_changes_nothing() {
    let noop = noop();
    let ends = &ONE_STEP.data.prover_only.public_inputs[4..8];
    let changes: [fn(&mut RunState); 8] = [
        |run| run.ledger.accounts_root.0[0] += F::ONE,
        |run| run.ledger.burned = amount(0),
        |run| run.ledger.time += 1,
        |run| run.open = true,
        |run| run.list_len += 1,
        |run| run.f_star[0] += F::ONE,
        |run| run.r_star[1] += F::ONE,
        |run| run.claim_count -= 1,
    ];
    for change in changes {
        let mut after = noop.after;
        change(&mut after);
        let forced: Vec<_> = ends.iter().copied().zip(after.digest().0).collect();
        refused("another run state after it", &noop, &forced);
    }
}

/// The run state after each kind is determined: with any element changed, its digest does not fit.
#[test]
fn run_state_after_a_step_is_determined() {
    for scene in &one_of_each().collect::<Vec<_>>() {
        let ends = &ONE_STEP.data.prover_only.public_inputs[4..8];
        let elements = scene.after.elements();
        for i in (0..69).filter(|&i| i != 19) {
            let mut lie = elements;
            lie[i] += F::ONE;
            let digest = janction_protocol::hash::hash(tag::RUN, &lie);
            let forced: Vec<_> = ends.iter().copied().zip(digest.0).collect();
            refused(&format!("element {i} after it"), scene, &forced);
        }
    }
}

/// Every limb of a step's blocks is in D: none can be changed with the same end. (What a signature covers is refused
/// besides; here it is the stream that objects.)
#[test]
fn every_limb_is_bound() {
    for scene in &one_of_each().filter(|scene| scene.step.kind.blocks() > 0).collect::<Vec<_>>() {
        let end = ONE_STEP.end(scene);
        for (block, targets) in ONE_STEP.step.blocks.limbs().iter().enumerate() {
            for (limb, &target) in targets.iter().enumerate() {
                let honest = scene.step.blocks.get(block).map_or(F::ZERO, |b| b.elements()[limb]);
                let forced: Vec<_> = end.iter().copied().chain([(target, honest + F::ONE)]).collect();
                refused(&format!("limb {limb} of block {block}"), scene, &forced);
            }
        }
    }
}

#[test]
fn r_is_given_once() {
    let open = STORY.scene(Kind::Open, 1);
    let [r, _] = ONE_STEP.step.r;
    let mut forced = ONE_STEP.end(open);
    forced.push((r, open.step.r[0] + F::ONE));
    refused("another r", open, &forced);
    // Elsewhere r comes from the run state; what the prover says does not matter.
    let transfer = STORY.scene(Kind::Transfer, 0);
    let mut forced = ONE_STEP.end(transfer);
    forced.push((r, n(5)));
    run(transfer, &forced).unwrap();
    let mut other = transfer.clone();
    other.before.r[0] += F::ONE;
    refused("another r in the run state", &other, &ONE_STEP.end(transfer));
}

/// Opening both accounts against the old root would let a transfer to oneself mint money.
#[test]
fn slots_are_opened_in_turn() {
    let to_self = STORY
        .scenes
        .iter()
        .find(|s| s.step.kind == Kind::Transfer && s.step.a.opening.index == s.step.b.opening.index)
        .expect("a transfer to oneself");
    run(to_self, &[]).unwrap();
    let mut mint = to_self.clone();
    mint.step.b.old = mint.step.a.old;
    refused("B as it was before A paid", &mint, &[]);

    // Accounts 1 and 3: B's path meets A's at the second level.
    let between = STORY.scene(Kind::Transfer, 6);
    let (a, b) = (&between.step.a, &between.step.b);
    assert_eq!((a.opening.index, b.opening.index), (1, 3));
    let mut stale = between.clone();
    stale.step.b.opening.siblings[1] = node(tag::NODE_ACCOUNT, a.opening.siblings[0], a.old.hash());
    assert_ne!(stale.step.b.opening.siblings[1], b.opening.siblings[1]);
    refused("B under the root that A found", &stale, &[]);
    let mut swapped = between.clone();
    swapped.step.a = *b;
    swapped.step.b = *a;
    refused("A and B swapped", &swapped, &[]);
}

#[test]
fn leaves_are_where_they_are_said_to_be() {
    for scene in &one_of_each().collect::<Vec<_>>() {
        let step = &ONE_STEP.step;
        for path in [&step.a.path, &step.b.path, &step.j.path] {
            for level in [0, 23] {
                let sibling = path.siblings[level].elements[1];
                refused("another sibling", scene, &[(sibling, n(1))]);
                refused("half a bit", scene, &[(path.bits[level].target, F::TWO)]);
            }
        }
        for (slot, opening) in [
            (&step.a.path, &scene.step.a.opening),
            (&step.b.path, &scene.step.b.opening),
            (&step.j.path, &scene.step.j.opening),
        ] {
            let bit = opening.index & 1 == 0;
            refused("the neighbour's place", scene, &[(slot.bits[0].target, F::from_bool(bit))]);
        }
        // Each element of what is read.
        for i in 0..29 {
            refused("another account A", scene, &[(step.a.old[i], n(1 << 61))]);
            refused("another account B", scene, &[(step.b.old[i], n(1 << 61))]);
        }
        for i in 0..49 {
            refused("another job", scene, &[(step.j.old[i], n(1 << 61))]);
        }
    }
}

/// Slots that a kind does not use must stand at index 0, whatever opening of another leaf would fit.
#[test]
fn unused_slots_and_the_fee_account_cannot_be_moved() {
    let close = STORY.scene(Kind::Close, 1);
    let withdraw = STORY.scene(Kind::Withdraw, 0);
    // An honest opening of account 1 under the root that the step's A slot leaves is B's in a transfer from A to 1.
    let mut moved = close.clone();
    moved.before.fee_account += 1;
    refused("another fee account", &moved, &[]);
    let mut moved = withdraw.clone();
    moved.step.b = moved.step.a;
    moved.step.b.old = moved.step.a.new;
    refused("B in use where the kind has none", &moved, &[]);
    let mut moved = close.clone();
    moved.step.b = moved.step.a;
    moved.step.b.old = moved.step.a.new;
    refused("B in use at the end", &moved, &[]);
}

#[test]
fn a_known_key_is_not_given_a_second_wallet() {
    // The fifth deposit names account 1 and is its owner's; the seventh names account 3 and is not.
    let known = STORY.scene(Kind::Deposit, 4);
    let unknown = STORY.scene(Kind::Deposit, 6);
    assert_eq!(known.step.b.opening.index, 0);
    assert_ne!(unknown.step.b.opening.index, 0);
    let mut lie = known.clone();
    lie.step.b = unknown.step.b;
    refused("a new wallet for a known key", &lie, &[]);
    let mut lie = unknown.clone();
    lie.step.b = known.step.b;
    refused("no wallet for an unknown key", &lie, &[]);
}

#[test]
fn signatures() {
    for scene in &one_of_each().filter(|scene| scene.step.authorization.is_some()).collect::<Vec<_>>() {
        let kind = scene.step.kind;
        let honest = scene.step.authorization.unwrap();
        let account = scene.step.a.old;
        let with = |role: Role, person: u8, nonce: u32| {
            let m = message(&deployment(), nonce, &scene.step.blocks);
            let mut lie = scene.clone();
            lie.step.authorization = Some(Authorization { role, signature: secret(person).sign(&m) });
            lie
        };
        let mut unsigned = scene.clone();
        unsigned.step.authorization = None;
        refused("unsigned", &unsigned, &[]);
        refused("a stranger's signature", &with(Role::Owner, 8, account.nonce), &[]);
        let owner = if account.kind as u8 == 2 { 2 } else { scene.step.a.opening.index as u8 };
        if kind == Kind::Transfer {
            refused("the operator's, as owner", &with(Role::Owner, OPERATOR, account.nonce), &[]);
        }
        run(&with(Role::Owner, owner, account.nonce), &[]).unwrap();
        refused("for another nonce", &with(Role::Owner, owner, account.nonce + 1), &[]);
        refused("of a replayed nonce", &with(Role::Owner, owner, account.nonce.wrapping_sub(1)), &[]);
        if kind.signer() == janction_protocol::stream::Signer::Owner {
            refused("the operator's", &with(Role::Operator, OPERATOR, account.nonce), &[]);
            refused("in the operator's role", &with(Role::Operator, owner, account.nonce), &[]);
        } else {
            run(&with(Role::Operator, OPERATOR, account.nonce), &[]).unwrap();
            refused("in the wrong role", &with(Role::Operator, owner, account.nonce), &[]);
        }
        let role = ONE_STEP.step.by_operator.target;
        refused(
            "in no role",
            &{
                let mut s = scene.clone();
                s.step.authorization = Some(honest);
                s
            },
            &[(role, F::TWO)],
        );
    }
    // Another deployment's signature.
    let scene = STORY.scene(Kind::Transfer, 6);
    let elsewhere = janction_protocol::Deployment::new(1, deployment().rollup()).unwrap();
    let m = message(&elsewhere, scene.step.a.old.nonce, &scene.step.blocks);
    let mut replayed = scene.clone();
    replayed.step.authorization = Some(Authorization { role: Role::Owner, signature: secret(1).sign(&m) });
    refused("signed for another chain", &replayed, &[]);
}

/// An eighth of a slash is rounded down: with a remainder of 15 instead of 7, less would go to the developer.
#[test]
fn the_remainder_of_a_slash_is_three_bits() {
    let slash = STORY.scene(Kind::Expire, 2);
    assert_eq!(slash.step.a.old.locked.units() % 8, 7);
    let lowest = ONE_STEP.step.locked_bits[0].target;
    let next = ONE_STEP.step.locked_bits[1].target;
    let highest = ONE_STEP.step.locked_bits[2].target;
    run(slash, &[]).unwrap();
    refused("15, in the lowest bit", slash, &[(lowest, n(9))]);
    refused("15, in the next bit", slash, &[(next, n(5))]);
    refused("15, in the highest bit", slash, &[(highest, n(3))]);
    refused("-1, in the lowest bit", slash, &[(lowest, -n(7))]);
}

#[test]
fn what_is_burned_stays_an_amount() {
    for (kind, nth) in [(Kind::Forfeit, 0), (Kind::Expire, 2)] {
        let mut full = STORY.scene(kind, nth).clone();
        full.before.ledger.burned = amount((1 << 62) - 1);
        refused("burned overflows", &full, &[]);
    }
}

/// The stream goes on where the run state says; the list likewise.
#[test]
fn sponges_and_sums_are_carried_on() {
    let changes: [fn(&mut RunState); 8] = [
        |run| run.stream = Sponge::stream(),
        |run| run.stream.0[11] += F::ONE,
        |run| run.f[1] += F::ONE,
        |run| run.list.0[9] += F::ONE,
        |run| run.f_star[0] += F::ONE,
        |run| run.r_star[0] += F::ONE,
        |run| run.list_len += 1,
        |run| run.claims.0[2] += F::ONE,
    ];
    for scene in [STORY.scene(Kind::Transfer, 6), STORY.scene(Kind::Close, 1), STORY.scene(Kind::Settle, 0)] {
        for (i, change) in changes.into_iter().enumerate() {
            // Of the stream's sponge, a `Close` takes the digest and forgets the rest.
            if scene.step.kind == Kind::Close && i == 1 {
                continue;
            }
            let mut lie = scene.clone();
            change(&mut lie.before);
            refused("another run state before it", &lie, &ONE_STEP.end(scene));
        }
    }
}
