// Matrix product with requantisation: on tensor cores (tiles.cu) and without them (product.cu).
//
// The items are the vectors of all rows: `vectors` of `inner` cells in a row of `a`, and of `columns` cells in a row of `y`.
// Rows are `pitch` bytes apart (multiples of 16). Bytes of `a` beyond a vector may hold anything: they are masked.

// Four cells of a vector that need not begin at a word.
__device__ __forceinline__ u32 load_vector(const u8* vector, u32 word, u32 inner, u32 flip) {
    if (!vector || 4 * word >= inner) return 0;
    u32 valid = inner - 4 * word < 4 ? inner - 4 * word : 4;
    const u8* cells = vector + 4 * word;
    u32 loaded = 0;
    if (((u64)cells & 3) == 0) {
        loaded = *(const u32*)cells;
    } else {
        for (u32 i = 0; i < valid; i++) loaded |= (u32)cells[i] << (8 * i);
    }
    loaded ^= flip;
    return valid == 4 ? loaded : loaded & ((1u << (8 * valid)) - 1);
}

extern "C" __global__ void matmul(const u8* a, u32 a_pitch, u32 a_flip, const u8* b, u32 b_pitch,
                                  const u32* bias, const u32* weight_zero, const u32* multiplier, const u8* shift,
                                  u8* y, u32 y_pitch, u32 rows, u32 vectors, u32 inner, u32 columns,
                                  int output_zero, int low, int high) {
    __shared__ Tile a_tile;
    __shared__ Tile b_tile;
    u32 thread = threadIdx.x, tx = thread % 16, ty = thread / 16;
    u32 first_item = blockIdx.x * TILE, first_column = blockIdx.y * TILE;
    const u8* lines[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        u32 item = first_item + ty + 16 * i;
        lines[i] = item < rows * vectors ? a + (u64)(item / vectors) * a_pitch + (item % vectors) * inner : nullptr;
    }
    Sums sums;
    clear(sums);
    u32 words = (inner + 3) / 4;
    for (u32 start = 0; start < words; start += WORDS) {
#pragma unroll
        for (int i = 0; i < 4; i++) a_tile[ty + 16 * i][tx] = load_vector(lines[i], start + tx, inner, a_flip);
        load_columns(b_tile, b, b_pitch, first_column, columns, start, words, tx, ty);
        __syncthreads();
        multiply(a_tile, b_tile, tx, ty, sums);
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
        u32 c = first_column + tx + 16 * j;
        if (c >= columns) continue;
        Column column = {bias[c], weight_zero[c], multiplier[c], shift[c]};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            u32 item = first_item + ty + 16 * i;
            if (item >= rows * vectors) continue;
            u8* line = y + (u64)(item / vectors) * y_pitch + (u64)(item % vectors) * columns;
            line[c] = finish(sums.acc[i][j], sums.rows[i], column, output_zero, low, high);
        }
    }
}

// The same on tensor cores. Items lie `item_pitch` bytes apart (a multiple of 16; vectors that do not are copied to such lines
// before: align_vectors); rows of `y` hold `vectors` of them. Blocks are numbered in one direction.
template <class S>
__device__ __forceinline__ void tensor_matmul(const u8* a, u32 item_pitch, u32 a_flip, const u8* b, u32 b_pitch,
                                              const tiles::Finish& by, u8* y, u32 y_pitch, u32 items, u32 vectors,
                                              u32 inner, u32 columns) {
    __shared__ uint4 stages[tiles::STAGES * S::STAGE];
    u32 across = (columns + S::COLUMNS - 1) / S::COLUMNS, down = (items + S::ITEMS - 1) / S::ITEMS, tile_y, tile_x;
    tiles::tile_of(blockIdx.x, down, across, &tile_y, &tile_x);
    u32 first_item = tile_y * S::ITEMS, first_column = tile_x * S::COLUMNS;
    u32 own_items = items - first_item, own_columns = columns - first_column, chunks = (inner + 15) / 16;
    tiles::Lines left = {a + (u64)first_item * item_pitch, item_pitch, own_items, chunks};
    tiles::Lines right = {b + (u64)first_column * b_pitch, b_pitch, own_columns, chunks};
    tiles::Parts<S> sums;
    tiles::product<S>(stages, left, right, a_flip, (chunks + tiles::CHUNKS - 1) / tiles::CHUNKS, sums);
    u8* cells = (u8*)stages;
    tiles::finish_tile<S, false>(cells, sums, by, first_item, own_items, first_column, own_columns);
    const u32 pieces = S::COLUMNS / 16, pitch = tiles::Pitch<S::COLUMNS>::BYTES;
    for (u32 i = threadIdx.x; i < S::ITEMS * pieces; i += S::THREADS) {
        u32 item = i / pieces, column = i % pieces * 16;
        if (item >= own_items || column >= own_columns) continue;
        const u8* piece = cells + item * pitch + column;
        u32 own = first_item + item, vector = vectors == 1 ? 0 : own % vectors, row = vectors == 1 ? own : own / vectors;
        u8* to = y + (u64)row * y_pitch + (u64)vector * columns + first_column + column;
        if (vectors == 1 || columns % 16 == 0) {
            // Bytes between the rows may be anything.
            *(uint4*)to = *(const uint4*)piece;
        } else {
            u32 count = own_columns - column < 16 ? own_columns - column : 16;
            for (u32 c = 0; c < count; c++) to[c] = piece[c];
        }
    }
}

