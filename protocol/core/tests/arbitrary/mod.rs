//! Strategies for every kind of transaction, every field over its whole range.

use janction_protocol::state::Key;
use janction_protocol::transaction::*;
use janction_protocol::{Address, Amount, Digest, F};
use plonky2::field::types::{Field, Field64};
use proptest::prelude::*;

pub fn element() -> impl Strategy<Value = F> {
    prop_oneof![
        4 => 0..F::ORDER,
        1 => Just(F::ORDER - 1),
        1 => Just(0),
        1 => Just(u64::from(u32::MAX)),
    ]
    .prop_map(F::from_canonical_u64)
}

pub fn digest() -> impl Strategy<Value = Digest> {
    [element(), element(), element(), element()].prop_map(Digest)
}

pub fn key() -> impl Strategy<Value = Key> {
    [element(), element(), element(), element(), element()].prop_map(Key)
}

fn bits(n: u32) -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..1u64 << n, 1 => Just((1 << n) - 1), 1 => Just(0)]
}

fn u24() -> impl Strategy<Value = u32> {
    bits(24).prop_map(|x| x as u32)
}

fn amount(n: u32) -> impl Strategy<Value = Amount> {
    bits(n).prop_map(|x| Amount::new(x).unwrap())
}

fn limbs4() -> impl Strategy<Value = [u64; 4]> {
    [bits(56), bits(56), bits(56), bits(56)]
}

pub fn l2_transaction() -> impl Strategy<Value = Transaction> {
    let fee = || amount(48);
    prop_oneof![
        (fee(), u24(), u24(), amount(62)).prop_map(|(fee, from, to, value)| Transfer {
            fee,
            from,
            to,
            value
        }
        .into()),
        (fee(), u24(), amount(62), any::<[u8; 20]>()).prop_map(|(fee, account, value, a)| {
            Withdraw { fee, account, value, address: Address(a) }.into()
        }),
        (fee(), u24(), key(), any::<u16>(), u24(), any::<u8>()).prop_map(
            |(fee, wallet, operator, gpu_class, vram, region)| {
                Register { fee, wallet, operator, gpu_class, vram, region }.into()
            }
        ),
        (fee(), u24(), amount(62)).prop_map(|(fee, unit, value)| Stake { fee, unit, value }.into()),
        (fee(), u24(), amount(62)).prop_map(|(fee, unit, value)| Unstake { fee, unit, value }.into()),
        (
            (fee(), u24(), amount(62), digest(), digest(), digest()),
            (u24(), any::<u16>(), u24(), any::<u8>(), u24(), amount(56), u24(), amount(48)),
            [u24(), u24(), u24(), u24(), u24()],
        )
            .prop_map(
                |(
                    (fee, developer, budget, program, audit_key, input_root),
                    (input_rows, gpu_class, vram, region, reputation, stake, policy, job_fee),
                    [bid_window, reveal_window, submit_window, proving_window, beacon_window],
                )| PostJob {
                    fee,
                    developer,
                    budget,
                    program,
                    audit_key,
                    input_root,
                    input_rows,
                    gpu_class,
                    vram,
                    region,
                    reputation,
                    stake,
                    policy,
                    job_fee,
                    bid_window,
                    reveal_window,
                    submit_window,
                    proving_window,
                    beacon_window,
                }
                .into()
            ),
        (fee(), u24(), u24(), digest())
            .prop_map(|(fee, unit, job, seal)| SealBid { fee, unit, job, seal }.into()),
        (fee(), u24(), u24(), amount(62), limbs4()).prop_map(|(fee, unit, job, price, salt)| RevealBid {
            fee,
            unit,
            job,
            price,
            salt
        }
        .into()),
        (fee(), u24(), u24()).prop_map(|(fee, unit, job)| Forfeit { fee, unit, job }.into()),
        (fee(), u24(), u24(), digest(), digest()).prop_map(|(fee, unit, job, trace_root, output_root)| {
            Submit { fee, unit, job, trace_root, output_root }.into()
        }),
        (fee(), u24(), amount(62), digest()).prop_map(|(fee, job, price, output_root)| Settle {
            fee,
            job,
            price,
            output_root
        }
        .into()),
        (fee(), u24()).prop_map(|(fee, job)| Expire { fee, job }.into()),
    ]
}

pub fn deposit() -> impl Strategy<Value = Transaction> {
    (u24(), key(), amount(62)).prop_map(|(hint, key, value)| Deposit { hint, key, value }.into())
}

pub fn record_beacon() -> impl Strategy<Value = Transaction> {
    (u24(), digest(), limbs4(), bits(39))
        .prop_map(|(job, trace_root, beacon, time)| RecordBeacon { job, trace_root, beacon, time }.into())
}
