//! `Register`: wallet A creates unit B at the next free index.

use janction_aggregate::config::{Builder, F};
use janction_protocol::stream::Kind;
use janction_protocol::transition::REGISTER_LIMIT;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::{Context, Effects, assert_zero_if, is_if};
use crate::leaf::account;

/// *Enforced*: A is a wallet; the next free index is below 2^23; B is there, empty before, and after a unit with A's owner
/// key, the operator key, the profile (GPU class below 2^16, region below 2^8) and A as its owner's account.
pub(super) fn enforce(b: &mut Builder, c: &Context, e: &mut Effects) {
    let flag = c.is(Kind::Register);
    let next = c.run.ledger.next_account;
    is_if(b, flag, c.a[account::KIND], account::WALLET);
    let limit = b.constant(F::from_canonical_u64(REGISTER_LIMIT.into()));
    e.less(b, 0, flag, next, limit);
    let (profile, region) = (c.fields.payload[10], c.fields.payload[11]);
    let wide = [profile.field(b, 3, 2), region.field(b, 3, 3)];
    for x in wide {
        assert_zero_if(b, flag, x);
    }

    e.b_index.add_if(b, flag, next);
    assert_zero_if(b, flag, c.b[account::KIND]);
    let unit = b.constant(F::from_canonical_u64(account::UNIT));
    e.b.add(b, account::KIND, flag, unit);
    let operator: [Target; 5] = c.fields.elements(b, 0);
    for (i, &element) in operator.iter().enumerate() {
        e.b.add(b, account::OWNER + i, flag, c.a[account::OWNER + i]);
        e.b.add(b, account::OPERATOR + i, flag, element);
    }
    let (gpu_class, vram, region) = (profile.lower(b), profile.upper(b), region.lower(b));
    e.b.add(b, account::GPU_CLASS, flag, gpu_class);
    e.b.add(b, account::VRAM, flag, vram);
    e.b.add(b, account::REGION, flag, region);
    e.b.add(b, account::OWNER_ACCOUNT, flag, c.fields.a);
    let one = b.one();
    e.account_created.add_if(b, flag, one);
}
