// The inner loop of products of 8-bit cells, for matrix products and convolutions.
//
// With signed cells a = raw ^ flip (uint8 becomes c - 128, and zero points move alike), for item i and column j:
//
//   acc[i][j] = sum_k a[i][k] * b[j][k] - weight_zero[j] * sum_k a[i][k] + bias[j]
//
// where the host has folded the input's zero point into `bias` (see cuda/matmul.rs). All sums are modulo 2^32, and the
// program's check has proven that the true accumulator fits 32 bits. Then
//
//   y[i][j] = clamp(round_shift(acc * multiplier[j], shift[j]) + output_zero, low, high)
//
// A block of 256 threads makes 64 items x 64 columns from tiles of 64 items x 16 words (4 cells each); a thread makes 4 x 4:
// items ty + 16 i and columns tx + 16 j. `b` is transposed: a line for each column, `b_pitch` bytes apart (a multiple of 4),
// words of zeros at its end.

static const u32 TILE = 64;
static const u32 WORDS = 16;

// Lines of words, one more than the depth, so that a column of the tile lies in different banks.
typedef u32 Tile[TILE][WORDS + 1];

struct Sums {
    int acc[4][4];
    int rows[4];
};

__device__ __forceinline__ void clear(Sums& sums) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        sums.rows[i] = 0;
#pragma unroll
        for (int j = 0; j < 4; j++) sums.acc[i][j] = 0;
    }
}

// Words `start`.. of the columns' lines from `first` on.
__device__ __forceinline__ void load_columns(Tile& tile, const u8* b, u32 b_pitch, u32 first, u32 columns, u32 start,
                                             u32 words, u32 tx, u32 ty) {
#pragma unroll
    for (u32 i = 0; i < TILE; i += 16) {
        u32 column = first + ty + i, word = start + tx;
        bool is_there = column < columns && word < words;
        tile[ty + i][tx] = is_there ? *(const u32*)(b + (u64)column * b_pitch + 4 * word) : 0;
    }
}

__device__ __forceinline__ void multiply(const Tile& a, const Tile& b, u32 tx, u32 ty, Sums& sums) {
#pragma unroll
    for (int k = 0; k < WORDS; k++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int cells = (int)a[ty + 16 * i][k];
            sums.rows[i] = __dp4a(cells, 0x01010101, sums.rows[i]);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                sums.acc[i][j] = __dp4a(cells, (int)b[tx + 16 * j][k], sums.acc[i][j]);
            }
        }
    }
}

// What a column's sums are finished with.
struct Column {
    u32 bias;
    u32 weight_zero;
    u32 multiplier;
    u32 shift;
};

__device__ __forceinline__ u8 finish(int acc, int row, const Column& column, int output_zero, int low, int high) {
    // Unsigned, since signed overflow is undefined; the sum modulo 2^32 is what is meant.
    int total = (int)((u32)acc - column.weight_zero * (u32)row + column.bias);
    // |total * multiplier| < 2^62 and the rounding's bias is at most 2^61 + 2^23.
    return settle(round_shift((long long)total * column.multiplier, column.shift), output_zero, low, high);
}
