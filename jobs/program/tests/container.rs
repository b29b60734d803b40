//! The job binary: golden bytes, round trips, and bytes that are none.

use janction_program::{
    Cells, DType, DecodeError, PerColumn, Program, Requantise, Tensor,
    builder::{Builder, MatMulOptions},
    commitment::Scheme,
    container::{decode, encode},
    test_utils::{random_program, with_random_scheme},
};
use proptest::prelude::*;

/// A program with every feature of the format.
fn small() -> Program {
    let mut b = Builder::new("small", 3);
    let x = b.input("x", DType::U8, &[2, 2]);
    let flat = b.reshape("flat", x, &[4]);
    let w = b.constant("w", Tensor::new(4, 2, Cells::I8(vec![1, -2, 3, -4, 5, -6, 7, -128])).unwrap());
    let bias = b.constant("b", Tensor::new(1, 2, Cells::I32(vec![-300, 70_000])).unwrap());
    let each = PerColumn::Each(vec![Requantise::new(1 << 30, 36), Requantise::new(3, 11)]);
    b.matmul("y", flat, w, DType::I8, MatMulOptions::new(each).bias(bias).zeros(7, -3).relu());
    b.build().unwrap()
}

/// The format is consensus: a digest names a program for ever. This changes only with a new version.
#[test]
fn golden() {
    let bytes = encode(&small());
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, include_str!("golden/small.hex").trim());
    assert_eq!(small().digest().to_string(), GOLDEN_DIGEST);
}

const GOLDEN_DIGEST: &str = "0xd9cee7fce028b0b21c2a1baf3cdab2e2cd9074b23ed5c2bf02dda0f5b273fc5e";

#[test]
fn round_trip() {
    assert_eq!(decode(&encode(&small())).unwrap(), small());
}

/// Everything is under the digest, so no bit can change unnoticed.
#[test]
fn every_flipped_bit_is_found() {
    let bytes = encode(&small());
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_and_extension_is_found() {
    let bytes = encode(&small());
    for end in 0..bytes.len() {
        let error = decode(&bytes[..end]).unwrap_err();
        assert!(matches!(error, DecodeError::Magic | DecodeError::Truncated { .. }), "{end}: {error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(decode(&longer), Err(DecodeError::Trailing { offset: bytes.len(), count: 1 }));
}

#[test]
fn header_errors_say_what_to_do() {
    let with = |offset: usize, byte: u8| {
        let mut bytes = encode(&small());
        bytes[offset] = byte;
        decode(&bytes).unwrap_err().to_string()
    };
    assert_eq!(decode(b"not one").unwrap_err(), DecodeError::Magic);
    assert!(with(9, 2).contains("this build reads version 1"));
    assert!(with(10, 2).contains("kind 2 is reserved"));
    assert!(with(11, 3).contains("commitment scheme 3 is not known"));
    assert!(with(11, 0).contains("commitment scheme 0 is not known"));
    let last = encode(&small()).len() - 1;
    assert!(with(last, 1).contains("its content hashes to"));
}

/// Blocks of more rows than a job may have are refused before anything is computed from their size.
#[test]
fn blocks_that_are_too_large_are_refused() {
    let program = small().with_scheme(Scheme::Sketch { block_bits: 2 }).unwrap();
    let bytes = encode(&program);
    assert_eq!(decode(&bytes).unwrap(), program);
    // Behind the header: the name with its length, and the depth.
    let place = 12 + 32 + 4 + 1 + "small".len() + 1;
    assert_eq!(bytes[place], 2);
    for bits in [4, 11, 63, 64, 255] {
        let mut forged = bytes.clone();
        forged[place] = bits;
        let error = decode(&forged).unwrap_err().to_string();
        assert!(error.contains("log2 of the rows in a block"), "{bits}: {error}");
    }
    // Of another number of rows it is another program.
    let mut forged = bytes.clone();
    forged[place] = 3;
    assert!(decode(&forged).unwrap_err().to_string().contains("its content hashes to"));
}

/// A huge count must fail before anything of that size is allocated.
#[test]
fn counts_are_checked_before_use() {
    let bytes = encode(&small());
    for offset in 12 + 32..bytes.len() - 4 {
        let mut forged = bytes.clone();
        forged[offset..offset + 4].copy_from_slice(&[0xff; 4]);
        assert!(decode(&forged).is_err(), "offset {offset}");
    }
}

proptest! {
    #[test]
    fn random_programs_round_trip(seed: u64) {
        let program = with_random_scheme(random_program(seed), seed);
        prop_assert_eq!(decode(&encode(&program)).unwrap(), program);
    }

    #[test]
    fn random_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decode(&tail).is_err());
        // Past the header, where the parsing is.
        let header = [&encode(&small())[..44], &tail].concat();
        prop_assert!(decode(&header).is_err());
    }

    #[test]
    fn random_damage_is_found(seed: u64, at: prop::sample::Index, to: Vec<u8>) {
        let bytes = encode(&random_program(seed));
        let at = at.index(bytes.len());
        let end = (at + to.len()).min(bytes.len());
        let mut damaged = bytes.clone();
        damaged[at..end].copy_from_slice(&to[..end - at]);
        prop_assert_eq!(decode(&damaged).is_ok(), damaged == bytes);
    }
}
