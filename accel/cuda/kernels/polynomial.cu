// Polynomials by their coefficients, at points of the extension field and combined over it. Extension columns are two
// columns, one for each component; tables of powers are pairs.

namespace polynomial {

static const u32 THREADS = 256;

__device__ __forceinline__ ext::E pair(const u64* table, u64 i) { return ext::make(table[2 * i], table[2 * i + 1]); }

__device__ __forceinline__ void store_pair(u64* table, u64 i, ext::E x) {
    table[2 * i] = gl::canonical(x.a);
    table[2 * i + 1] = gl::canonical(x.b);
}

// The sum of all threads' elements, in thread 0.
__device__ __forceinline__ ext::E block_sum(ext::E x) {
    __shared__ u64 a[THREADS], b[THREADS];
    a[threadIdx.x] = x.a;
    b[threadIdx.x] = x.b;
    __syncthreads();
    for (u32 half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            a[threadIdx.x] = gl::add(a[threadIdx.x], a[threadIdx.x + half]);
            b[threadIdx.x] = gl::add(b[threadIdx.x], b[threadIdx.x + half]);
        }
        __syncthreads();
    }
    return ext::make(a[0], b[0]);
}

}  // namespace polynomial

// point^0, point^1, ..
extern "C" __global__ void __launch_bounds__(256) extension_powers(u64 a, u64 b, u32 count, u64* powers) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) polynomial::store_pair(powers, i, ext::power(ext::make(a, b), i));
}

// Parts of the values of polynomials at a point x: blocks in x take 4096 coefficients each, columns are in y. `low` is
// the table x^0 .. x^255, `high` x^(256 * 0) .. x^(256 * 15).
extern "C" __global__ void __launch_bounds__(256) evaluate_parts(const u64* columns, u64 stride, u32 rows,
                                                                 const u64* low, const u64* high, u64* parts) {
    const u64* column = columns + blockIdx.y * stride;
    u32 first = blockIdx.x * 4096 + threadIdx.x;
    gl::Sum a = gl::sum_of(0), b = gl::sum_of(0);
    for (u32 k = 0; k < 16; k++) {
        u32 i = first + 256 * k;
        if (i >= rows) break;
        u64 c = column[i];
        gl::add_product(a, c, high[2 * k]);
        gl::add_product(b, c, high[2 * k + 1]);
    }
    ext::E sum = ext::mul(ext::make(gl::reduce(a), gl::reduce(b)), polynomial::pair(low, threadIdx.x));
    sum = polynomial::block_sum(sum);
    if (threadIdx.x == 0) polynomial::store_pair(parts, (u64)blockIdx.y * gridDim.x + blockIdx.x, sum);
}

// The values from their parts: a column a block; `powers` is the table x^(4096 * 0), ..
extern "C" __global__ void __launch_bounds__(256) evaluate_finish(const u64* parts, u32 count, const u64* powers,
                                                                  u64* values) {
    ext::E sum = ext::make(0, 0);
    for (u32 i = threadIdx.x; i < count; i += blockDim.x)
        sum = ext::mul_add(polynomial::pair(parts, (u64)blockIdx.x * count + i), polynomial::pair(powers, i), sum);
    sum = polynomial::block_sum(sum);
    if (threadIdx.x == 0) polynomial::store_pair(values, blockIdx.x, sum);
}

// points[y]^(step * i) for i < count.
extern "C" __global__ void __launch_bounds__(256) base_powers(const u64* points, u64 step, u32 count, u64* powers) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) powers[(u64)blockIdx.y * count + i] = gl::canonical(gl::power(points[blockIdx.y], step * i));
}

// As evaluate_parts at points of the base field, four of them at once (fours in z): each has its rows of `low`, `high`
// and `parts`.
extern "C" __global__ void __launch_bounds__(256)
    evaluate_base_parts(const u64* columns, u64 stride, u32 rows, const u64* low, const u64* high, u32 points,
                        u64* parts) {
    const u64* column = columns + blockIdx.y * stride;
    u32 first = blockIdx.x * 4096 + threadIdx.x, point = 4 * blockIdx.z;
    gl::Sum sums[4];
#pragma unroll
    for (u32 q = 0; q < 4; q++) sums[q] = gl::sum_of(0);
    for (u32 k = 0; k < 16; k++) {
        u32 i = first + 256 * k;
        if (i >= rows) break;
        u64 c = column[i];
#pragma unroll
        for (u32 q = 0; q < 4; q++)
            if (point + q < points) gl::add_product(sums[q], c, high[16 * (point + q) + k]);
    }
#pragma unroll
    for (u32 q = 0; q < 4; q += 2) {
        // Two sums at once, as if they were one in the extension field.
        u64 pair[2];
#pragma unroll
        for (u32 h = 0; h < 2; h++)
            pair[h] = point + q + h < points
                          ? gl::mul(gl::reduce(sums[q + h]), low[256 * (point + q + h) + threadIdx.x])
                          : 0;
        ext::E both = polynomial::block_sum(ext::make(pair[0], pair[1]));
        u64 at = ((u64)(point + q) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
        if (threadIdx.x == 0 && point + q < points) parts[at] = gl::canonical(both.a);
        if (threadIdx.x == 0 && point + q + 1 < points)
            parts[at + (u64)gridDim.y * gridDim.x] = gl::canonical(both.b);
    }
}

// The values from their parts: columns in x, points in y.
extern "C" __global__ void __launch_bounds__(256) evaluate_base_finish(const u64* parts, u32 count, const u64* powers,
                                                                       u64* values) {
    u64 at = (u64)blockIdx.y * gridDim.x + blockIdx.x, sum = 0;
    for (u32 i = threadIdx.x; i < count; i += blockDim.x)
        sum = gl::mul_add(parts[at * count + i], powers[(u64)blockIdx.y * count + i], sum);
    sum = polynomial::block_sum(ext::make(sum, 0)).a;
    if (threadIdx.x == 0) values[at] = gl::canonical(sum);
}

// sum = (`add` ? sum : 0) + the columns times powers[0], powers[1], .., row by row.
extern "C" __global__ void __launch_bounds__(128) combine(const u64* columns, u64 stride, u32 count, u32 rows,
                                                          const u64* powers, u64* sum, u64 sum_stride, u32 add) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    gl::Sum a = gl::sum_of(add ? sum[row] : 0), b = gl::sum_of(add ? sum[sum_stride + row] : 0);
    const u64* at = columns + row;
    for (u32 k = 0; k < count; k++) {
        u64 c = at[k * stride];
        gl::add_product(a, c, powers[2 * k]);
        gl::add_product(b, c, powers[2 * k + 1]);
    }
    sum[row] = gl::canonical(gl::reduce(a));
    sum[sum_stride + row] = gl::canonical(gl::reduce(b));
}

// Folds 2^log2 neighbouring coefficients into one: sum of c_k beta^k.
extern "C" __global__ void __launch_bounds__(128) fold(const u64* from, u64 from_stride, u32 log2, u64 beta_a,
                                                       u64 beta_b, u64* to, u64 to_stride, u32 count) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    ext::E beta = ext::make(beta_a, beta_b), sum = ext::make(0, 0);
    u64 first = (u64)i << log2;
    for (u32 k = 1u << log2; k-- > 0;)
        sum = ext::mul_add(sum, beta, ext::make(from[first + k], from[from_stride + first + k]));
    to[i] = gl::canonical(sum.a);
    to[to_stride + i] = gl::canonical(sum.b);
}
