// The field of p = 2^64 - 2^32 + 1 elements.
//
// An element is a 64-bit word, any of them: values from p on stand for what they are modulo p. Every function takes any
// word and returns any word, unless its name says canonical (below p). Memory holds canonical ones: what is stored is
// made canonical before.
//
// Identities: 2^64 = 2^32 - 1, 2^96 = -1, so 2^192 = 1, and 2^48 is a root of unity of order 4 (modulo p).

typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned char u8;
typedef unsigned __int128 u128;

namespace gl {

static const u64 P = 0xffffffff00000001ull;
static const u64 EPSILON = 0xffffffffull;  // 2^64 modulo p

__device__ __forceinline__ u64 canonical(u64 x) { return x >= P ? x - P : x; }

// a + b for a canonical b (or a canonical a: the sum is the same).
__device__ __forceinline__ u64 add_canonical(u64 a, u64 b) {
    u64 sum = a + b;
    // After a carry sum <= 2^64 - 2^32 - 1, so EPSILON can be added.
    return sum < a ? sum + EPSILON : sum;
}

__device__ __forceinline__ u64 add(u64 a, u64 b) {
    u64 sum = a + b;
    if (sum >= a) return sum;
    u64 carried = sum + EPSILON;
    return carried < sum ? carried + EPSILON : carried;
}

__device__ __forceinline__ u64 sub(u64 a, u64 b) {
    u64 difference = a - b;
    if (a >= b) return difference;
    u64 borrowed = difference - EPSILON;
    return borrowed > difference ? borrowed - EPSILON : borrowed;
}

__device__ __forceinline__ u64 negate(u64 a) { return sub(0, a); }

// low + high * 2^64 for high below 2^32.
__device__ __forceinline__ u64 reduce_96(u64 low, u32 high) {
    u64 sum = (u64)high * (u32)EPSILON + low;  // one instruction
    // After a carry sum is below high * EPSILON <= 2^64 - 2^33 + 1, so EPSILON can be added.
    return sum < low ? sum + EPSILON : sum;
}

// low + high * 2^64.
__device__ __forceinline__ u64 reduce_128(u64 low, u64 high) {
    u64 top = high >> 32;  // counts 2^96 = -1
    u64 difference = low - top;
    // After a borrow difference >= 2^64 - 2^32, so EPSILON can be taken.
    if (low < top) difference -= EPSILON;
    return reduce_96(difference, (u32)high);
}
__device__ __forceinline__ u64 reduce_128(u128 x) { return reduce_128((u64)x, (u64)(x >> 64)); }

__device__ __forceinline__ u64 mul(u64 a, u64 b) { return reduce_128((u128)a * b); }
__device__ __forceinline__ u64 square(u64 a) { return mul(a, a); }

// a * b + c
__device__ __forceinline__ u64 mul_add(u64 a, u64 b, u64 c) {
    return reduce_128((u128)a * b + c);  // below 2^128
}

// a * 2^48: times the root of unity of order 4.
__device__ __forceinline__ u64 mul_2_48(u64 a) { return reduce_128(a << 48, a >> 16); }

__device__ __forceinline__ u64 seventh_power(u64 x) {
    u64 x2 = square(x);
    return mul(square(x2), mul(x2, x));
}

__device__ __forceinline__ u64 power(u64 base, u64 exponent) {
    u64 result = 1;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) result = mul(result, base);
        base = square(base);
    }
    return result;
}

// x^(p-2): the inverse, and zero for zero. p - 2 is 32 ones but for bit 32, in binary 1{31} 0 1{32}.
__device__ __forceinline__ u64 inverse(u64 x) {
    u64 ones = x;  // x^(2^k - 1), k = 1
#pragma unroll 1
    for (int k = 1; k < 31; k++) ones = mul(square(ones), x);
    u64 result = square(ones);
#pragma unroll 1
    for (int k = 0; k < 32; k++) result = mul(square(result), x);
    return result;
}

// A sum of products that is reduced once: up to 2^32 of them.
struct Sum {
    u64 low, middle;
    u32 high;
};

__device__ __forceinline__ Sum sum_of(u64 a) { return {a, 0, 0}; }

__device__ __forceinline__ void add_product(Sum& sum, u64 a, u64 b) {
    u128 product = (u128)a * b, total = ((u128)sum.middle << 64 | sum.low) + product;
    sum.high += total < product;
    sum.low = (u64)total;
    sum.middle = (u64)(total >> 64);
}

// 2^128 = 2^64 * 2^64 = -2^32 modulo p, since 2^96 = -1.
__device__ __forceinline__ u64 reduce(const Sum& sum) {
    return sub(reduce_128(sum.low, sum.middle), (u64)sum.high << 32);
}

}  // namespace gl
