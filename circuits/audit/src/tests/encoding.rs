//! The form of an audit proof in bytes.

use std::sync::LazyLock;

use janction_aggregate::{NODE_INPUTS, NodeShape};
use janction_gadgets::F;
use janction_protocol::hash::{hash, tag};
use plonky2::field::types::{Field, Field64};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::world::WORLD;
use crate::{AuditError, AuditNode, AuditProof, ProofBytesError};

static SHAPE: LazyLock<NodeShape> = LazyLock::new(|| NodeShape::find().unwrap());

/// Magic, version, kind and end.
const HEADER: usize = 15;
/// Where Plonky2's encoding begins: behind two digests and the key's 17.
const PROOF: usize = HEADER + 19 * 32;

/// The bytes of an audit whose every element is its own number.
fn numbered() -> Vec<u8> {
    let mut bytes = b"JNCAUDIT\x00\x01\x01\x00\x00\x01\x68".to_vec();
    for i in 0..76u64 {
        bytes.extend(i.to_be_bytes());
    }
    let mut next = 0u64;
    let mut elements = |bytes: &mut Vec<u8>, count: usize| {
        for _ in 0..count {
            next += 1;
            bytes.extend(next.to_le_bytes());
        }
    };
    // Caps; openings of 85 constants and permutations, 135 wires, 3 * 10 of the permutation argument, 3 * 8 of the quotient,
    // and 3 at the next point; caps of three foldings.
    elements(&mut bytes, 3 * 64 + 2 * (85 + 135 + 30 + 24 + 3) + 3 * 64);
    for _ in 0..32 {
        for width in [85, 135, 30, 24] {
            elements(&mut bytes, width);
            bytes.push(13);
            elements(&mut bytes, 4 * 13);
        }
        for nodes in [9u8, 5, 1] {
            elements(&mut bytes, 2 * 16);
            bytes.push(nodes);
            elements(&mut bytes, 4 * usize::from(nodes));
        }
    }
    // Final polynomial and proof of work.
    elements(&mut bytes, 2 * 4 + 1);
    bytes.extend((NODE_INPUTS as u64).to_le_bytes());
    elements(&mut bytes, NODE_INPUTS);
    bytes
}

/// Golden: a change is a new version of the format.
#[test]
fn the_form_is_fixed() {
    let bytes = numbered();
    assert_eq!((bytes.len(), AuditProof::length(&SHAPE)), (LENGTH, LENGTH));
    let audit = AuditProof::from_bytes(&SHAPE, &bytes).unwrap();
    assert_eq!(audit.to_bytes(), bytes);
    assert_eq!(audit.end, 360);
    let element = |i: u64| F::from_canonical_u64(i);
    assert_eq!([audit.checked.0, audit.folds.0], [[0, 1, 2, 3], [4, 5, 6, 7]].map(|d| d.map(element)));
    assert_eq!(audit.audit_key.circuit_digest.elements, [8, 9, 10, 11].map(element));
    assert_eq!(audit.audit_key.constants_sigmas_cap.0[15].elements, [72, 73, 74, 75].map(element));
    let AuditNode::Gathered(proof) = &audit.node else { panic!("the kind is 1") };
    assert_eq!(proof.proof.wires_cap.0[0].elements, [1, 2, 3, 4].map(element));
    let last = proof.public_inputs[NODE_INPUTS - 1];
    assert_eq!(proof.public_inputs.len(), NODE_INPUTS);
    assert_eq!(proof.public_inputs[0], last - F::from_canonical_usize(NODE_INPUTS - 1));
    assert_eq!(proof.proof.opening_proof.pow_witness, last - F::from_canonical_usize(NODE_INPUTS));
    let words: Vec<F> = bytes.iter().map(|&byte| F::from_canonical_u8(byte)).collect();
    assert_eq!(hash(tag::CLAIM, &words).to_string(), DIGEST);
}

const LENGTH: usize = 171_855;
const DIGEST: &str = "0xe73d749695bd672c47b892d626b272800346a0a7b9b8138c16021fee87721777";

