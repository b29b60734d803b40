// Running products and weighted running sums along columns, in three steps: a value for each chunk of 1024 elements,
// the same over these, then the elements of each chunk with what comes in from outside. A thread takes four
// neighbouring elements; blocks have 256 threads.

namespace scan {

static const u32 THREADS = 256, EACH = 4, CHUNK = THREADS * EACH;

// Element kinds: the base field, one column; the extension, two columns `stride` apart.
struct Base {
    typedef u64 T;
    static __device__ __forceinline__ T zero() { return 0; }
    static __device__ __forceinline__ T add(T x, T y) { return gl::add(x, y); }
    static __device__ __forceinline__ T mul(T x, T y) { return gl::mul(x, y); }
    static __device__ __forceinline__ T load(const u64* at, u64, u64 i) { return at[i]; }
    static __device__ __forceinline__ void store(u64* at, u64, u64 i, T x) { at[i] = gl::canonical(x); }
};
struct Extension {
    typedef ext::E T;
    static __device__ __forceinline__ T zero() { return ext::make(0, 0); }
    static __device__ __forceinline__ T add(T x, T y) { return ext::add(x, y); }
    static __device__ __forceinline__ T mul(T x, T y) { return ext::mul(x, y); }
    static __device__ __forceinline__ T load(const u64* at, u64 stride, u64 i) {
        return ext::make(at[i], at[stride + i]);
    }
    static __device__ __forceinline__ void store(u64* at, u64 stride, u64 i, T x) {
        at[i] = gl::canonical(x.a);
        at[stride + i] = gl::canonical(x.b);
    }
};

// For thread t the sum of later threads' x_u w^(u - t - 1), and what lies behind the last thread, `behind`, counted as
// one more. `all` becomes the sum over all threads from thread 0 on, x_0 + x_1 w + ..
template <typename K>
__device__ __forceinline__ typename K::T sum_behind(typename K::T x, typename K::T weight, typename K::T behind,
                                                    typename K::T& all) {
    __shared__ typename K::T sums[THREADS + 1];
    u32 t = threadIdx.x;
    if (t == blockDim.x - 1) x = K::add(x, K::mul(weight, behind));
    sums[t] = x;
    if (t == 0) sums[blockDim.x] = behind;
    __syncthreads();
    for (u32 step = 1; step < blockDim.x; step *= 2) {
        typename K::T other = K::zero();
        bool has = t + step < blockDim.x;
        if (has) other = sums[t + step];
        __syncthreads();
        if (has) sums[t] = K::add(sums[t], K::mul(weight, other));
        weight = K::mul(weight, weight);
        __syncthreads();
    }
    all = sums[0];
    return sums[t + 1];
}

template <typename K>
__device__ __forceinline__ typename K::T fourth_power(typename K::T x) {
    typename K::T x2 = K::mul(x, x);
    return K::mul(x2, x2);
}

// A thread's elements i of 0..EACH from `first` on, zero behind the end.
template <typename K>
__device__ __forceinline__ typename K::T own_sum(const u64* data, u64 stride, u64 first, u64 length,
                                                 typename K::T weight, typename K::T* own) {
    typename K::T sum = K::zero();
#pragma unroll
    for (int i = EACH - 1; i >= 0; i--) {
        own[i] = first + i < length ? K::load(data, stride, first + i) : K::zero();
        sum = K::add(own[i], K::mul(weight, sum));
    }
    return sum;
}

// Step 1: the sum of x_i w^i over each chunk.
template <typename K>
__device__ __forceinline__ void chunk_sums(const u64* data, u64 stride, u64 length, typename K::T weight, u64* sums,
                                           u64 sums_stride) {
    typename K::T own[EACH], all;
    u64 first = (u64)blockIdx.x * CHUNK + EACH * threadIdx.x;
    typename K::T sum = own_sum<K>(data, stride, first, length, weight, own);
    sum_behind<K>(sum, fourth_power<K>(weight), K::zero(), all);
    if (threadIdx.x == 0) K::store(sums, sums_stride, blockIdx.x, all);
}

// Steps 2 and 3: element i becomes the sum of x_j w^(j - i - 1) over j > i. With `behind`, entry b of it is what lies
// behind chunk b. Where `combine` is given, the result is added to `scale` times what is there instead of replacing x.
template <typename K>
__device__ __forceinline__ void sums_behind(const u64* data, u64 stride, u64 length, typename K::T weight,
                                            const u64* behind, u64 behind_stride, u32 has_behind, u64* to,
                                            u64 to_stride, typename K::T scale, u32 adds) {
    typename K::T own[EACH], all;
    u64 first = (u64)blockIdx.x * CHUNK + EACH * threadIdx.x;
    typename K::T sum = own_sum<K>(data, stride, first, length, weight, own);
    typename K::T outside = has_behind ? K::load(behind, behind_stride, blockIdx.x) : K::zero();
    typename K::T carry = sum_behind<K>(sum, fourth_power<K>(weight), outside, all);
#pragma unroll
    for (int i = EACH - 1; i >= 0; i--) {
        if (first + i < length) {
            typename K::T result = carry;
            if (adds) result = K::add(result, K::mul(scale, K::load(to, to_stride, first + i)));
            K::store(to, to_stride, first + i, result);
        }
        carry = K::add(own[i], K::mul(weight, carry));
    }
}

// For thread t the product of the threads before it, times `before`.
__device__ __forceinline__ u64 product_before(u64 x, u64 before, u64& all) {
    __shared__ u64 products[THREADS];
    u32 t = threadIdx.x;
    products[t] = t == 0 ? gl::mul(x, before) : x;
    __syncthreads();
    for (u32 step = 1; step < blockDim.x; step *= 2) {
        u64 other = t >= step ? products[t - step] : 1;
        __syncthreads();
        if (t >= step) products[t] = gl::mul(products[t], other);
        __syncthreads();
    }
    all = products[blockDim.x - 1];
    return t == 0 ? before : products[t - 1];
}

}  // namespace scan

