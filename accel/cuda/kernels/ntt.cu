// Number-theoretic transforms of many columns, by the tree of factors of X^n - c^2 = (X^(n/2) - c)(X^(n/2) + c).
//
// `roots` is the table of roots of unity in bit-reversed order: entry i is w^(reverse(i)). A node of the tree, counted
// from the left on its level, takes the entry of its number. Level 0 has one node for each coset. From coefficients in
// natural order the way down gives values in bit-reversed order, and the way up undoes it (n times).
//
// A pass takes `levels` levels at once: a block loads a tile of 2^levels elements that lie 2^(log2-level-levels) apart,
// for each of 2^width neighbours, and works on it in shared memory, two levels between barriers.

namespace ntt {

static const u32 TILE = 4096;

// One word in sixteen is left out, so that elements a power of two apart lie in different banks.
__device__ __forceinline__ u32 slot(u32 i) { return i + (i >> 4); }

struct Pass {
    u32 log2, level, levels, width;  // of the transform; first level; levels of the pass; log2 of the neighbours
    u64 first;                       // the node of the block's tree on `level`
    u64 base;                        // where the tile begins in its column
    u32 apart;                       // log2 of the distance between the tile's elements
};

__device__ __forceinline__ Pass pass_of(u32 log2, u32 level, u32 levels, u32 width, u64 node) {
    Pass p = {log2, level, levels, width, 0, 0, log2 - level - levels};
    u32 tiles = p.apart - width;  // log2 of the tiles of one tree of this level
    u64 tree = blockIdx.x >> tiles;
    p.first = (node << level) + tree;
    p.base = (tree << (log2 - level)) + ((u64)(blockIdx.x & ((1u << tiles) - 1)) << width);
    return p;
}

__device__ __forceinline__ u64 address(const Pass& p, u32 i) {
    return p.base + ((u64)(i >> p.width) << p.apart) + (i & ((1u << p.width) - 1));
}

// base^i from a table of base^0.. (2^split of them), and base^(2^split * 0)..
__device__ __forceinline__ u64 power_of(const u64* table, u32 split, u64 i) {
    return gl::mul(table[i & ((1u << split) - 1)], table[(1u << split) + (i >> split)]);
}

// 1 / roots[i], which is minus the entry whose number differs in all bits below the highest.
__device__ __forceinline__ u64 inverse_root(const u64* roots, u64 i) {
    if (i == 0) return 1;
    u64 top = 1ull << (63 - __clzll((long long)i));
    return gl::P - roots[i ^ (top - 1)];
}

// Where a butterfly of `parts` elements on step `step` of the tile begins, and its node there.
__device__ __forceinline__ u32 butterfly(const Pass& p, u32 i, u32 step, u32 parts_log2, u64& node) {
    u32 part = p.levels - step - parts_log2;
    u32 neighbour = i & ((1u << p.width) - 1), q = i >> p.width;
    u32 block = q >> part;
    node = (p.first << step) + block;
    return (((block << (p.levels - step)) + (q & ((1u << part) - 1))) << p.width) + neighbour;
}

__device__ __forceinline__ void down_two(u64* tile, const u64* roots, u64 node, u32 at, u32 apart) {
    u64 t = roots[2 * node], t2 = roots[node];
    u32 ia = slot(at), ib = slot(at + apart), ic = slot(at + 2 * apart), id = slot(at + 3 * apart);
    u64 a = tile[ia], b = gl::mul(tile[ib], t), c = gl::mul(tile[ic], t2);
    u64 d = gl::mul(gl::mul(tile[id], t2), t);
    u64 e = gl::add(a, c), f = gl::sub(a, c), g = gl::add(b, d), h = gl::mul_2_48(gl::sub(b, d));
    tile[ia] = gl::add(e, g);
    tile[ib] = gl::sub(e, g);
    tile[ic] = gl::add(f, h);
    tile[id] = gl::sub(f, h);
}

__device__ __forceinline__ void up_two(u64* tile, const u64* roots, u64 node, u32 at, u32 apart) {
    u64 t = inverse_root(roots, 2 * node), t2 = inverse_root(roots, node);
    u32 ia = slot(at), ib = slot(at + apart), ic = slot(at + 2 * apart), id = slot(at + 3 * apart);
    u64 a = tile[ia], b = tile[ib], c = tile[ic], d = tile[id];
    // 2^48 is its own inverse but for the sign.
    u64 e = gl::add(a, b), g = gl::sub(a, b), f = gl::add(c, d), h = gl::mul_2_48(gl::sub(d, c));
    tile[ia] = gl::add(e, f);
    tile[ic] = gl::mul(gl::sub(e, f), t2);
    tile[ib] = gl::mul(gl::add(g, h), t);
    tile[id] = gl::mul(gl::mul(gl::sub(g, h), t), t2);
}

__device__ __forceinline__ void down_one(u64* tile, const u64* roots, u64 node, u32 at, u32 apart) {
    u32 ia = slot(at), ib = slot(at + apart);
    u64 a = tile[ia], b = gl::mul(tile[ib], roots[node]);
    tile[ia] = gl::add(a, b);
    tile[ib] = gl::sub(a, b);
}

__device__ __forceinline__ void up_one(u64* tile, const u64* roots, u64 node, u32 at, u32 apart) {
    u32 ia = slot(at), ib = slot(at + apart);
    u64 a = tile[ia], b = tile[ib];
    tile[ia] = gl::add(a, b);
    tile[ib] = gl::mul(gl::sub(a, b), inverse_root(roots, node));
}

}  // namespace ntt

