//! Field, extension and permutation against Plonky2's.
#![allow(unsafe_code)] // Launches.

mod common;

use common::{EDGES, Words, on_devices};
use janction_accel_cuda::{Device, F, File, Grid, Source, texts};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::ops::Square;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::poseidon::Poseidon;

on_devices!(arithmetic, long_sums, permutations, permutations_together);

const TEXT: &str = r#"
extern "C" __global__ void arithmetic(const u64* a, const u64* b, const u64* c, u64* out, u32 n) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    u64 x = a[i], y = b[i], z = c[i];
    ext::E e = ext::make(x, y), f = ext::make(y, z);
    ext::E product = ext::mul(e, f), square = ext::square(e), scaled = ext::scale_add(e, z, f);
    ext::E power = ext::power(e, z & 0xffff), difference = ext::sub(e, f);
    gl::Sum sum = gl::sum_of(z);
    for (int k = 0; k < 5; k++) gl::add_product(sum, x, y);
    u64 results[] = {gl::add(x, y), gl::add_canonical(x, gl::canonical(y)), gl::sub(x, y), gl::negate(x),
                     gl::mul(x, y), gl::square(x), gl::mul_add(x, y, z), gl::mul_2_48(x),
                     gl::reduce_128(x, y), gl::reduce_96(x, (u32)y), gl::seventh_power(x), gl::power(x, y),
                     gl::inverse(x), gl::reduce(sum), product.a, product.b, square.a, square.b,
                     scaled.a, scaled.b, power.a, power.b, difference.a, difference.b, ext::mul_7(x)};
    for (u32 k = 0; k < 25; k++) out[(u64)k * n + i] = gl::canonical(results[k]);
}
extern "C" __global__ void long_sum(const u64* a, u32 n, u64* out) {
    gl::Sum sum = gl::sum_of(0);
    for (u32 i = 0; i < n; i++) gl::add_product(sum, a[i], a[i]);
    out[0] = gl::canonical(gl::reduce(sum));
}
extern "C" __global__ void __launch_bounds__(128) permute_all(const u64* in, u64* out, u32 n) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    u64 state[12];
    for (int k = 0; k < 12; k++) state[k] = in[12 * i + k];
    poseidon::permute(state);
    for (int k = 0; k < 12; k++) out[12 * i + k] = gl::canonical(state[k]);
}
extern "C" __global__ void __launch_bounds__(128) permute_together(const u64* in, u64* out, u32 n) {
    u32 i = (blockIdx.x * blockDim.x + threadIdx.x) / 16, lane = threadIdx.x % 16;
    // What the last four lanes have, and states that are not there, does not matter.
    u64 x = poseidon::permute_together(lane < 12 && i < n ? in[12 * i + lane] : 0xabcdef0123456789ull * i);
    if (lane < 12 && i < n) out[12 * i + lane] = gl::canonical(x);
}
"#;

fn source() -> Source {
    Source::new("field-test")
        .with(texts::goldilocks())
        .with(texts::extension())
        .with(texts::poseidon_constants())
        .with(texts::poseidon())
        .with(texts::mma())
        .with(texts::poseidon_lanes())
        .with(File::new("test.cu", TEXT))
        .with_kernels(&["arithmetic", "long_sum", "permute_all", "permute_together"])
}

fn expected(x: u64, y: u64, z: u64) -> [u64; 25] {
    let wide = |low: u64, high: u64| F::from_noncanonical_u128((u128::from(high) << 64) + u128::from(low));
    let (a, b, c) = (F(x), F(y), F(z));
    let (e, f) = (QuadraticExtension([a, b]), QuadraticExtension([b, c]));
    let (product, square) = ((e * f).0, e.square().0);
    let scaled = (e * QuadraticExtension([c, F::ZERO]) + f).0;
    let (power, difference) = (e.exp_u64(z & 0xffff).0, (e - f).0);
    [
        a + b,
        a + b,
        a - b,
        -a,
        a * b,
        a * a,
        a * b + c,
        a * F(1 << 48),
        wide(x, y),
        wide(x, y & 0xffff_ffff),
        a.exp_u64(7),
        a.exp_u64(y),
        a.try_inverse().unwrap_or(F::ZERO),
        c + a * b * F(5),
        product[0],
        product[1],
        square[0],
        square[1],
        scaled[0],
        scaled[1],
        power[0],
        power[1],
        difference[0],
        difference[1],
        a * F(7),
    ]
    .map(|x| x.to_canonical_u64())
}

