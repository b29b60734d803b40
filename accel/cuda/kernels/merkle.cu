// Plonky2's Merkle trees over Poseidon, one thread a digest. Digests are four words, one after the other.
//
// A leaf of more than four elements is absorbed by a sponge in overwrite mode, eight elements a permutation, without
// padding; a leaf of at most four is its own digest, filled up with zeros.

namespace merkle {

using poseidon::DIGEST;
using poseidon::RATE;
using poseidon::WIDTH;

template <typename Load>
__device__ __forceinline__ void hash(u32 length, Load load, u64* digest) {
    u64 state[WIDTH];
#pragma unroll
    for (int k = 0; k < WIDTH; k++) state[k] = 0;
    if (length <= DIGEST) {
#pragma unroll
        for (int k = 0; k < DIGEST; k++)
            if (k < length) state[k] = load(k);
    } else {
#pragma unroll 1
        for (u32 begin = 0; begin < length; begin += RATE) {
#pragma unroll
            for (int k = 0; k < RATE; k++)
                if (begin + k < length) state[k] = load(begin + k);
            poseidon::permute(state);
        }
    }
#pragma unroll
    for (int k = 0; k < DIGEST; k++) digest[k] = gl::canonical(state[k]);
}

}  // namespace merkle

// Leaf i is row i of `columns` columns.
extern "C" __global__ void __launch_bounds__(128) hash_rows(const u64* matrix, u64 stride, u32 columns, u32 rows,
                                                               u64* digests) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    const u64* at = matrix + row;
    merkle::hash(columns, [=](u32 k) { return at[k * stride]; }, digests + 4 * (u64)row);
}

// Leaf i is the elements i * 2^log2.. of an extension column, as pairs of its components' columns.
extern "C" __global__ void __launch_bounds__(128) hash_pairs(const u64* a, const u64* b, u32 log2, u32 leaves,
                                                                u64* digests) {
    u32 leaf = blockIdx.x * blockDim.x + threadIdx.x;
    if (leaf >= leaves) return;
    u64 first = (u64)leaf << log2;
    const u64 *as = a + first, *bs = b + first;
    merkle::hash(
        2u << log2,
        [=](u32 k) {
            // Not (c ? x : y)[i]: GCC 12 with its sanitiser computes such an i in one branch only.
            const u64* column = k & 1 ? bs : as;
            return column[k >> 1];
        },
        digests + 4 * (u64)leaf);
}

// Parents of neighbouring digests.
extern "C" __global__ void __launch_bounds__(128) hash_nodes(const u64* children, u32 parents, u64* digests) {
    u32 parent = blockIdx.x * blockDim.x + threadIdx.x;
    if (parent >= parents) return;
    const u64* at = children + 8 * (u64)parent;
    merkle::hash(8, [=](u32 k) { return at[k]; }, digests + 4 * (u64)parent);
}

// The siblings on the way from each of `count` leaves up, `height` each. Level h of the tree over 2^log2 leaves begins
// at digest 2 (2^log2 - 2^(log2 - h)).
extern "C" __global__ void __launch_bounds__(128) gather_paths(const u64* digests, u32 log2, u32 height,
                                                               const u32* leaves, u32 count, u64* siblings) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count * height) return;
    u32 h = i % height;
    u64 all = 1ull << log2, begin = 2 * (all - (all >> h));
    u64 sibling = begin + ((leaves[i / height] >> h) ^ 1);
    for (int k = 0; k < 4; k++) siblings[4 * (u64)i + k] = digests[4 * sibling + k];
}

// Rows of a matrix, one after the other.
extern "C" __global__ void __launch_bounds__(128) gather_rows(const u64* matrix, u64 stride, u32 columns,
                                                              const u32* rows, u32 count, u64* gathered) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count * columns) return;
    gathered[i] = matrix[(i % columns) * stride + rows[i / columns]];
}

// The lowest nonce of first + 0.. with which the permuted state's last element of the rate begins with `bits` zeros.
// `lowest` holds it, or what it held if there is none.
extern "C" __global__ void __launch_bounds__(128) grind(const u64* state, u32 position, u32 bits, u64 first,
                                                           u64* lowest) {
    u64 nonce = first + blockIdx.x * (u64)blockDim.x + threadIdx.x;
    u64 permuted[poseidon::WIDTH];
#pragma unroll
    for (int k = 0; k < poseidon::WIDTH; k++) permuted[k] = k == position ? nonce : state[k];
    poseidon::permute(permuted);
    u64 response = gl::canonical(permuted[poseidon::RATE - 1]);
    if (bits == 0 || response >> (64 - bits) == 0) atomicMin(lowest, nonce);
}
