//! What a range of batches means for L1: the statement of the root, without its inner proof.

use janction_gadgets::sponge;
use janction_gadgets::uint::range_check;
use janction_protocol::hash::tag;
use janction_protocol::state::RunState;
use janction_protocol::{Address, F};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::WitnessWrite;

use crate::config::Builder;
use crate::run::{BATCH_ELEMENTS, RunTargets};
use crate::segment::SegmentTargets;

/// Public inputs of the root proof, and of the wrap: section 6 of `docs/protocol.md`.
pub const ROOT_INPUTS: usize = 23;

/// Bits of the three limbs of an L1 address: 6, 7 and 7 bytes.
const ADDRESS_BITS: [usize; 3] = [48, 56, 56];

/// The witness of the statement.
///
/// *Public inputs* (23): old ledger root[4], new ledger root[4], D*[4], r*[2], f*(r*)[2], payee[3], deployment[4].
/// *Witness*: the first and the last run state, the payee. *Enforced*:
/// 1. the segment's ends are the digests of the two run states;
/// 2. start: nothing open (elements 20..47 zero), the list's sponge initial, its length and fingerprint zero, no claims;
/// 3. end: nothing open (the same elements zero);
/// 4. r* and the deployment are the same in both;
/// 5. the claims are backed: where something is audited, the audits' chain leads from the empty one to the last state's;
///    elsewhere the last state has no claims;
/// 6. D* = lanes 0..4 of the list's sponge after the block `[n, 0, ..., 0]`; f*(r*) is the last state's;
/// 7. the payee's limbs have 48, 56 and 56 bits. Nothing else is asked of the payee: it is bound, so a proof pays no
///    one else.
///
/// *The caller must ensure* that the segment is proven, and that of the audits where `audited` is 1.
#[derive(Clone, Debug)]
pub(crate) struct RangeTargets {
    first: RunTargets,
    last: RunTargets,
    payee: [Target; 3],
}

impl RangeTargets {
    /// Adds the statement over `ends` and registers its public inputs. `audits`: the ends of the audits' chain, which says
    /// something where `audited` is 1.
    pub(crate) fn build(
        b: &mut Builder,
        ends: &SegmentTargets,
        audited: BoolTarget,
        audits: &SegmentTargets,
    ) -> Self {
        let (first, last) = (RunTargets::new(b), RunTargets::new(b));
        let digests = [first.digest(b), last.digest(b)];
        b.connect_hashes(ends.before, digests[0]);
        b.connect_hashes(ends.after, digests[1]);

        assert_closed(b, &first);
        assert_empty_list(b, &first);
        assert_closed(b, &last);
        for (x, y) in first.r_star.into_iter().zip(last.r_star) {
            b.connect(x, y);
        }
        for (x, y) in first.ledger.deployment.into_iter().zip(last.ledger.deployment) {
            b.connect(x, y);
        }
        assert_claims_backed(b, &last, audited, audits);

        let payee: [Target; 3] = b.add_virtual_target_arr();
        for (limb, bits) in payee.into_iter().zip(ADDRESS_BITS) {
            range_check(b, limb, bits);
        }

        let roots = [first.ledger.root(b), last.ledger.root(b)];
        let mut list = sponge::Sponge::resume(last.list);
        let mut length = [b.zero(); 8];
        length[0] = last.list_len;
        list.absorb(b, &length);
        for root in roots {
            b.register_public_inputs(&root.elements);
        }
        b.register_public_inputs(&list.digest().elements);
        b.register_public_inputs(&last.r_star);
        b.register_public_inputs(&last.f_star);
        b.register_public_inputs(&payee);
        b.register_public_inputs(&last.ledger.deployment);
        Self { first, last, payee }
    }

    /// Sets the witness.
    ///
    /// # Errors
    /// When a target already has another value.
    pub(crate) fn assign(
        &self,
        inputs: &mut impl WitnessWrite<F>,
        first: &RunState,
        last: &RunState,
        payee: Address,
    ) -> anyhow::Result<()> {
        self.first.assign(inputs, first)?;
        self.last.assign(inputs, last)?;
        inputs.set_target_arr(&self.payee, &payee.elements())
    }
}

/// The claims are those that the audits prove; none where nothing is audited.
fn assert_claims_backed(b: &mut Builder, last: &RunTargets, audited: BoolTarget, chain: &SegmentTargets) {
    let claims = last.claims.elements.into_iter().chain([last.claim_count]);
    let unaudited = b.not(audited);
    for claim in claims {
        let product = b.mul(unaudited.target, claim);
        b.assert_zero(product);
    }
    let zero = b.zero();
    for i in 0..4 {
        b.conditional_assert_eq(audited.target, chain.before.elements[i], zero);
        b.conditional_assert_eq(audited.target, chain.after.elements[i], last.claims.elements[i]);
    }
}

/// Nothing of an open batch is left.
fn assert_closed(b: &mut Builder, run: &RunTargets) {
    let elements = run.elements(b);
    for &element in &elements[BATCH_ELEMENTS] {
        b.assert_zero(element);
    }
}

/// The list of batches and the chain of claims have not begun.
fn assert_empty_list(b: &mut Builder, run: &RunTargets) {
    let initial = *sponge::Sponge::new(b, tag::LIST, 0).lanes();
    for (lane, start) in run.list.into_iter().zip(initial) {
        b.connect(lane, start);
    }
    let rest = [run.list_len, run.f_star[0], run.f_star[1], run.claim_count];
    for element in rest.into_iter().chain(run.claims.elements) {
        b.assert_zero(element);
    }
}
