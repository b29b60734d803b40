// Averages of windows (window.cu), one thread an output cell. The zero point counts from the smallest value of the cells'
// type; multipliers and shifts are one for each position of a plane.

extern "C" __global__ void averagepool(const u8* x, u32 x_pitch, u32 flip, int input_zero, const Window* window,
                                       const u32* multiplier, const u8* shift, u8* y, u32 y_pitch, u32 rows,
                                       int output_zero, int low, int high) {
    const Window w = *window;
    u32 positions = w.output[0] * w.output[1], columns = w.channels * positions;
    u32 cell = blockIdx.x * blockDim.x + threadIdx.x, row = cell / columns, column = cell % columns;
    if (row >= rows) return;
    u32 position = column % positions;
    const u8* plane = x + (u64)row * x_pitch + (u64)(column / positions) * w.input[0] * w.input[1];
    int top = window_start(w, 0, position / w.output[1]), left = window_start(w, 1, position % w.output[1]);
    int first_h, end_h, first_w, end_w;
    real_cells(w, 0, top, &first_h, &end_h);
    real_cells(w, 1, left, &first_w, &end_w);
    // At most 2^20 cells, so the sum is below 2^28.
    int sum = 0;
    for (int kh = first_h; kh < end_h; kh++) {
        const u8* line = plane + (u64)(top + kh) * w.input[1];
        for (int kw = first_w; kw < end_w; kw++) sum += (int)(line[left + kw] ^ flip) - input_zero;
    }
    long long scaled = round_shift((long long)sum * multiplier[position], shift[position]);
    y[(u64)row * y_pitch + column] = settle(scaled, output_zero, low, high);
}
