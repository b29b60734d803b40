// Digests of a tensor's rows: commitment scheme 1, one thread a row.
//
// digest = H(tag, header ++ packed cells): a sponge whose state starts as [0; 8] ++ [tag, elements, 0, 0]; blocks of 8
// elements overwrite the first lanes; a cell becomes a byte by `flip` (0x80 for int8, 0 for uint8); 7 bytes an
// element, the first one most significant, the last element filled up with zero bytes.

using poseidon::RATE;
using poseidon::WIDTH;

extern "C" __global__ void __launch_bounds__(64) hash_rows(const u8* cells, u32 pitch, u32 columns, u32 flip,
                                                           u64 header, u64 tag, u64* digests, u32 rows) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    const u8* cell = cells + (u64)row * pitch;
    u32 elements = 1 + (columns + 6) / 7;
    u64 state[WIDTH];
#pragma unroll
    for (int i = 0; i < WIDTH; i++) state[i] = 0;
    state[RATE] = tag;
    state[RATE + 1] = elements;
    u32 next = 0;  // the next cell
    for (u32 block = 0; block < elements; block += RATE) {
#pragma unroll
        for (u32 lane = 0; lane < RATE; lane++) {
            u64 element = 0;
            if (block + lane == 0) {
                element = header;
            } else {
                for (int i = 0; i < 7; i++) {
                    element = element << 8 | (next < columns ? cell[next] ^ flip : 0);
                    next++;
                }
            }
            state[lane] = element;
        }
        poseidon::permute(state);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) digests[4 * (u64)row + i] = gl::canonical(state[i]);
}
