// The constraints of a point, gathered by powers of the challenges α.
//
// All tables are columns of `n` values: a column of wires starts `n` values after the one before it. A thread does one
// point. Points lie in bit-reversed order.

namespace quotient {

// Challenges that one launch serves.
static const u32 CHALLENGES = 4;

// Where a launch's terms go: `count` challenges; the powers of one of them are `stride` values after those of the one
// before, and so are the sums `out_stride` values.
struct Sums {
    gl::Sum sums[CHALLENGES];
};

__device__ __forceinline__ Sums none() {
    Sums s;
#pragma unroll
    for (u32 c = 0; c < CHALLENGES; c++) s.sums[c] = gl::sum_of(0);
    return s;
}

__device__ __forceinline__ void add(Sums& s, const u64* powers, u32 stride, u32 count, u32 term, u64 value) {
#pragma unroll
    for (u32 c = 0; c < CHALLENGES; c++)
        if (c < count) gl::add_product(s.sums[c], value, powers[(u64)c * stride + term]);
}

// Zero in the rows of every other gate of the group `first .. end` that shares the selector, and, where there are several
// selectors, in rows that are none of the group's.
__device__ __forceinline__ u64 filter(u64 selector, u32 gate, u32 first, u32 end, u32 several) {
    u64 product = several ? gl::sub(0xffffffffull, selector) : 1;
    for (u32 other = first; other < end; other++)
        if (other != gate) product = gl::mul(product, gl::sub(other, selector));
    return product;
}

// Adds the sums times `factor` to what is there.
__device__ __forceinline__ void write(const Sums& s, u64 factor, u64* out, u64 out_stride, u32 count, u32 i) {
#pragma unroll
    for (u32 c = 0; c < CHALLENGES; c++)
        if (c < count) {
            u64* to = out + c * out_stride + i;
            *to = gl::canonical(gl::mul_add(gl::reduce(s.sums[c]), factor, *to));
        }
}

__device__ __forceinline__ u32 reverse(u32 i, u32 bits) { return bits ? __brev(i) >> (32 - bits) : 0; }

}  // namespace quotient
