// Convolution with requantisation (product.cu, window.cu).
//
// The items are the positions of all rows; item i is position i % positions of row i / positions. Their cells are gathered
// while they are loaded: entry k of `places` says where the k-th cell of a window lies, as {offset of its channel from the
// group's first one, vertical and horizontal distance from the window's first cell}. Cells outside the plane are `fill`, the
// input's zero point as a signed cell, so that they contribute nothing. `inner` = cells of a window in a group's channels,
// `outputs` = output channels of a group. Blocks are numbered in one direction, since there may be more groups than a grid
// takes in the others: tiles of output channels first, then groups, then items.

// Where the windows of one item are.
struct Item {
    const u8* row;  // of the group's first channel; null beyond the last item
    int y, x;       // of the window's first cell
};

__device__ __forceinline__ u32 gather_word(const Item& item, const Window& w, const int* places, u32 word, u32 inner,
                                           u32 flip, u32 fill) {
    if (!item.row) return 0;
    u32 cells = 0;
    for (u32 i = 0; i < 4; i++) {
        u32 k = 4 * word + i;
        if (k >= inner) break;
        int y = item.y + places[3 * k + 1], x = item.x + places[3 * k + 2];
        bool is_real = y >= 0 && y < (int)w.input[0] && x >= 0 && x < (int)w.input[1];
        u32 cell = is_real ? (item.row[places[3 * k] + y * (int)w.input[1] + x] ^ flip) & 0xff : fill;
        cells |= cell << (8 * i);
    }
    return cells;
}

extern "C" __global__ void conv(const u8* a, u32 a_pitch, u32 a_flip, u32 fill, const Window* window, const int* places,
                                const u8* b, u32 b_pitch, const u32* bias, const u32* weight_zero,
                                const u32* multiplier, const u8* shift, u8* y, u32 y_pitch, u32 rows, u32 inner,
                                u32 outputs, u32 groups, u32 group_cells, int output_zero, int low, int high) {
    __shared__ Tile a_tile;
    __shared__ Tile b_tile;
    const Window w = *window;
    u32 thread = threadIdx.x, tx = thread % 16, ty = thread / 16;
    u32 tiles = (outputs + TILE - 1) / TILE, block = blockIdx.x;
    u32 first_column = block % tiles * TILE, group = block / tiles % groups, first_item = block / tiles / groups * TILE;
    u32 positions = w.output[0] * w.output[1], all = rows * positions;
    const u8* weights = b + (u64)group * outputs * b_pitch;
    Item items[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        u32 item = first_item + ty + 16 * i, position = item % positions;
        items[i].row = item < all ? a + (u64)(item / positions) * a_pitch + (u64)group * group_cells : nullptr;
        items[i].y = window_start(w, 0, position / w.output[1]);
        items[i].x = window_start(w, 1, position % w.output[1]);
    }
    Sums sums;
    clear(sums);
    u32 words = (inner + 3) / 4;
    for (u32 start = 0; start < words; start += DEPTH) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            a_tile[ty + 16 * i][tx] = gather_word(items[i], w, places, start + tx, inner, a_flip, fill);
        }
        load_columns(b_tile, weights, b_pitch, first_column, outputs, start, words, tx, ty);
        __syncthreads();
        multiply(a_tile, b_tile, tx, ty, sums);
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
        u32 output = first_column + tx + 16 * j;
        if (output >= outputs) continue;
        u32 channel = group * outputs + output;
        Column column = {bias[channel], weight_zero[channel], multiplier[channel], shift[channel]};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            u32 item = first_item + ty + 16 * i;
            if (item >= all) continue;
            u8* plane = y + (u64)(item / positions) * y_pitch + (u64)channel * positions;
            plane[item % positions] = finish(sums.acc[i][j], sums.rows[i], column, output_zero, low, high);
        }
    }
}
