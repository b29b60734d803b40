// Loops over columns: inverses, products, and the factors of the permutation argument.

namespace columns {

// Elements that a thread inverts together.
static const u32 TOGETHER = 8;

}  // namespace columns

// Columns are in y.
extern "C" __global__ void __launch_bounds__(256) make_canonical(u64* data, u64 stride, u32 rows) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row < rows) data[blockIdx.y * stride + row] = gl::canonical(data[blockIdx.y * stride + row]);
}

// Inverses in place, by Montgomery's trick: a thread takes eight elements of one column (columns in y) that lie a
// block's threads apart. Where an element is zero the flag is set, and nothing of use is written.
extern "C" __global__ void __launch_bounds__(128) invert(u64* data, u64 stride, u32 rows, u32* zero) {
    data += blockIdx.y * stride;
    u32 first = blockIdx.x * blockDim.x * columns::TOGETHER + threadIdx.x;
    u64 own[columns::TOGETHER], before[columns::TOGETHER], product = 1;
#pragma unroll
    for (u32 i = 0; i < columns::TOGETHER; i++) {
        u32 row = first + i * blockDim.x;
        own[i] = row < rows ? data[row] : 1;
        before[i] = product;
        product = gl::mul(product, own[i]);
    }
    if (gl::canonical(product) == 0) atomicOr(zero, 1);
    u64 inverse = gl::inverse(product);
#pragma unroll
    for (int i = columns::TOGETHER - 1; i >= 0; i--) {
        u32 row = first + i * blockDim.x;
        if (row < rows) data[row] = gl::canonical(gl::mul(inverse, before[i]));
        inverse = gl::mul(inverse, own[i]);
    }
}

// Columns of `data` (in y) times `by`, row by row.
extern "C" __global__ void __launch_bounds__(256) multiply_columns(u64* data, u64 stride, u32 rows, const u64* by) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row < rows) data[blockIdx.y * stride + row] = gl::canonical(gl::mul(data[blockIdx.y * stride + row], by[row]));
}

// The permutation argument's factors of the chunks of `chunk` routed wires (chunks in y):
// the products over the chunk's j of (w_j + beta k_j x + gamma) and of (w_j + beta sigma_j + gamma). The x of row i is
// x^i, from a table of powers as in ntt.cu. The last chunk's numerators go to a column of their own.
extern "C" __global__ void __launch_bounds__(128)
    permutation_factors(const u64* wires, u64 wires_stride, const u64* sigmas, u64 sigmas_stride, const u64* ks,
                        u32 routed, u32 chunk, u32 rows, const u64* xs, u32 split, u64 beta, u64 gamma,
                        u64* numerators, u64 numerators_stride, u64* last, u64* denominators, u64 denominators_stride) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    u32 first = blockIdx.y * chunk, end = first + chunk < routed ? first + chunk : routed;
    u64 beta_x = gl::mul(beta, gl::mul(xs[row & ((1u << split) - 1)], xs[(1u << split) + (row >> split)]));
    u64 numerator = 1, denominator = 1;
    for (u32 j = first; j < end; j++) {
        u64 shifted = gl::add(wires[j * wires_stride + row], gamma);
        numerator = gl::mul(numerator, gl::mul_add(beta_x, ks[j], shifted));
        denominator = gl::mul(denominator, gl::mul_add(beta, sigmas[j * sigmas_stride + row], shifted));
    }
    u64* to = blockIdx.y + 1 == gridDim.y ? last : numerators + blockIdx.y * numerators_stride;
    to[row] = gl::canonical(numerator);
    denominators[blockIdx.y * denominators_stride + row] = gl::canonical(denominator);
}

// Row by row, the numerators times the inverted denominators become running products over the chunks: `partials` the
// products up to each chunk but the last, `last` the product of all.
extern "C" __global__ void __launch_bounds__(256)
    running_products(u64* partials, u64 partials_stride, u64* last, const u64* inverses, u64 inverses_stride,
                     u32 chunks, u32 rows) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    u64 product = 1;
    for (u32 c = 0; c < chunks; c++) {
        u64* at = c + 1 == chunks ? last + row : partials + c * partials_stride + row;
        product = gl::mul(product, gl::mul(*at, inverses[c * inverses_stride + row]));
        *at = gl::canonical(product);
    }
}
