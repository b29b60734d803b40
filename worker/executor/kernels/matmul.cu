// Matrix product with requantisation (product.cu).
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
    for (u32 start = 0; start < words; start += DEPTH) {
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