// Entry i of the table for `log2` bits: root^(reverse(i)), root of order 2^(log2 + 1).
extern "C" __global__ void __launch_bounds__(256) root_table(u64 root, u32 log2, u64* table) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >> log2) return;
    u32 exponent = log2 == 0 ? 0 : __brev(i) >> (32 - log2);
    table[i] = gl::canonical(gl::power(root, exponent));
}

// factor * base^i for i < 2^split, then base^(2^split * i) up to `count` entries in all.
extern "C" __global__ void __launch_bounds__(256) power_table(u64 base, u64 factor, u32 split, u32 count, u64* table) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    u32 low = 1u << split;
    u64 power = i < low ? gl::mul(factor, gl::power(base, i)) : gl::power(base, (u64)(i - low) << split);
    table[i] = gl::canonical(power);
}

// shift times the points of the subgroup of 2^log2 elements in bit-reversed order, those from `first` on.
extern "C" __global__ void __launch_bounds__(256) coset_points(const u64* roots, u64 shift, u32 first, u32 count,
                                                                u64* points) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    u32 row = first + i;
    // Neighbours differ by the root of order two.
    u64 point = gl::mul(roots[row >> 1], shift);
    points[i] = gl::canonical(row & 1 ? gl::negate(point) : point);
}

// One pass down. Coefficients are multiplied by the powers of `scale` while they are loaded, where `scaled` says so.
// Columns are in y, cosets in z; coset c goes to c * 2^log2 in its column.
extern "C" __global__ void __launch_bounds__(256) ntt_down(const u64* from, u64 from_stride, u64 from_coset, u64* to,
                                                           u64 to_stride, const u64* roots, u32 log2, u32 level,
                                                           u32 levels, u32 width, u32 coset, const u64* scale,
                                                           u32 split, u32 scaled) {
    __shared__ u64 tile[ntt::TILE + ntt::TILE / 16];
    ntt::Pass p = ntt::pass_of(log2, level, levels, width, coset + blockIdx.z);
    from += blockIdx.y * from_stride + blockIdx.z * from_coset;
    to += blockIdx.y * to_stride + ((u64)blockIdx.z << log2);
    u32 elements = 1u << (levels + width);
    for (u32 i = threadIdx.x; i < elements; i += blockDim.x) {
        u64 at = ntt::address(p, i), x = from[at];
        tile[ntt::slot(i)] = scaled ? gl::mul(x, ntt::power_of(scale, split, at)) : x;
    }
    __syncthreads();
    u32 step = 0;
    if (levels & 1) {
        for (u32 i = threadIdx.x; i < elements / 2; i += blockDim.x) {
            u64 node;
            u32 at = ntt::butterfly(p, i, 0, 1, node);
            ntt::down_one(tile, roots, node, at, 1u << (levels - 1 + width));
        }
        __syncthreads();
        step = 1;
    }
    for (; step < levels; step += 2) {
        for (u32 i = threadIdx.x; i < elements / 4; i += blockDim.x) {
            u64 node;
            u32 at = ntt::butterfly(p, i, step, 2, node);
            ntt::down_two(tile, roots, node, at, 1u << (levels - step - 2 + width));
        }
        __syncthreads();
    }
    for (u32 i = threadIdx.x; i < elements; i += blockDim.x)
        to[ntt::address(p, i)] = gl::canonical(tile[ntt::slot(i)]);
}

