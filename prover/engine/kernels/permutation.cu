// The permutation argument's part of the quotient, and what is done with the whole of it.

// The terms L_1 (Z - 1) of all challenges, then the steps of each over its partial products to the next row. `vanishing` is
// the value of the polynomial that vanishes on the subgroup: the same at all points of a coset.
extern "C" __global__ void __launch_bounds__(128)
    permutation_terms(const u64* wires, const u64* sigmas, const u64* products, const u64* points, const u64* ks,
                      const u64* betas, const u64* gammas, u64 vanishing, u32 challenges, u32 routed,
                      u32 chunk, u32 partials, u32 bits, const u64* powers, u32 stride, u32 count, u64* out,
                      u64 out_stride) {
    u64 n = 1ull << bits;
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    quotient::Sums sums = quotient::none();
    u64 x = points[i];
    u64 next = quotient::reverse((quotient::reverse((u32)i, bits) + 1) & (u32)(n - 1), bits);
    u64 lagrange = gl::mul(vanishing, gl::inverse(gl::mul(n, gl::sub(x, 1))));
    for (u32 c = 0; c < challenges; c++)
        quotient::add(sums, powers, stride, count, c, gl::mul(lagrange, gl::sub(products[c * n + i], 1)));
    for (u32 c = 0; c < challenges; c++) {
        u64 beta = betas[c], gamma = gammas[c], beta_x = gl::mul(beta, x), before = products[c * n + i];
        for (u32 k = 0, j = 0; k <= partials; k++) {
            u64 numerator = before;
            u64 after = k < partials ? products[((u64)challenges + c * partials + k) * n + i] : products[c * n + next];
            u64 denominator = after;
            for (u32 end = j + chunk < routed ? j + chunk : routed; j < end; j++) {
                u64 shifted = gl::add(wires[j * n + i], gamma);
                numerator = gl::mul(numerator, gl::mul_add(beta_x, ks[j], shifted));
                denominator = gl::mul(denominator, gl::mul_add(beta, sigmas[j * n + i], shifted));
            }
            u32 term = challenges + c * (partials + 1) + k;
            quotient::add(sums, powers, stride, count, term, gl::sub(numerator, denominator));
            before = after;
        }
    }
    quotient::write(sums, 1, out, out_stride, count, (u32)i);
}

// Columns (in y) times a factor.
extern "C" __global__ void scale(u64* values, u64 stride, u64 factor, u64 n) {
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    u64* to = values + blockIdx.y * stride + i;
    *to = gl::canonical(gl::mul(*to, factor));
}

// Raises `found` where an element is not zero.
extern "C" __global__ void find_nonzero(const u64* values, u64 n, u32* found) {
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && values[i] != 0) atomicOr(found, 1);
}

// Columns (in y) from bit-reversed to natural order.
extern "C" __global__ void natural_order(const u64* from, u64* to, u32 bits) {
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x, n = 1ull << bits;
    if (i < n) to[blockIdx.y * n + i] = from[blockIdx.y * n + quotient::reverse((u32)i, bits)];
}
