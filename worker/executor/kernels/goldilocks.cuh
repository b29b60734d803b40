// The field of p = 2^64 - 2^32 + 1 elements. Values are 64-bit words; `reduce` functions return canonical ones
// (below p) unless said otherwise. Identities used: 2^64 = 2^32 - 1 and 2^96 = -1 modulo p.

typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned char u8;

#define P 0xffffffff00000001ull
#define EPSILON 0xffffffffull

__device__ u64 canonical(u64 x) { return x >= P ? x - P : x; }

// lo + hi * 2^64 for hi below 2^32.
__device__ u64 reduce_96(u64 lo, u32 hi) {
    u64 t = (u64)hi * EPSILON;
    u64 sum = lo + t;
    // A carry is worth 2^64 = EPSILON; adding it cannot carry again, since sum < t <= 2^64 - 2^33 + 1.
    if (sum < t) sum += EPSILON;
    return canonical(sum);
}

// lo + hi * 2^64.
__device__ u64 reduce_128(u64 lo, u64 hi) {
    u64 top = hi >> 32;
    u64 difference = lo - top;
    // A borrow is worth -2^64 = -EPSILON; taking it cannot borrow again, since then difference >= 2^64 - 2^32.
    if (lo < top) difference -= EPSILON;
    return reduce_96(difference, (u32)hi);
}

__device__ u64 multiply(u64 a, u64 b) { return reduce_128(a * b, __umul64hi(a, b)); }

// a + b for canonical a and b.
__device__ u64 add(u64 a, u64 b) {
    u64 sum = a + b;
    if (sum < a) return sum + EPSILON;  // below p: a + b - p < p
    return canonical(sum);
}
