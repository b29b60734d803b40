// Plonky2's Poseidon permutation of 12 elements: 4 full rounds, 22 partial, 4 full; x^7.
//
// Between the full rounds the matrix is taken in Plonky2's sparse form: one dense matrix, and for each partial round a
// row and a column. The constants are Plonky2's own, written above this text when it is compiled.

namespace poseidon {

static const int WIDTH = 12;
static const int RATE = 8;
static const int DIGEST = 4;

// The matrix of the full rounds: a circulant of small numbers, and a diagonal that is zero but for its first entry.
// Done on halves of 32 bits: entries sum to less than 2^9, so sums stay below 2^41.
__device__ __forceinline__ void mix(u64* state) {
    const u32 circulant[WIDTH] = {
        POSEIDON_CIRCULANT_0, POSEIDON_CIRCULANT_1, POSEIDON_CIRCULANT_2,  POSEIDON_CIRCULANT_3,
        POSEIDON_CIRCULANT_4, POSEIDON_CIRCULANT_5, POSEIDON_CIRCULANT_6,  POSEIDON_CIRCULANT_7,
        POSEIDON_CIRCULANT_8, POSEIDON_CIRCULANT_9, POSEIDON_CIRCULANT_10, POSEIDON_CIRCULANT_11};
    u64 mixed[WIDTH];
#pragma unroll
    for (int row = 0; row < WIDTH; row++) {
        u64 low = 0, high = 0;
        if (row == 0) {
            low = (u64)(u32)state[0] * POSEIDON_DIAGONAL_0;
            high = (state[0] >> 32) * POSEIDON_DIAGONAL_0;
        }
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            u64 x = state[(i + row) % WIDTH];
            low += (u64)(u32)x * circulant[i];
            high += (x >> 32) * circulant[i];
        }
        u64 sum = low + (high << 32);
        mixed[row] = gl::reduce_96(sum, (u32)(high >> 32) + (sum < low));
    }
#pragma unroll
    for (int i = 0; i < WIDTH; i++) state[i] = mixed[i];
}

__device__ __forceinline__ void full_rounds(u64* state, const u64* constants) {
#pragma unroll 1
    for (int round = 0; round < 4; round++) {
#pragma unroll
        for (int i = 0; i < WIDTH; i++)
            state[i] = gl::seventh_power(gl::add_canonical(state[i], constants[WIDTH * round + i]));
        mix(state);
    }
}

__device__ __forceinline__ void partial_rounds(u64* state) {
#pragma unroll
    for (int i = 0; i < WIDTH; i++) state[i] = gl::add_canonical(state[i], PARTIAL_FIRST[i]);
    u64 mixed[WIDTH];
#pragma unroll
    for (int column = 1; column < WIDTH; column++) {
        gl::Sum sum = {0, 0, 0};
#pragma unroll
        for (int row = 1; row < WIDTH; row++)
            gl::add_product(sum, state[row], PARTIAL_INITIAL[(WIDTH - 1) * (row - 1) + column - 1]);
        mixed[column] = gl::reduce(sum);
    }
#pragma unroll
    for (int i = 1; i < WIDTH; i++) state[i] = mixed[i];
#pragma unroll 1
    for (int round = 0; round < 22; round++) {
        u64 first = gl::add_canonical(gl::seventh_power(state[0]), PARTIAL[round]);
        gl::Sum sum = {0, 0, 0};
        gl::add_product(sum, first, POSEIDON_CIRCULANT_0 + POSEIDON_DIAGONAL_0);
#pragma unroll
        for (int i = 1; i < WIDTH; i++) {
            gl::add_product(sum, state[i], PARTIAL_ROWS[(WIDTH - 1) * round + i - 1]);
            state[i] = gl::mul_add(first, PARTIAL_COLUMNS[(WIDTH - 1) * round + i - 1], state[i]);
        }
        state[0] = gl::reduce(sum);
    }
}

// Permutes any words; the result is any words.
__device__ __forceinline__ void permute(u64* state) {
    full_rounds(state, FULL_FIRST);
    partial_rounds(state);
    full_rounds(state, FULL_LAST);
}

}  // namespace poseidon