#[test]
fn other_bytes_are_refused() {
    let bytes = numbered();
    let refused = |bytes: &[u8]| match AuditProof::from_bytes(&SHAPE, bytes).unwrap_err() {
        AuditError::ProofBytes(error) => error,
        error => panic!("{error}"),
    };
    let changed = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        refused(&bytes)
    };
    assert_eq!(refused(b""), ProofBytesError::Magic);
    assert_eq!(changed(0, b"JNCTRACE"), ProofBytesError::Magic);
    assert_eq!(changed(8, &[0, 2]), ProofBytesError::Version { got: 2 });
    assert_eq!(refused(b"JNCAUDIT\x01\x00"), ProofBytesError::Version { got: 256 });
    assert_eq!(changed(10, &[2]), ProofBytesError::Kind { got: 2 });
    for length in [8, 9, 10, 14, HEADER, PROOF, LENGTH - 1] {
        assert_eq!(refused(&bytes[..length]), ProofBytesError::Length { expected: LENGTH, got: length });
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(refused(&longer), ProofBytesError::Length { expected: LENGTH, got: LENGTH + 1 });

    // Every element has one form; every count is the shape's.
    let order = F::ORDER;
    for i in 0..76 {
        let offset = HEADER + 8 * i;
        let digest = HEADER + 32 * (i / 4);
        assert_eq!(changed(offset, &order.to_be_bytes()), ProofBytesError::Element { offset: digest });
    }
    let first_path = PROOF + 8 * (192 + 554 + 192 + 85);
    for offset in [PROOF, PROOF + 8, first_path - 8, first_path + 1, LENGTH - 8, LENGTH - 8 * 14] {
        for wrong in [order, order + 1, u64::MAX] {
            assert_eq!(changed(offset, &wrong.to_le_bytes()), ProofBytesError::Element { offset });
        }
    }
    for got in [0, 12, 14, 255] {
        let error = ProofBytesError::Count { offset: first_path, expected: 13, got };
        assert_eq!(changed(first_path, &[got as u8]), error);
    }
    let offset = LENGTH - 8 * (NODE_INPUTS + 1);
    for got in [0, 11, 13, u64::MAX] {
        let error = ProofBytesError::Count { offset, expected: NODE_INPUTS as u64, got };
        assert_eq!(changed(offset, &got.to_le_bytes()), error);
    }
}

/// What is read is what was written, and nothing else can be read.
#[test]
fn audits_survive_the_wire() {
    let w = &*WORLD;
    let shape = w.wrapper.verifier().shape();
    for (audited, end) in [(&w.full, 4), (&w.drawn, 8)] {
        let audit = audited.proof(&audited.node, end);
        let bytes = audit.to_bytes();
        assert_eq!(bytes.len(), AuditProof::length(shape));
        let read = AuditProof::from_bytes(shape, &bytes).unwrap();
        assert_eq!(read, audit);
        read.verify(w.wrapper.verifier(), &audited.claim).unwrap();

        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(400) });
        let place = (0..bytes.len(), 1u8..);
        // Any changed byte is refused, at once or when it is verified.
        runner
            .run(&place, |(at, flip)| {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                match AuditProof::from_bytes(shape, &changed) {
                    Ok(read) => {
                        prop_assert_eq!(read.to_bytes(), changed);
                        prop_assert!(read.verify(w.wrapper.verifier(), &audited.claim).is_err());
                    }
                    Err(AuditError::ProofBytes(_)) => {}
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
                Ok(())
            })
            .unwrap();
        // Junk is refused; what can be read has one encoding.
        runner
            .run(&(place, proptest::collection::vec(any::<u8>(), 1..200)), |((at, _), junk)| {
                let mut changed = bytes.clone();
                let end = bytes.len().min(at + junk.len());
                changed[at..end].copy_from_slice(&junk[..end - at]);
                if let Ok(read) = AuditProof::from_bytes(shape, &changed) {
                    prop_assert_eq!(read.to_bytes(), changed);
                }
                let read = AuditProof::from_bytes(shape, &junk);
                prop_assert!(matches!(read, Err(AuditError::ProofBytes(_))));
                let read = AuditProof::from_bytes(shape, &bytes[..at]);
                prop_assert!(matches!(read, Err(AuditError::ProofBytes(_))));
                Ok(())
            })
            .unwrap();
    }
}
