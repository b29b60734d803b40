// Plonky2's Poseidon permutation of 12 lanes: 4 full rounds, 22 partial, 4 full; x^7; the MDS matrix is the circulant
// of MDS_CIRCULANT plus the diagonal MDS_DIAGONAL. The constants ROUND_CONSTANTS, MDS_CIRCULANT and MDS_DIAGONAL are
// written above this text from Plonky2's own when it is compiled.

#define WIDTH 12
#define RATE 8

__device__ u64 seventh_power(u64 x) {
    u64 x2 = multiply(x, x);
    return multiply(multiply(x2, x2), multiply(x2, x));
}

__device__ void mix(u64* state) {
    u64 mixed[WIDTH];
#pragma unroll
    for (int row = 0; row < WIDTH; row++) {
        // Entries sum to less than 2^9, so both sums of 32-bit halves stay below 2^41.
        u64 low = (state[row] & EPSILON) * MDS_DIAGONAL[row];
        u64 high = (state[row] >> 32) * MDS_DIAGONAL[row];
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            u64 x = state[(i + row) % WIDTH];
            low += (x & EPSILON) * MDS_CIRCULANT[i];
            high += (x >> 32) * MDS_CIRCULANT[i];
        }
        u64 lo = low + (high << 32);
        mixed[row] = reduce_96(lo, (u32)(high >> 32) + (lo < low ? 1 : 0));
    }
#pragma unroll
    for (int i = 0; i < WIDTH; i++) state[i] = mixed[i];
}

__device__ void permute(u64* state) {
    for (int round = 0; round < 30; round++) {
#pragma unroll
        for (int i = 0; i < WIDTH; i++) state[i] = add(state[i], ROUND_CONSTANTS[WIDTH * round + i]);
        if (round < 4 || round >= 26) {
#pragma unroll
            for (int i = 0; i < WIDTH; i++) state[i] = seventh_power(state[i]);
        } else {
            state[0] = seventh_power(state[0]);
        }
        mix(state);
    }
}
