// The inner loop of products on tensor cores, for matrix products and convolutions; what is computed says product.cu.
//
// A block makes a tile of items x columns, each warp a part of it. The inner dimension comes in stages of 64 cells: while one
// is multiplied, the next ones are on their way to shared memory. A line of a stage is an item's or a column's 64 cells, 4
// chunks of 16; chunk c of line l lies at place c ^ (l / 2 % 4) of the line, so that neither the copies nor the matrices that
// are read (8 lines, one chunk) meet in a bank.
//
// Cells of the left side beyond the inner dimension may be anything: the right side is zero there.

namespace tiles {

static const int DEPTH = 64;
static const int CHUNKS = DEPTH / 16;
static const int STAGES = 3;

template <int ITEMS_, int COLUMNS_, int DOWN_, int ACROSS_>
struct Shape {
    static const int ITEMS = ITEMS_, COLUMNS = COLUMNS_;    // of a block
    static const int DOWN = DOWN_, ACROSS = ACROSS_;        // warps of it
    static const int THREADS = 32 * DOWN * ACROSS;
    static const int WARP_ITEMS = ITEMS / DOWN, WARP_COLUMNS = COLUMNS / ACROSS;
    static const int LEFT = WARP_ITEMS / 16, RIGHT = WARP_COLUMNS / 8;  // tiles of the instruction in a warp's part
    static const int STAGE = (ITEMS + COLUMNS) * CHUNKS;
    // Lines that a thread copies of: always the same chunk, `STEP` lines apart.
    static const int STEP = THREADS / CHUNKS;
    static const int LEFT_LINES = ITEMS / STEP, RIGHT_LINES = COLUMNS / STEP;
};

typedef Shape<128, 128, 2, 2> Large;
typedef Shape<64, 64, 2, 2> Small;

__device__ __forceinline__ u32 place(u32 line, u32 chunk) { return line * CHUNKS + (chunk ^ (line / 2 % CHUNKS)); }

// A side of a product whose lines lie at one distance, such as the weights.
struct Lines {
    const u8* first;  // the block's first line
    u64 pitch;        // a multiple of 16
    u32 count;        // lines from there on
    u32 chunks;       // of a line

