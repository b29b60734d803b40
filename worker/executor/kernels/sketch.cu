// Sketches of blocks of rows: commitment scheme 2. A block of threads makes one sketch, as `ring.cuh` has q and the roots.
//
// The rows of a block of the tensor are cut into polynomials of 512 cells. A team of 64 threads takes every `teams`-th of them to
// its values at the odd powers of the root, 8 values a thread, and adds up their products with the multipliers' values; the teams'
// sums are one inverse transform away from the sketch.
//
// A transform is three passes of three levels: thread t has elements t + 64 i, then t / 8 * 64 + t % 8 + 8 i, then 8 t + i, and
// between the passes all go through shared memory. Residues are 32 bits wide and reduced as late as possible: a cell is below
// 2^8, the first level makes that at most 256 q + 2^8 < 2^24 without a reduction, each of the other eight adds less than 2 q, so
// that values are below 2^24 + 2^21, their products with a multiplier below 2^41, and the sum of the at most 2^12 of them that a
// block has (a program's limits see to that) below 2^53.

namespace sketch {

using ring::Q;

static const u32 DEGREE = 512, TEAM = 64, EACH = DEGREE / TEAM;
static const u32 MOST_TEAMS = 4;

// Where elements lie between the first and the second pass, and between the second and the third: in either no two lanes of a warp
// meet in a bank, written or read.
__device__ __forceinline__ u32 outer_slot(u32 x) { return x + 8 * (x / 64); }
__device__ __forceinline__ u32 inner_slot(u32 x) { return x % 8 * 65 + x / 8; }
static const u32 OUTER = 8 * 72, INNER = 8 * 65;

// a w modulo q, below 2 q, for any a: Shoup's product. The low half of a root is w, the high one floor(2^32 w / q).
__device__ __forceinline__ u32 times(u32 a, u64 root) {
    u32 quotient = (u32)((u64)a * (u32)(root >> 32) >> 32);
    return a * (u32)root - quotient * Q;
}

// The seven constants of three levels for the group of 8 `stride` elements that is number `group`.
__device__ __forceinline__ void load_roots(u64 (&to)[7], const u64* roots, u32 stride, u32 group) {
    u32 first = DEGREE / (8 * stride) + group;
    to[0] = roots[first];
#pragma unroll
    for (u32 i = 0; i < 2; i++) to[1 + i] = roots[2 * first + i];
#pragma unroll
    for (u32 i = 0; i < 4; i++) to[3 + i] = roots[4 * first + i];
}

// Three levels down, from coefficients towards values. With CELLS the elements are bytes, which need no reduction on the first one.
template <bool CELLS>
__device__ __forceinline__ void down(u32 (&v)[EACH], const u64 (&roots)[7]) {
#pragma unroll
    for (u32 level = 0; level < 3; level++) {
        u32 apart = 4 >> level;
#pragma unroll
        for (u32 k = 0; k < 4; k++) {
            u32 group = k / apart, a = group * 2 * apart + k % apart, b = a + apart;
            u64 root = roots[(1 << level) - 1 + group];
            bool is_small = CELLS && level == 0;
            u32 product = is_small ? v[b] * (u32)root : times(v[b], root);
            v[b] = v[a] + (is_small ? 256 * Q : 2 * Q) - product;
            v[a] += product;
        }
    }
}

// Three levels up, from level `level` of nine on; elements are below q 2^level before, and 8 times that afterwards.
__device__ __forceinline__ void up(u32 (&v)[EACH], const u64 (&roots)[7], u32 level) {
#pragma unroll
    for (u32 step = 0; step < 3; step++) {
        u32 apart = 1 << step, bound = Q << (level + step);
#pragma unroll
        for (u32 k = 0; k < 4; k++) {
            u32 group = k / apart, a = group * 2 * apart + k % apart, b = a + apart;
            u32 sum = v[a] + v[b];
            v[b] = times(v[a] + bound - v[b], roots[(4 >> step) - 1 + group]);
            v[a] = sum;
        }
    }
}

// Two residues of a word of multipliers, and what is added of them.
__device__ __forceinline__ void add_products(u64* sums, const u32* v, u32 word) {
    sums[0] += (u64)v[0] * (word & 0xffff);
    sums[1] += (u64)v[1] * (word >> 16);
}

}  // namespace sketch

