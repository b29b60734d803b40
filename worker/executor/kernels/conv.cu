// Convolution with requantisation (window.cu): without tensor cores (product.cu) and, further below, with them (tiles.cu).
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
    for (u32 start = 0; start < words; start += WORDS) {
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

// On tensor cores, windows are read with their channels last: a position's cells of a group's channels lie together, `depth`
// bytes (a multiple of 16; zeros behind the last channel), so that a chunk of 16 cells of a window lies together.

// Planes with their channels last, as signed cells; one thread for 16 channels of a position. `channels` are a group's.
extern "C" __global__ void channels_last(const u8* x, u32 x_pitch, u32 flip, u32 plane, u32 groups, u32 channels, u32 depth,
                                         u8* to, u32 rows) {
    // Neighbours take neighbouring positions, so that what they read lies together.
    u32 chunks = depth / 16;
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x, part = i / plane;
    u32 position = (u32)(i % plane), chunk = (u32)(part % chunks), group = (u32)(part / chunks % groups);
    u64 row = part / chunks / groups;
    if (row >= rows) return;
    const u8* cells = x + row * x_pitch + ((u64)group * channels + 16 * chunk) * plane + position;
    u32 words[4] = {0, 0, 0, 0};
#pragma unroll
    for (u32 c = 0; c < 16; c++) {
        u32 cell = 16 * chunk + c < channels ? (cells[(u64)c * plane] ^ flip) & 0xff : 0;
        words[c / 4] |= cell << (8 * (c % 4));
    }
    u8* line = to + ((row * plane + position) * groups + group) * depth;
    *(uint4*)(line + 16 * chunk) = make_uint4(words[0], words[1], words[2], words[3]);
}

// Where a chunk of windows lies: down and right of the window's first cell, and behind the first channel.
struct Place {
    int down, right;
    u32 channel;
    u32 unused;
};

// The left side of the product: the windows of a block's items. `fill` is a position outside of the plane.
template <int LINES>
struct Windows {
    const u8* fill;
    const Place* places;
    u32 chunks, width, height;
    u64 step;  // bytes from position to position
    const u8* rows[LINES];  // of the group's channels; null beyond the last item
    int ys[LINES], xs[LINES];
    Place place;  // of the chunk that this thread copies next
    u32 chunk;

    __device__ __forceinline__ void look() {
        if (chunk < chunks) {
            int4 words = *(const int4*)(places + chunk);
            place = {words.x, words.y, (u32)words.z, 0};
        }
    }
    __device__ __forceinline__ void begin() {
        chunk = threadIdx.x % tiles::CHUNKS;
        look();
    }
    __device__ __forceinline__ void copy(uint4* to, u32, u32 i, u32) const {
        bool is_there = rows[i] && chunk < chunks;
        int y = ys[i] + place.down, x = xs[i] + place.right;
        bool is_real = is_there && y >= 0 && y < (int)height && x >= 0 && x < (int)width;
        const u8* from = is_real ? rows[i] + (u64)(y * (int)width + x) * step : fill;
        warp::start_copy(to, is_there ? from + place.channel : fill, is_there ? 16 : 0);
    }
    __device__ __forceinline__ void next() {
        chunk += tiles::CHUNKS;
        look();
    }
};

template <class S>
__device__ __forceinline__ void tensor_conv(const u8* a, u32 depth, const u8* fill, const Window* window, const Place* places,
                                            u32 chunks, const u8* b, u32 b_pitch, const tiles::Finish& by, u8* y,
                                            u32 y_pitch, u32 rows, u32 outputs, u32 groups) {
    __shared__ uint4 stages[tiles::STAGES * S::STAGE];
    const Window w = *window;
    u32 positions = w.output[0] * w.output[1], items = rows * positions;
    u32 across = (outputs + S::COLUMNS - 1) / S::COLUMNS, down = (items + S::ITEMS - 1) / S::ITEMS, tile_y, tile_x;
    u32 group = blockIdx.x % groups;
    tiles::tile_of(blockIdx.x / groups, down, across, &tile_y, &tile_x);
    u32 first_item = tile_y * S::ITEMS, first_output = tile_x * S::COLUMNS, first_column = group * outputs + first_output;
    u32 own_items = items - first_item, own_columns = outputs - first_output;
    u64 step = (u64)groups * depth, plane = (u64)w.input[0] * w.input[1] * step;
    Windows<S::LEFT_LINES> left;
    left.fill = fill;
    left.places = places;
    left.chunks = chunks;
    left.height = w.input[0];
    left.width = w.input[1];
    left.step = step;
#pragma unroll
    for (u32 i = 0; i < S::LEFT_LINES; i++) {
        u32 item = first_item + threadIdx.x / tiles::CHUNKS + i * S::STEP, position = item % positions;
        left.rows[i] = item < items ? a + item / positions * plane + group * depth : nullptr;
        left.ys[i] = window_start(w, 0, position / w.output[1]);
        left.xs[i] = window_start(w, 1, position % w.output[1]);
    }
    tiles::Lines right = {b + (u64)first_column * b_pitch, b_pitch, own_columns, chunks};
    tiles::Parts<S> sums;
    tiles::product<S>(stages, left, right, 0, (chunks + tiles::CHUNKS - 1) / tiles::CHUNKS, sums);
    u8* cells = (u8*)stages;
    tiles::Finish own = by;
    if (own.items) own.items += (u64)group * items;
    tiles::finish_tile<S, true>(cells, sums, own, first_item, own_items, first_column, own_columns);
    const u32 pieces = S::ITEMS / 16, pitch = tiles::Pitch<S::ITEMS>::BYTES;
    for (u32 i = threadIdx.x; i < S::COLUMNS * pieces; i += S::THREADS) {
        u32 column = i / pieces, item = i % pieces * 16;
        if (column >= own_columns || item >= own_items) continue;
        const u8* piece = cells + column * pitch + item;
        u64 channel = (u64)(first_column + column) * positions;
        u32 first = first_item + item;
        if (positions % 16 == 0) {
            *(uint4*)(y + (u64)(first / positions) * y_pitch + channel + first % positions) = *(const uint4*)piece;
            continue;
        }
        u32 count = own_items - item < 16 ? own_items - item : 16, row = first / positions, position = first % positions;
        for (u32 c = 0; c < count; c++) {
            y[(u64)row * y_pitch + channel + position] = piece[c];
            if (++position == positions) {
                position = 0;
                row++;
            }
        }
    }
}

#define TENSOR_CONV(name, shape, blocks)                                                                                       \
    extern "C" __global__ void __launch_bounds__(shape::THREADS, blocks)                                                       \
        name(const u8* a, u32 depth, const u8* fill, const Window* window, const Place* places, u32 chunks, const u8* b,       \
             u32 b_pitch, const u32* bias, const u32* weight_zero, const u32* multiplier, const u8* shift,                     \
             const int* window_sums, u8* y, u32 y_pitch, u32 rows, u32 outputs, u32 groups, int output_zero, int low,          \
             int high) {                                                                                                       \
        tiles::Finish by = {bias, weight_zero, multiplier, shift, window_sums, output_zero, low, high};                        \
        tensor_conv<shape>(a, depth, fill, window, places, chunks, b, b_pitch, by, y, y_pitch, rows, outputs, groups);         \
    }
TENSOR_CONV(conv_large, tiles::Large, 2)
TENSOR_CONV(conv_small, tiles::Small, 4)

// The sum of the signed cells of each window, group after group; one thread a window.
extern "C" __global__ void window_sums(const u8* a, u32 depth, const u8* fill, const Window* window, const Place* places,
                                       u32 chunks, int* sums, u32 rows, u32 groups) {
    const Window w = *window;
    u32 positions = w.output[0] * w.output[1], items = rows * positions;
    u32 i = blockIdx.x * blockDim.x + threadIdx.x, group = i / items, item = i % items, position = item % positions;
    if (group >= groups) return;
    u64 step = (u64)groups * depth;
    const u8* row = a + (u64)(item / positions) * w.input[0] * w.input[1] * step + group * depth;
    int top = window_start(w, 0, position / w.output[1]), left = window_start(w, 1, position % w.output[1]);
    int sum = 0;
    for (u32 chunk = 0; chunk < chunks; chunk++) {
        int4 place = *(const int4*)(places + chunk);
        int y = top + place.x, x = left + place.y;
        bool is_real = y >= 0 && y < (int)w.input[0] && x >= 0 && x < (int)w.input[1];
        const u8* from = is_real ? row + (u64)(y * (int)w.input[1] + x) * step : fill;
        uint4 cells = *(const uint4*)(from + (u32)place.z);
        sum = __dp4a((int)cells.x, 0x01010101, sum);
        sum = __dp4a((int)cells.y, 0x01010101, sum);
        sum = __dp4a((int)cells.z, 0x01010101, sum);
        sum = __dp4a((int)cells.w, 0x01010101, sum);
    }
    sums[i] = sum;
}