    __device__ __forceinline__ void begin() {}
    __device__ __forceinline__ void copy(uint4* to, u32 line, u32, u32 chunk) const {
        bool is_there = line < count && chunk < chunks;
        warp::start_copy(to, is_there ? first + line * pitch + 16 * chunk : first, is_there ? 16 : 0);
    }
    __device__ __forceinline__ void next() {}
};

template <class S>
using Parts = warp::Sums[S::LEFT][S::RIGHT];

template <class S, class Side>
__device__ __forceinline__ void load(uint4* stage, Side& left, const Lines& right, u32 step) {
    u32 chunk = threadIdx.x % CHUNKS, line = threadIdx.x / CHUNKS;
#pragma unroll
    for (u32 i = 0; i < S::LEFT_LINES; i++) {
        u32 own = line + i * S::STEP;
        left.copy(stage + place(own, chunk), own, i, step * CHUNKS + chunk);
    }
    left.next();
#pragma unroll
    for (u32 i = 0; i < S::RIGHT_LINES; i++) {
        u32 own = line + i * S::STEP;
        right.copy(stage + place(S::ITEMS + own, chunk), own, i, step * CHUNKS + chunk);
    }
}

// The warp's part of the product of the stage's cells.
template <class S>
__device__ __forceinline__ void multiply(const uint4* stage, u32 flip, Parts<S>& sums) {
    u32 lane = threadIdx.x % 32, wide = threadIdx.x / 32;
    u32 items = wide / S::ACROSS * S::WARP_ITEMS, columns = S::ITEMS + wide % S::ACROSS * S::WARP_COLUMNS;
#pragma unroll
    for (u32 half = 0; half < DEPTH / 32; half++) {
        warp::Left a[S::LEFT];
        warp::Right b[S::RIGHT];
#pragma unroll
        for (u32 i = 0; i < S::LEFT; i++) {
            // Matrices: upper rows, lower rows, the same of the second 16 cells.
            warp::load_matrices(a[i], stage + place(items + 16 * i + lane % 16, 2 * half + lane / 16));
#pragma unroll
            for (int r = 0; r < 4; r++) a[i][r] ^= flip;
        }
#pragma unroll
        for (u32 j = 0; j < S::RIGHT; j += 2) {
            // Matrices: both halves of 8 columns, then of the next 8.
            u32 words[4];
            u32 line = columns + 8 * j + lane % 8 + lane / 16 * 8;
            warp::load_matrices(words, stage + place(line, 2 * half + lane / 8 % 2));
#pragma unroll
            for (int r = 0; r < 4; r++) b[j + r / 2][r % 2] = words[r];
        }
#pragma unroll
        for (u32 i = 0; i < S::LEFT; i++)
#pragma unroll
            for (u32 j = 0; j < S::RIGHT; j++) warp::multiply(sums[i][j], a[i], b[j]);
    }
}

// The whole inner dimension, `steps` stages of it. Shared memory is free when this returns.
template <class S, class Side>
__device__ __forceinline__ void product(uint4* stages, Side& left, const Lines& right, u32 flip, u32 steps,
                                        Parts<S>& sums) {
#pragma unroll
    for (u32 i = 0; i < S::LEFT; i++)
#pragma unroll
        for (u32 j = 0; j < S::RIGHT; j++)
#pragma unroll
            for (int r = 0; r < 4; r++) sums[i][j][r] = 0;
    left.begin();
#pragma unroll
    for (u32 step = 0; step < STAGES - 1; step++) {
        if (step < steps) load<S>(stages + step * S::STAGE, left, right, step);
        warp::close_group();
    }
    u32 now = 0;  // the stage to multiply
    for (u32 step = 0; step < steps; step++) {
        warp::finish_groups<STAGES - 2>();
        // The stage has arrived for all, and all have left the one that is filled next.
        __syncthreads();
        u32 next = now == 0 ? STAGES - 1 : now - 1;
        if (step + STAGES - 1 < steps) load<S>(stages + next * S::STAGE, left, right, step + STAGES - 1);
        warp::close_group();
        multiply<S>(stages + now * S::STAGE, flip, sums);
        now = now == STAGES - 1 ? 0 : now + 1;
    }
    warp::finish_groups<0>();
    __syncthreads();
}

// What columns are finished with; `items` are the sums of the items' cells, or null where all weight zeros are zero.
struct Finish {
    const u32* bias;
    const u32* weight_zero;
    const u32* multiplier;
    const u8* shift;
    const int* items;
    int output_zero, low, high;
};

// Bytes from line to line of a finished tile: as many as keep lines aligned and out of each other's banks.
template <int LENGTH>
struct Pitch {
    static const u32 BYTES = LENGTH + 16;
};

// Finishes the tile into shared memory: lines are the tile's items or, with COLUMNS_FIRST, its columns. `columns` are from
// the block's first one on, `items` likewise; the rest of the tile may be anything.
template <class S, bool COLUMNS_FIRST>
__device__ __forceinline__ void finish_tile(u8* cells, const Parts<S>& sums, const Finish& by, u32 first_item, u32 items,
                                            u32 first_column, u32 columns) {
    const u32 pitch = Pitch<COLUMNS_FIRST ? S::ITEMS : S::COLUMNS>::BYTES;
    u32 lane = threadIdx.x % 32, wide = threadIdx.x / 32;
    u32 first_line = wide / S::ACROSS * S::WARP_ITEMS + lane / 4;
    int of_item[S::LEFT][2];
#pragma unroll
    for (u32 i = 0; i < S::LEFT; i++)
#pragma unroll
        for (u32 r = 0; r < 2; r++) {
            u32 item = first_line + 16 * i + 8 * r;
            of_item[i][r] = by.items && item < items ? by.items[first_item + item] : 0;
        }
#pragma unroll
    for (u32 j = 0; j < S::RIGHT; j++) {
#pragma unroll
        for (u32 c = 0; c < 2; c++) {
            u32 column = wide % S::ACROSS * S::WARP_COLUMNS + 8 * j + 2 * (lane % 4) + c;
            if (column >= columns) continue;
            u32 own = first_column + column;
            Column constants = {by.bias[own], by.items ? by.weight_zero[own] : 0, by.multiplier[own], by.shift[own]};
#pragma unroll
            for (u32 i = 0; i < S::LEFT; i++)
#pragma unroll
                for (u32 r = 0; r < 2; r++) {
                    u32 item = first_line + 16 * i + 8 * r;
                    u8 cell = finish(sums[i][j][2 * r + c], of_item[i][r], constants, by.output_zero, by.low, by.high);
                    cells[COLUMNS_FIRST ? column * pitch + item : item * pitch + column] = cell;
                }
        }
    }
    __syncthreads();
}

// Which tile a block makes: blocks that run at the same time share lines of both sides, which stay in the cache.
__device__ __forceinline__ void tile_of(u32 block, u32 down, u32 across, u32* y, u32* x) {
    const u32 HEIGHT = 8;
    u32 first = block / (HEIGHT * across) * HEIGHT, within = block % (HEIGHT * across);
    u32 height = down - first < HEIGHT ? down - first : HEIGHT;
    *y = first + within % height;
    *x = within / height;
}

}  // namespace tiles