// One pass up, in place. Coefficients are multiplied by the powers of `scale` while they are stored, where `scaled`
// says so.
extern "C" __global__ void __launch_bounds__(256) ntt_up(u64* data, u64 stride, const u64* roots, u32 log2, u32 level,
                                                         u32 levels, u32 width, u32 coset, const u64* scale, u32 split,
                                                         u32 scaled) {
    __shared__ u64 tile[ntt::TILE + ntt::TILE / 16];
    ntt::Pass p = ntt::pass_of(log2, level, levels, width, coset);
    data += blockIdx.y * stride;
    u32 elements = 1u << (levels + width);
    for (u32 i = threadIdx.x; i < elements; i += blockDim.x) tile[ntt::slot(i)] = data[ntt::address(p, i)];
    __syncthreads();
    u32 step = levels;
    while (step >= 2) {
        step -= 2;
        for (u32 i = threadIdx.x; i < elements / 4; i += blockDim.x) {
            u64 node;
            u32 at = ntt::butterfly(p, i, step, 2, node);
            ntt::up_two(tile, roots, node, at, 1u << (levels - step - 2 + width));
        }
        __syncthreads();
    }
    if (step == 1) {
        for (u32 i = threadIdx.x; i < elements / 2; i += blockDim.x) {
            u64 node;
            u32 at = ntt::butterfly(p, i, 0, 1, node);
            ntt::up_one(tile, roots, node, at, 1u << (levels - 1 + width));
        }
        __syncthreads();
    }
    for (u32 i = threadIdx.x; i < elements; i += blockDim.x) {
        u64 at = ntt::address(p, i), x = tile[ntt::slot(i)];
        data[at] = gl::canonical(scaled ? gl::mul(x, ntt::power_of(scale, split, at)) : x);
    }
}

// to[reverse(i)] = from[i], canonical. An index is (x, m, y), x and y five bits each: a block moves the square of one m.
extern "C" __global__ void __launch_bounds__(256) bit_reverse(const u64* from, u64 from_stride, u64* to, u64 to_stride,
                                                              u32 log2) {
    __shared__ u64 square[32][33];
    from += blockIdx.y * from_stride;
    to += blockIdx.y * to_stride;
    if (log2 < 10) {
        for (u32 i = threadIdx.x; i >> log2 == 0; i += blockDim.x)
            to[log2 == 0 ? 0 : __brev(i) >> (32 - log2)] = gl::canonical(from[i]);
        return;
    }
    u32 m = blockIdx.x, bits = log2 - 10, lane = threadIdx.x & 31;
    for (u32 x = threadIdx.x / 32; x < 32; x += blockDim.x / 32)
        square[x][lane] = from[((u64)x << (bits + 5)) + (m << 5) + lane];
    __syncthreads();
    u32 reversed = bits == 0 ? 0 : __brev(m) >> (32 - bits);
    for (u32 y = threadIdx.x / 32; y < 32; y += blockDim.x / 32)
        to[((u64)(__brev(y) >> 27) << (bits + 5)) + (reversed << 5) + lane] =
            gl::canonical(square[__brev(lane) >> 27][y]);
}
