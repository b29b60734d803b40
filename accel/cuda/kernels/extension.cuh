// The quadratic extension: a + b X modulo X^2 - 7. Components are any words, as in goldilocks.cuh.

namespace ext {

static const u64 W = 7;

struct E {
    u64 a, b;
};

__device__ __forceinline__ E make(u64 a, u64 b) {
    E e = {a, b};
    return e;
}
__device__ __forceinline__ E one() { return make(1, 0); }
__device__ __forceinline__ E canonical(E x) { return make(gl::canonical(x.a), gl::canonical(x.b)); }
__device__ __forceinline__ E add(E x, E y) { return make(gl::add(x.a, y.a), gl::add(x.b, y.b)); }
__device__ __forceinline__ E sub(E x, E y) { return make(gl::sub(x.a, y.a), gl::sub(x.b, y.b)); }

// 7 a = 8 a - a
__device__ __forceinline__ u64 mul_7(u64 a) { return gl::sub(gl::reduce_96(a << 3, (u32)(a >> 61)), a); }

__device__ __forceinline__ E mul(E x, E y) {
    u64 a = gl::mul_add(x.a, y.a, mul_7(gl::mul(x.b, y.b)));
    u64 b = gl::mul_add(x.a, y.b, gl::mul(x.b, y.a));
    return make(a, b);
}

__device__ __forceinline__ E square(E x) {
    u64 a = gl::mul_add(x.a, x.a, mul_7(gl::square(x.b)));
    return make(a, gl::mul(gl::add(x.a, x.a), x.b));
}

// Times an element of the base field.
__device__ __forceinline__ E scale(E x, u64 c) { return make(gl::mul(x.a, c), gl::mul(x.b, c)); }

// x * c + y
__device__ __forceinline__ E scale_add(E x, u64 c, E y) {
    return make(gl::mul_add(x.a, c, y.a), gl::mul_add(x.b, c, y.b));
}

// x * y + z
__device__ __forceinline__ E mul_add(E x, E y, E z) { return add(mul(x, y), z); }

__device__ __forceinline__ E power(E base, u64 exponent) {
    E result = one();
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) result = mul(result, base);
        base = square(base);
    }
    return result;
}

}  // namespace ext
