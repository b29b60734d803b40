// Matrix product of 8-bit cells with requantisation.
//
// With signed cells a = raw ^ flip (uint8 becomes c - 128, and zero points move alike):
//
//   acc[i][j] = sum_k a[i][k] * b[j][k] - weight_zero[j] * sum_k a[i][k] + bias[j]
//
// where the host has folded the input's zero point into `bias` (see cuda/matmul.rs). All sums are modulo 2^32, and the
// program's check has proven that the true accumulator fits 32 bits. Then
//
//   y[i][j] = clamp(floor((acc * multiplier[j] + 2^(shift[j]-1)) / 2^shift[j]) + output_zero, low, high)
//
// A block of 256 threads makes 64 x 64 outputs from tiles of 64 rows x 16 words (4 cells each); a thread makes 4 x 4.
// Rows of `a` and `y` are `pitch` bytes apart (multiples of 4); `b` is transposed: a row for each output column,
// words of zeros at its end. Bytes of `a` beyond `inner` may hold anything: they are masked.

#define TILE 64
#define DEPTH 16

__device__ u32 load_word(const u8* matrix, u32 pitch, u32 row, u32 rows, u32 word, u32 inner, u32 flip) {
    if (row >= rows || 4 * word >= inner) return 0;
    u32 cells = *(const u32*)(matrix + (u64)row * pitch + 4 * word) ^ flip;
    u32 valid = inner - 4 * word;
    return valid >= 4 ? cells : cells & ((1u << (8 * valid)) - 1);
}

extern "C" __global__ void matmul(const u8* a, u32 a_pitch, u32 a_flip, const u8* b, u32 b_pitch,
                                  const int* bias, const int* weight_zero, const u32* multiplier, const u8* shift,
                                  u8* y, u32 y_pitch, u32 rows, u32 inner, u32 columns, int output_zero, int low,
                                  int high) {
    // One word more than the depth, so that a column of the tile lies in different banks.
    __shared__ u32 a_tile[TILE][DEPTH + 1];
    __shared__ u32 b_tile[TILE][DEPTH + 1];
    u32 thread = threadIdx.x, tx = thread % 16, ty = thread / 16;
    u32 first_row = blockIdx.x * TILE, first_column = blockIdx.y * TILE;
    int acc[4][4], sums[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        sums[i] = 0;
#pragma unroll
        for (int j = 0; j < 4; j++) acc[i][j] = 0;
    }
    u32 words = (inner + 3) / 4;
    for (u32 start = 0; start < words; start += DEPTH) {
#pragma unroll
        for (u32 i = 0; i < TILE; i += 16) {
            a_tile[ty + i][tx] = load_word(a, a_pitch, first_row + ty + i, rows, start + tx, inner, a_flip);
            b_tile[ty + i][tx] = load_word(b, b_pitch, first_column + ty + i, columns, start + tx, inner, 0);
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int cells = (int)a_tile[ty + 16 * i][k];
                sums[i] = __dp4a(cells, 0x01010101, sums[i]);
#pragma unroll
                for (int j = 0; j < 4; j++) acc[i][j] = __dp4a(cells, (int)b_tile[tx + 16 * j][k], acc[i][j]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
        u32 column = first_column + tx + 16 * j;
        if (column >= columns) continue;
        u32 s = shift[column];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            u32 row = first_row + ty + 16 * i;
            if (row >= rows) continue;
            // Unsigned, since signed overflow is undefined; the sum modulo 2^32 is what is meant.
            int total = (int)((u32)acc[i][j] - (u32)weight_zero[column] * (u32)sums[i] + (u32)bias[column]);
            // |total * multiplier| < 2^62 and the rounding term is at most 2^61; the shift of a negative number is
            // arithmetic, that is, rounds down.
            long long q = ((long long)total * multiplier[column] + (1ll << (s - 1))) >> s;
            q += output_zero;
            q = q < low ? low : q > high ? high : q;
            y[(u64)row * y_pitch + column] = (u8)q;
        }
    }
}
