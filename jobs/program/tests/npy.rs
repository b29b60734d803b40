//! NumPy files: those that NumPy wrote, round trips, and files that are none.

use janction_program::{
    Cells, DType, Tensor,
    npy::{NpyError, decode, encode},
    test_utils::Random,
};
use proptest::prelude::*;

const IMAGES: &[u8] = include_bytes!("../../../examples/digits/held_out_images.npy");
const LOGITS: &[u8] = include_bytes!("../../../examples/digits/mlp_64_32_10.logits.npy");

#[test]
fn reads_and_writes_as_numpy_does() {
    let images = decode(IMAGES).unwrap();
    assert_eq!((images.rows(), images.columns(), images.dtype()), (360, 64, DType::U8));
    assert_eq!(encode(&images), IMAGES);
    let logits = decode(LOGITS).unwrap();
    assert_eq!((logits.rows(), logits.columns(), logits.dtype()), (360, 10, DType::I8));
    assert_eq!(encode(&logits), LOGITS);
}

/// A file with this header text and two bytes of data.
fn file(header: &str) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend([7, 9]);
    bytes
}

#[test]
fn shapes_of_items_become_rows() {
    let tensor = decode(&file("{'shape': (1, 2, 1), 'fortran_order': False, 'descr': '<u1'}")).unwrap();
    assert_eq!((tensor.rows(), tensor.cells()), (1, &Cells::U8(vec![7, 9])));
}

#[test]
fn what_is_no_tensor_says_why() {
    let with = |header: &str| decode(&file(header)).unwrap_err().to_string();
    assert_eq!(decode(b"PK\x03\x04"), Err(NpyError::Magic));
    assert_eq!(decode(b"\x93NUMPY\x03\x00aaaa"), Err(NpyError::Version { major: 3, minor: 0 }));
    let cases = [
        (with("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }"), "the array's type is <f8"),
        (with("{'descr': '>i4', 'fortran_order': False, 'shape': (1, 2), }"), "the array's type is >i4"),
        (with("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1, 2), }"), "corrupt .npy header"),
        (with("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2), }"), "the array is in Fortran order"),
        (with("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }"), "the array has 1 dimensions"),
        (with("{'descr': '|u1', 'fortran_order': False, 'shape': (), }"), "the array has 0 dimensions"),
        (
            with("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3), }"),
            "the .npy file should have 3 bytes",
        ),
        (
            with("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2), }"),
            "corrupt .npy header: a dimension",
        ),
        (
            with("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 99999999999), }"),
            "the .npy file",
        ),
        (with("{'descr': '|u1', 'fortran_order': False}"), "corrupt .npy header: descr"),
        (decode(&IMAGES[..100]).unwrap_err().to_string(), "corrupt .npy header: it is cut short"),
        (decode(&IMAGES[..1000]).unwrap_err().to_string(), "the .npy file should have 23040 bytes"),
    ];
    for (got, expected) in cases {
        assert!(got.starts_with(expected), "got {got:?}, expected {expected:?}");
    }
    let none = encode(&Tensor::new(1, 1, Cells::U8(vec![0])).unwrap());
    let none = String::from_utf8_lossy(&none[10..]).replace("(1, 1)", "(0, 1)");
    let header = none.trim_end_matches('\0');
    let mut bytes = file(header);
    bytes.truncate(bytes.len() - 2);
    assert!(matches!(decode(&bytes), Err(NpyError::Tensor(_))));
}

proptest! {
    #[test]
    fn round_trip(seed: u64, rows in 1usize..20, columns in 1usize..20, code in 1u8..=3) {
        let tensor = Random::new(seed).tensor(DType::from_code(code).unwrap(), rows, columns);
        prop_assert_eq!(decode(&encode(&tensor)).unwrap(), tensor);
    }

    #[test]
    fn damage_never_panics(at: prop::sample::Index, byte: u8, end in 0..200usize) {
        let mut bytes = IMAGES[..end].to_vec();
        if end > 0 {
            bytes[at.index(end)] = byte;
        }
        let _ = decode(&bytes);
    }
}
