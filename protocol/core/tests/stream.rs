//! The stream: every kind round-trips, and no two byte strings mean the same batch.

mod arbitrary;

use arbitrary::{deposit, l2_transaction, record_beacon};
use janction_protocol::state::Key;
use janction_protocol::stream::{self, BLOCK_BYTES, Batch, Block, Header, Kind, StreamError};
use janction_protocol::transaction::*;
use janction_protocol::{Address, Amount, Digest, F};
use plonky2::field::types::{Field, Field64};
use proptest::prelude::*;

fn batch(l2: Vec<Transaction>, l1: Vec<Transaction>, beacons: Vec<Transaction>) -> Batch {
    let header = Header {
        batch: 7,
        time: 1_800_000_000,
        l2_blocks: l2.iter().map(|t| t.kind().blocks() as u32).sum(),
        fee_account: 3,
        l1_first: 10,
        l1_count: l1.len() as u16,
        beacon_first: 2,
        beacon_count: beacons.len() as u16,
        events: l2.iter().filter(|t| t.kind().is_event()).count() as u16,
    };
    Batch { header, transactions: l2.into_iter().chain(l1).chain(beacons).collect() }
}

fn bytes(batch: &Batch) -> Vec<u8> {
    let (l2, tail) = stream::encode(batch).unwrap();
    assert_eq!(tail.len(), 2 * BLOCK_BYTES * usize::from(batch.header.l1_count + batch.header.beacon_count));
    [l2, tail].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn streams_round_trip(
        l2 in prop::collection::vec(l2_transaction(), 0..6),
        l1 in prop::collection::vec(deposit(), 0..3),
        beacons in prop::collection::vec(record_beacon(), 0..3),
    ) {
        let batch = batch(l2, l1, beacons);
        prop_assert_eq!(stream::decode(&bytes(&batch)).unwrap(), batch);
    }

    /// Whatever bit is flipped, the result is refused or is another batch that encodes to exactly those bytes.
    #[test]
    fn no_two_streams_mean_the_same_batch(
        l2 in prop::collection::vec(l2_transaction(), 0..3),
        l1 in prop::collection::vec(deposit(), 0..2),
        beacons in prop::collection::vec(record_beacon(), 0..2),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let batch = batch(l2, l1, beacons);
        let mut flipped = bytes(&batch);
        let at = at.index(flipped.len());
        flipped[at] ^= 1u8 << bit;
        if let Ok(other) = stream::decode(&flipped) {
            prop_assert_ne!(&other, &batch);
            prop_assert_eq!(bytes(&other), flipped);
        }
    }

    #[test]
    fn streams_are_length_safe(
        l2 in prop::collection::vec(l2_transaction(), 0..3),
        l1 in prop::collection::vec(deposit(), 0..2),
        cut in any::<prop::sample::Index>(),
        extra in 1..200usize,
    ) {
        let whole = bytes(&batch(l2, l1, vec![]));
        prop_assert!(stream::decode(&whole[..cut.index(whole.len())]).is_err());
        let longer = [whole, vec![0; extra]].concat();
        prop_assert!(stream::decode(&longer).is_err());
    }

    #[test]
    fn any_bytes_decode_to_themselves_or_not_at_all(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(batch) = stream::decode(&noise) {
            prop_assert_eq!(bytes(&batch), noise);
        }
    }
}

#[test]
fn field_elements_must_be_canonical() {
    let transfer_of = |hi: u64, lo: u64| {
        let deposit: Transaction = Deposit { hint: 0, key: Key::ZERO, value: Amount::ZERO }.into();
        let mut raw = deposit.raw().unwrap();
        raw.payload[0] = hi;
        raw.payload[1] = lo;
        Transaction::from_raw(&raw)
    };
    let most = u64::from(u32::MAX);
    assert!(transfer_of(most, 0).is_ok(), "p - 1");
    assert_eq!(transfer_of(most, 1), Err(StreamError::NonCanonical { kind: Kind::Deposit }), "p");
    assert!(transfer_of(most - 1, most).is_ok());
}

