// The permutation by 16 lanes of a warp, for hashes that are few or that somebody waits for: it takes a fraction of the time that
// one thread takes, and about twice its instructions.
//
// Lane l of a half of a warp has element l. Lanes from 12 on have anything: nobody reads it, and their constants are zero.
// Constants are Plonky2's, arranged by lanes, 16 a line, and lie in memory: each lane reads another one.

namespace poseidon {

static const u32 LANES = 16;

// The matrix of the full rounds, as `mix`.
__device__ __forceinline__ u64 mix_together(u64 x, u32 lane) {
    u64 state[WIDTH];
    warp::circle(state, x, lane < WIDTH ? lane : 0);
    u64 low = 0, high = 0;
#pragma unroll
    for (int i = 0; i < WIDTH; i++) {
        u32 entry = CIRCULANT[i] + (i == 0 && lane == 0 ? DIAGONAL_FIRST : 0);
        low += (u64)(u32)state[i] * entry;
        high += (state[i] >> 32) * entry;
    }
    high += low >> 32;
    return gl::reduce_96(high << 32 | (u32)low, (u32)(high >> 32));
}

// Permutes any words; the result is any words. All lanes of the warp must call together.
__device__ __forceinline__ u64 permute_together(u64 x) {
    u32 lane = threadIdx.x % LANES;
#pragma unroll 1
    for (int half = 0;; half++) {
#pragma unroll 1
        for (int round = 4 * half; round < 4 * half + 4; round++)
            x = mix_together(gl::seventh_power(gl::add_canonical(x, LANES_FULL[LANES * round + lane])), lane);
        if (half == 1) return x;
        // The dense matrix before the partial rounds; its first row and column are those of the identity.
        u64 state[WIDTH];
        warp::circle(state, gl::add_canonical(x, LANES_FIRST[lane]), 0);
        gl::Sum sum = {0, 0, 0};
#pragma unroll
        for (int row = 0; row < WIDTH; row++) gl::add_product(sum, state[row], LANES_INITIAL[LANES * row + lane]);
        x = gl::reduce(sum);
#pragma unroll 1
        for (int round = 0; round < 22; round++) {
            u64 others = warp::half_sum(gl::mul(x, LANES_ROWS[LANES * round + lane]));
            u64 first[1];
            warp::circle(first, gl::add_canonical(gl::seventh_power(x), PARTIAL[round]), 0);
            x = gl::mul_add(first[0], LANES_COLUMNS[LANES * round + lane], lane == 0 ? others : x);
        }
    }
}

}  // namespace poseidon
