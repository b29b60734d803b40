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
    u64 mixed[WIDTH];
#pragma unroll
    for (int row = 0; row < WIDTH; row++) {
        u64 low = row == 0 ? (u64)(u32)state[0] * DIAGONAL_FIRST : 0;
        u64 high = row == 0 ? (state[0] >> 32) * DIAGONAL_FIRST : 0;
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            u64 x = state[(i + row) % WIDTH];
            low += (u64)(u32)x * CIRCULANT[i];
            high += (x >> 32) * CIRCULANT[i];
        }
        high += low >> 32;
        mixed[row] = gl::reduce_96(high << 32 | (u32)low, (u32)(high >> 32));
    }
#pragma unroll
    for (int i = 0; i < WIDTH; i++) state[i] = mixed[i];
}

__device__ __forceinline__ void full_rounds(u64* state, int first) {
#pragma unroll 1
    for (int round = first; round < first + 4; round++) {
#pragma unroll
        for (int i = 0; i < WIDTH; i++)
            state[i] = gl::seventh_power(gl::add_canonical(state[i], FULL[WIDTH * round + i]));
        mix(state);
    }
}

// The dense matrix before the partial rounds, column by column. The results are moved along while they come, so that the
// loop need not be unrolled and still has constant indices: unrolled, its constants overflow the registers.
__device__ __forceinline__ void enter_partial_rounds(u64* state) {
    u64 mixed[WIDTH] = {0};
#pragma unroll
    for (int i = 0; i < WIDTH; i++) state[i] = gl::add_canonical(state[i], PARTIAL_FIRST[i]);
#pragma unroll 1
    for (int column = 1; column < WIDTH; column++) {
        gl::Sum sum = {0, 0, 0};
#pragma unroll
        for (int row = 1; row < WIDTH; row++)
            gl::add_product(sum, state[row], PARTIAL_INITIAL[(WIDTH - 1) * (row - 1) + column - 1]);
#pragma unroll
        for (int i = 1; i < WIDTH - 1; i++) mixed[i] = mixed[i + 1];
        mixed[WIDTH - 1] = gl::reduce(sum);
    }
#pragma unroll
    for (int i = 1; i < WIDTH; i++) state[i] = mixed[i];
}

__device__ __forceinline__ void partial_rounds(u64* state) {
    enter_partial_rounds(state);
#pragma unroll 1
    for (int round = 0; round < 22; round++) {
        u64 first = gl::add_canonical(gl::seventh_power(state[0]), PARTIAL[round]);
        gl::Sum sum = {0, 0, 0};
        gl::add_product(sum, first, CIRCULANT[0] + DIAGONAL_FIRST);
#pragma unroll
        for (int i = 1; i < WIDTH; i++) {
            gl::add_product(sum, state[i], PARTIAL_ROWS[(WIDTH - 1) * round + i - 1]);
            state[i] = gl::mul_add(first, PARTIAL_COLUMNS[(WIDTH - 1) * round + i - 1], state[i]);
        }
        state[0] = gl::reduce(sum);
    }
}

// Permutes any words; the result is any words. Both halves of the full rounds run the same code: unrolled, it would be
// larger than the cache for instructions.
__device__ __forceinline__ void permute(u64* state) {
#pragma unroll 1
    for (int half = 0;; half++) {
        full_rounds(state, 4 * half);
        if (half == 1) break;
        partial_rounds(state);
    }
}

}  // namespace poseidon
