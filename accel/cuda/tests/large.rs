//! Sizes that the CPU's device takes too long for: on a card (`make test-gpu`), and on the host when asked for by name.

mod common;

use common::Words;
use janction_accel_cpu::{Backend, Columns, MerkleTree as CpuTree, ntt as cpu};
use janction_accel_cuda::{Device, F, Matrix, MerkleTree, ntt};
use plonky2::field::types::Field;

fn random(rows: usize, columns: usize) -> Columns {
    let mut words = Words((rows + columns) as u64);
    let columns: Vec<Vec<F>> =
        (0..columns).map(|_| words.canonical(rows).into_iter().map(F).collect()).collect();
    Columns::from_columns(&columns).expect("columns of one length")
}

fn same(device: &Device, got: &Matrix, expected: &Columns) {
    for (i, column) in expected.iter().enumerate() {
        assert!(got.view().read_column(device, i).expect("a column") == column, "column {i}");
    }
}

fn transforms(device: &Device, log2: usize, columns: usize, rate_bits: usize) {
    let backend = Backend::current().expect("a backend");
    let input = random(1 << log2, columns);
    let there =
        Matrix::upload(device, 1 << log2, input.iter().collect::<Vec<_>>().into_iter()).expect("memory");
    let result = Matrix::allocate(device, 1 << log2, columns).expect("memory");
    ntt::interpolate(device, there.view(), result.view()).expect("a transform");
    same(device, &result, &cpu::interpolate(backend, &input).expect("a transform"));
    drop(result);
    let result = Matrix::allocate(device, 1 << (log2 + rate_bits), columns).expect("memory");
    ntt::extend(device, there.view(), rate_bits, F::coset_shift(), result.view()).expect("a transform");
    same(
        device,
        &result,
        &cpu::coset_lde(backend, &input, rate_bits, F::coset_shift()).expect("a transform"),
    );
}

/// Beyond 2^22 a transform takes three passes.
#[test]
#[ignore = "takes half a minute; for changes to the passes"]
fn three_passes_on_the_host() {
    transforms(&common::host(), 23, 1, 0);
}

#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_transforms() {
    for (log2, columns, rate_bits) in
        [(16, 20, 3), (18, 5, 3), (20, 3, 3), (21, 1, 1), (22, 1, 1), (23, 1, 1)]
    {
        transforms(&common::card(), log2, columns, rate_bits);
    }
}

#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_trees() {
    let (device, backend) = (&common::card(), Backend::current().expect("a backend"));
    for (log2, columns) in [(16, 135), (18, 20), (20, 9)] {
        let leaves = random(1 << log2, columns);
        let there =
            Matrix::upload(device, 1 << log2, leaves.iter().collect::<Vec<_>>().into_iter()).expect("memory");
        let tree = MerkleTree::of_rows(device, there.view(), 4).expect("a tree");
        let expected = CpuTree::of_columns(backend, &leaves, 4).expect("a tree");
        assert_eq!(tree.cap(device).expect("a cap"), expected.cap());
        let indices: Vec<u32> = (0..100).map(|i| i * 655).collect();
        for (i, path) in indices.iter().zip(tree.paths(device, &indices).expect("paths")) {
            assert_eq!(path, expected.prove(*i as usize).siblings);
        }
    }
}

/// Several streams of a card at once give what they give alone.
#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_streams_side_by_side() {
    let device = common::card();
    let leaves = random(1 << 14, 135);
    let alone =
        Matrix::upload(&device, 1 << 14, leaves.iter().collect::<Vec<_>>().into_iter()).expect("memory");
    let expected =
        MerkleTree::of_rows(&device, alone.view(), 0).and_then(|tree| tree.cap(&device)).expect("a cap");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let own = device.fork().expect("a stream");
            let (leaves, expected) = (&leaves, &expected);
            scope.spawn(move || {
                for _ in 0..20 {
                    let columns: Vec<&[F]> = leaves.iter().collect();
                    let there = Matrix::upload(&own, 1 << 14, columns.into_iter()).expect("memory");
                    let tree = MerkleTree::of_rows(&own, there.view(), 0).expect("a tree");
                    assert_eq!(&tree.cap(&own).expect("a cap"), expected);
                }
            });
        }
    });
}

/// Uploads that go by way of page-locked memory: in several pieces and with a rest, many small ones whose source is gone
/// at once, and on one stream after the other.
#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_large_uploads() {
    let device = common::card();
    let bytes: Vec<u8> = (0..(83usize << 20) + 5).map(|i| (i % 251) as u8).collect();
    for length in [(1 << 20) - 1, 1 << 20, 16 << 20, (16 << 20) + 1, bytes.len()] {
        let there = device.upload(&bytes[..length]).expect("memory");
        assert!(device.read(there.all()).expect("a copy") == bytes[..length]);
    }
    for _ in 0..3 {
        let device = device.fork().expect("a stream");
        let source = |i: usize| vec![i as u32; 1000 * (i % 300)];
        let there: Vec<_> = (0..300).map(|i| device.upload(&source(i)).expect("memory")).collect();
        for (i, there) in there.iter().enumerate() {
            assert!(device.read(there.all()).expect("a copy") == source(i));
        }
    }
}