#define TENSOR_MATMUL(name, shape, blocks)                                                                                     \
    extern "C" __global__ void __launch_bounds__(shape::THREADS, blocks)                                                       \
        name(const u8* a, u32 item_pitch, u32 a_flip, const u8* b, u32 b_pitch, const u32* bias, const u32* weight_zero,       \
             const u32* multiplier, const u8* shift, const int* item_sums, u8* y, u32 y_pitch, u32 items, u32 vectors,         \
             u32 inner, u32 columns, int output_zero, int low, int high) {                                                     \
        tiles::Finish by = {bias, weight_zero, multiplier, shift, item_sums, output_zero, low, high};                          \
        tensor_matmul<shape>(a, item_pitch, a_flip, b, b_pitch, by, y, y_pitch, items, vectors, inner, columns);               \
    }
TENSOR_MATMUL(matmul_large, tiles::Large, 2)
TENSOR_MATMUL(matmul_small, tiles::Small, 4)

// Vectors of rows as lines of their own, `to_pitch` bytes apart (a multiple of 16, at least `inner`), as signed cells; one thread
// for 16 cells. Cells behind a vector are zero.
extern "C" __global__ void align_vectors(const u8* a, u32 a_pitch, u32 a_flip, u32 vectors, u32 inner, u8* to, u32 to_pitch,
                                         u32 items) {
    u32 chunks = to_pitch / 16, i = blockIdx.x * blockDim.x + threadIdx.x, item = i / chunks, chunk = i % chunks;
    if (item >= items) return;
    const u8* vector = a + (u64)(item / vectors) * a_pitch + (u64)(item % vectors) * inner;
    u32 first = 4 * chunk;
    uint4 cells = make_uint4(load_vector(vector, first, inner, a_flip), load_vector(vector, first + 1, inner, a_flip),
                             load_vector(vector, first + 2, inner, a_flip), load_vector(vector, first + 3, inner, a_flip));
    *(uint4*)(to + (u64)item * to_pitch + 16 * chunk) = cells;
}

// The sum of each item's signed cells; a warp an item.
extern "C" __global__ void item_sums(const u8* a, u32 item_pitch, u32 a_flip, u32 inner, int* sums, u32 items) {
    // More than 2^32 threads there may be: 2^31 items of a warp each.
    u32 item = (u32)(((u64)blockIdx.x * blockDim.x + threadIdx.x) / 32), lane = threadIdx.x % 32;
    const u8* line = item < items ? a + (u64)item * item_pitch : nullptr;
    int sum = 0;
    for (u32 word = lane; word < (inner + 3) / 4; word += 32)
        sum = __dp4a((int)load_vector(line, word, inner, a_flip), 0x01010101, sum);
    sum = warp::sum(sum);
    if (lane == 0 && item < items) sums[item] = sum;
}

// Cells as signed ones, of either type; one thread for 16.
extern "C" __global__ void to_signed(const u8* a, u32 flip, u8* to, u32 chunks) {
    u32 chunk = blockIdx.x * blockDim.x + threadIdx.x;
    if (chunk >= chunks) return;
    uint4 cells = ((const uint4*)a)[chunk];
    ((uint4*)to)[chunk] = make_uint4(cells.x ^ flip, cells.y ^ flip, cells.z ^ flip, cells.w ^ flip);
}

// Finishes sums that a library has made of items `first`.. ; lines of sums lie `pitch` sums apart (a multiple of 16, at least
// `columns`). One thread for four columns.
extern "C" __global__ void finish_sums(const int* sums, u32 pitch, const u32* bias, const u32* weight_zero,
                                       const u32* multiplier, const u8* shift, const int* item_sums, u8* y, u32 y_pitch,
                                       u32 first, u32 items, u32 vectors, u32 columns, int output_zero, int low, int high) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x, quads = pitch / 4, item = i / quads, column = i % quads * 4;
    if (item >= items || column >= columns) return;
    u32 own = first + item;
    int4 words = *(const int4*)(sums + (u64)item * pitch + column);
    int accs[4] = {words.x, words.y, words.z, words.w};
    int of_item = item_sums ? item_sums[own] : 0;
    u32 count = columns - column < 4 ? columns - column : 4, cells = 0;
#pragma unroll
    for (u32 c = 0; c < 4; c++) {
        if (c >= count) break;
        u32 at = column + c;
        Column constants = {bias[at], item_sums ? weight_zero[at] : 0, multiplier[at], shift[at]};
        cells |= (u32)finish(accs[c], of_item, constants, output_zero, low, high) << (8 * c);
    }
    u8* to = y + (u64)(own / vectors) * y_pitch + (u64)(own % vectors) * columns + column;
    if (vectors == 1 || columns % 4 == 0) {
        // Bytes between the rows may be anything.
        *(u32*)to = cells;
    } else {
        for (u32 c = 0; c < count; c++) to[c] = (u8)(cells >> (8 * c));
    }
}