fn arithmetic(device: &Device) {
    let mut inputs: Vec<[u64; 3]> = Vec::new();
    for a in EDGES {
        for b in EDGES {
            inputs.extend(EDGES.map(|c| [a, b, c]));
        }
    }
    let mut words = Words(7);
    inputs.extend((0..2000).map(|_| [words.next(), words.next(), words.next()]));
    let n = inputs.len();
    let module = device.compile(&source()).unwrap();
    let [a, b, c] =
        [0, 1, 2].map(|k| device.upload(&inputs.iter().map(|i| i[k]).collect::<Vec<_>>()).unwrap());
    let out = device.allocate::<u64>(25 * n).unwrap();
    let arguments = [(&a).into(), (&b).into(), (&c).into(), (&out).into(), (n as u32).into()];
    // SAFETY: the kernel's arguments, n elements in each.
    unsafe { device.launch(&module, "arithmetic", Grid::over(n, 128).unwrap(), &arguments) }.unwrap();
    let out = device.read(out.all()).unwrap();
    for (i, input) in inputs.iter().enumerate() {
        let got: [u64; 25] = std::array::from_fn(|k| out[k * n + i]);
        assert_eq!(got, expected(input[0], input[1], input[2]), "{input:x?}");
    }
}

fn long_sums(device: &Device) {
    let module = device.compile(&source()).unwrap();
    for word in [u64::MAX, common::P - 1, 1 << 63] {
        let words = vec![word; 1000];
        let (words_there, out) = (device.upload(&words).unwrap(), device.allocate::<u64>(1).unwrap());
        let arguments = [(&words_there).into(), 1000u32.into(), (&out).into()];
        // SAFETY: 1000 elements, one result.
        unsafe { device.launch(&module, "long_sum", Grid { blocks: (1, 1, 1), threads: 1 }, &arguments) }
            .unwrap();
        let expected = F(word) * F(word) * F(1000);
        assert_eq!(device.read(out.all()).unwrap(), [expected.to_canonical_u64()]);
    }
}

fn permutations(device: &Device) {
    check_permutations(device, "permute_all", 1);
}

/// By 16 lanes each.
fn permutations_together(device: &Device) {
    check_permutations(device, "permute_together", 16);
}

fn check_permutations(device: &Device, kernel: &str, threads: usize) {
    let mut states: Vec<[u64; 12]> = EDGES.map(|x| [x; 12]).to_vec();
    states.extend((0..16).map(|r| std::array::from_fn(|i| EDGES[(r + i) % 16])));
    let mut words = Words(3);
    states.extend((0..501).map(|_| std::array::from_fn(|_| words.next())));
    let module = device.compile(&source()).unwrap();
    let (n, flat) = (states.len(), states.concat());
    let (there, out) = (device.upload(&flat).unwrap(), device.allocate::<u64>(flat.len()).unwrap());
    let arguments = [(&there).into(), (&out).into(), (n as u32).into()];
    // SAFETY: the kernel's arguments, n states in each.
    unsafe { device.launch(&module, kernel, Grid::over(threads * n, 128).unwrap(), &arguments) }.unwrap();
    let got = device.read(out.all()).unwrap();
    for (state, got) in states.iter().zip(got.chunks_exact(12)) {
        assert_eq!(got, F::poseidon(state.map(F)).map(|x| x.to_canonical_u64()), "{state:x?}");
    }
}
