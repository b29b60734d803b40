// One operand's part of a concatenation, one thread a cell of it. A row of the operand is cut into chunks of `chunk` cells; in
// a row of the result they lie `stride` cells apart, the first one at `first`.

extern "C" __global__ void concat(const u8* x, u32 x_pitch, u32 chunk, u32 stride, u32 first, u8* y, u32 y_pitch,
                                  u32 rows, u32 columns) {
    u32 cell = blockIdx.x * blockDim.x + threadIdx.x, row = cell / columns, column = cell % columns;
    if (row >= rows) return;
    u32 place = column / chunk * stride + first + column % chunk;
    y[(u64)row * y_pitch + place] = x[(u64)row * x_pitch + column];
}