extern "C" __global__ void __launch_bounds__(256) extension_chunk_sums(const u64* data, u64 stride, u32 length, u64 a,
                                                                       u64 b, u64* sums, u64 sums_stride) {
    scan::chunk_sums<scan::Extension>(data, stride, length, ext::make(a, b), sums, sums_stride);
}

extern "C" __global__ void __launch_bounds__(256)
    extension_sums_behind(const u64* data, u64 stride, u32 length, u64 a, u64 b, const u64* behind, u64 behind_stride,
                          u32 has_behind, u64* to, u64 to_stride, u64 scale_a, u64 scale_b, u32 adds) {
    scan::sums_behind<scan::Extension>(data, stride, length, ext::make(a, b), behind, behind_stride, has_behind, to,
                                       to_stride, ext::make(scale_a, scale_b), adds);
}

extern "C" __global__ void __launch_bounds__(256) base_chunk_sums(const u64* data, u32 length, u64 weight, u64* sums) {
    scan::chunk_sums<scan::Base>(data, 0, length, weight, sums, 0);
}

extern "C" __global__ void __launch_bounds__(256) base_sums_behind(const u64* data, u32 length, u64 weight,
                                                                   const u64* behind, u32 has_behind, u64* to) {
    scan::sums_behind<scan::Base>(data, 0, length, weight, behind, 0, has_behind, to, 0, 0, 0);
}

extern "C" __global__ void __launch_bounds__(256) chunk_products(const u64* data, u32 length, u64* products) {
    u32 first = blockIdx.x * scan::CHUNK + scan::EACH * threadIdx.x;
    u64 product = 1, all;
    for (u32 i = first; i < first + scan::EACH && i < length; i++) product = gl::mul(product, data[i]);
    scan::product_before(product, 1, all);
    if (threadIdx.x == 0) products[blockIdx.x] = gl::canonical(all);
}

// Element i becomes the product of the elements before it. Entry b of `before` is the product before chunk b.
extern "C" __global__ void __launch_bounds__(256) products_before(u64* data, u32 length, const u64* before,
                                                                  u32 has_before) {
    u32 first = blockIdx.x * scan::CHUNK + scan::EACH * threadIdx.x;
    u64 own[scan::EACH], product = 1, all;
#pragma unroll
    for (u32 i = 0; i < scan::EACH; i++) {
        own[i] = first + i < length ? data[first + i] : 1;
        product = gl::mul(product, own[i]);
    }
    u64 running = scan::product_before(product, has_before ? before[blockIdx.x] : 1, all);
#pragma unroll
    for (u32 i = 0; i < scan::EACH; i++) {
        if (first + i < length) data[first + i] = gl::canonical(running);
        running = gl::mul(running, own[i]);
    }
}