// `multipliers` has 64 words of 8 residues for each polynomial of a block. Sketches are 512 numbers of two bytes, the high one first.
extern "C" __global__ void __launch_bounds__(256) sketch_blocks(const u8* cells, u32 pitch, u32 columns, u32 rows, u32 flip,
                                                                u32 block_bits, const uint4* multipliers, u8* sketches) {
    using namespace sketch;
    __shared__ u32 exchange[MOST_TEAMS][OUTER + INNER];
    u32 team = threadIdx.x / TEAM, teams = blockDim.x / TEAM, t = threadIdx.x % TEAM;
    u32* outer = exchange[team];
    u32* inner = outer + OUTER;
    u32 middle = t / 8 * 64 + t % 8;

    u32 first_row = blockIdx.x << block_bits, cut = (columns + DEGREE - 1) / DEGREE;
    u32 block_rows = rows - first_row < 1u << block_bits ? rows - first_row : 1u << block_bits;
    u32 count = block_rows * cut;
    cells += (u64)first_row * pitch;

    u64 roots[3][7], sums[EACH] = {0};
    load_roots(roots[0], ring::FORWARD, 64, 0);
    load_roots(roots[1], ring::FORWARD, 8, t / 8);
    load_roots(roots[2], ring::FORWARD, 1, t);

    for (u32 first = 0; first < count; first += teams) {
        u32 polynomial = first + team, v[EACH];
        bool is_there = polynomial < count;
        uint4 multiplier = is_there ? multipliers[polynomial * TEAM + t] : make_uint4(0, 0, 0, 0);
        u32 column = polynomial % cut * DEGREE + t;
        const u8* cell = cells + (u64)(polynomial / cut) * pitch;
#pragma unroll
        for (u32 i = 0; i < EACH; i++, column += TEAM) v[i] = is_there && column < columns ? cell[column] ^ flip : 0;

        down<true>(v, roots[0]);
#pragma unroll
        for (u32 i = 0; i < EACH; i++) outer[outer_slot(t + 64 * i)] = v[i];
        __syncthreads();
#pragma unroll
        for (u32 i = 0; i < EACH; i++) v[i] = outer[outer_slot(middle + 8 * i)];
        down<false>(v, roots[1]);
#pragma unroll
        for (u32 i = 0; i < EACH; i++) inner[inner_slot(middle + 8 * i)] = v[i];
        // Between this barrier and the next one only inner elements are read, so that outer ones may be written, and the other way
        // round: one barrier a pass is enough.
        __syncthreads();
#pragma unroll
        for (u32 i = 0; i < EACH; i++) v[i] = inner[inner_slot(8 * t + i)];
        down<false>(v, roots[2]);

        add_products(sums, v, multiplier.x);
        add_products(sums + 2, v + 2, multiplier.y);
        add_products(sums + 4, v + 4, multiplier.z);
        add_products(sums + 6, v + 6, multiplier.w);
    }

    // A thread reads its own inner elements in a turn, so that it may overwrite them.
    u32 v[EACH];
#pragma unroll
    for (u32 i = 0; i < EACH; i++) inner[inner_slot(8 * t + i)] = (u32)(sums[i] % Q);
    __syncthreads();
    if (team == 0) {
#pragma unroll
        for (u32 i = 0; i < EACH; i++) {
            v[i] = 0;
            for (u32 other = 0; other < teams; other++) v[i] += exchange[other][OUTER + inner_slot(8 * t + i)];
            v[i] %= Q;
        }
        load_roots(roots[2], ring::INVERSE, 1, t);
        up(v, roots[2], 0);
#pragma unroll
        for (u32 i = 0; i < EACH; i++) inner[inner_slot(8 * t + i)] = v[i];
    }
    __syncthreads();
    if (team == 0) {
#pragma unroll
        for (u32 i = 0; i < EACH; i++) v[i] = inner[inner_slot(middle + 8 * i)];
        load_roots(roots[1], ring::INVERSE, 8, t / 8);
        up(v, roots[1], 3);
#pragma unroll
        for (u32 i = 0; i < EACH; i++) outer[outer_slot(middle + 8 * i)] = v[i];
    }
    __syncthreads();
    if (team == 0) {
#pragma unroll
        for (u32 i = 0; i < EACH; i++) v[i] = outer[outer_slot(t + 64 * i)];
        load_roots(roots[0], ring::INVERSE, 64, 0);
        up(v, roots[0], 6);
        u8* to = sketches + (u64)blockIdx.x * 2 * DEGREE;
#pragma unroll
        for (u32 i = 0; i < EACH; i++) {
            u32 number = times(v[i], ring::SCALE);
            number = number < Q ? number : number - Q;
            ((unsigned short*)to)[t + 64 * i] = (unsigned short)(number << 8 | number >> 8);
        }
    }
}

// Leaves over the sketches, 16 lanes of a warp a leaf: there are few of them, and each takes 19 permutations.
//
// leaf = H(tag, [header, rows of the block] ++ packed sketch): a sponge as in rows.cu.
extern "C" __global__ void __launch_bounds__(64) hash_sketches(const u8* sketches, u64 header, u32 rows, u32 block_bits,
                                                               u64 tag, u64* leaves, u32 count) {
    using poseidon::RATE;
    const u32 BYTES = 2 * sketch::DEGREE, ELEMENTS = 2 + (BYTES + 6) / 7;
    u32 leaf = (blockIdx.x * blockDim.x + threadIdx.x) / poseidon::LANES, lane = threadIdx.x % poseidon::LANES;
    // All lanes permute together; those without a leaf make the last one once more.
    u32 own = leaf < count ? leaf : count - 1, left = rows - (own << block_bits);
    const u8* bytes = sketches + (u64)own * BYTES;
    u64 x = lane == RATE ? tag : lane == RATE + 1 ? ELEMENTS : 0;
#pragma unroll 1
    for (u32 block = 0; block < ELEMENTS; block += RATE) {
        u32 index = block + lane;
        if (lane < RATE) {
            x = 0;
            for (u32 i = 0; i < 7; i++) {
                // Below 0 and thus far beyond the end for the first two elements.
                u32 place = 7 * (index - 2) + i;
                x = x << 8 | (place < BYTES ? bytes[place] : 0);
            }
            if (index == 0) x = header;
            if (index == 1) x = left < 1u << block_bits ? left : 1u << block_bits;
        }
        x = poseidon::permute_together(x);
    }
    if (lane < poseidon::DIGEST && leaf < count) leaves[4 * (u64)leaf + lane] = gl::canonical(x);
}