#[test]
fn fields_that_do_not_fit_are_not_written() {
    let wide: [Transaction; 4] = [
        Transfer { fee: Amount::new(1 << 48).unwrap(), from: 1, to: 2, value: Amount::ZERO }.into(),
        Transfer { fee: Amount::ZERO, from: 1 << 24, to: 2, value: Amount::ZERO }.into(),
        Expire { fee: Amount::ZERO, job: 1 << 24 }.into(),
        RecordBeacon { job: 1, trace_root: Digest::ZERO, beacon: [0, 0, 0, 1 << 56], time: 0 }.into(),
    ];
    for transaction in wide {
        assert!(matches!(transaction.blocks(), Err(StreamError::TooWide { .. })), "{transaction:?}");
    }
}

#[test]
fn transactions_keep_to_their_sections() {
    let deposit: Transaction = Deposit { hint: 0, key: Key::ZERO, value: Amount::ZERO }.into();
    let mut wrong = batch(vec![deposit], vec![], vec![]);
    wrong.header.l2_blocks = 2;
    assert!(matches!(stream::encode(&wrong), Err(StreamError::Section { kind: Kind::Deposit, .. })));
    let expire: Transaction = Expire { fee: Amount::ZERO, job: 1 }.into();
    let mut events = batch(vec![expire], vec![], vec![]);
    events.header.events = 1;
    assert_eq!(stream::encode(&events), Err(StreamError::Events { expected: 1, got: 0 }));
}

/// The format is consensus with the contract: these bytes change only with a new version.
#[test]
fn golden() {
    let d = |i: u64| Digest([1, 2, 3, 4].map(|j| F::from_canonical_u64(F::ORDER - i * j)));
    let amount = |units| Amount::new(units).unwrap();
    let key = Key([1, 2, 3, 4, 5].map(|j| F::from_canonical_u64(j << 40 | j)));
    let address: Address = "0x0102030405060708090a0b0c0d0e0f1011121314".parse().unwrap();
    let (fee, value) = (amount(0x0000_0f0e_0d0c_0b0a & 0xffff_ffff_ffff), amount(0x0123_4567_89ab_cdef));
    let l2: Vec<Transaction> = vec![
        Transfer { fee, from: 0x010203, to: 0x040506, value }.into(),
        Withdraw { fee, account: 7, value, address }.into(),
        Register { fee, wallet: 8, operator: key, gpu_class: 90, vram: 81_559, region: 3 }.into(),
        Stake { fee, unit: 9, value }.into(),
        Unstake { fee, unit: 10, value }.into(),
        PostJob {
            fee,
            developer: 11,
            budget: value,
            program: d(1),
            audit_key: d(2),
            input_root: d(3),
            input_rows: 360,
            gpu_class: 80,
            vram: 1024,
            region: 2,
            reputation: 5,
            stake: amount(0x00fe_dcba_9876_5432),
            policy: 44,
            job_fee: amount(1_000_000),
            bid_window: 60,
            reveal_window: 61,
            submit_window: 62,
            proving_window: 63,
            beacon_window: 64,
        }
        .into(),
        SealBid { fee, unit: 12, job: 1, seal: d(4) }.into(),
        RevealBid { fee, unit: 12, job: 1, price: value, salt: [1, 2, 3, (1 << 56) - 1] }.into(),
        Forfeit { fee, unit: 13, job: 1 }.into(),
        Submit { fee, unit: 12, job: 1, trace_root: d(5), output_root: d(6) }.into(),
        Settle { fee, job: 1, price: value, output_root: d(6) }.into(),
        Expire { fee, job: 2 }.into(),
    ];
    let l1 = vec![Deposit { hint: 14, key, value }.into()];
    let beacon = [1 << 48, 2, 3, (1 << 56) - 1];
    let beacons = vec![RecordBeacon { job: 1, trace_root: d(5), beacon, time: 1_800_000_123 }.into()];
    let bytes = bytes(&batch(l2, l1, beacons));
    let mut text = String::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        let block: [u8; BLOCK_BYTES] = block.try_into().unwrap();
        let limbs = Block::from_bytes(&block).limbs().map(|limb| format!("{limb:014x}"));
        text += &format!("{}\n", limbs.join(" "));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/stream.txt");
    if std::env::var_os("JANCTION_REGENERATE_GOLDEN").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}
