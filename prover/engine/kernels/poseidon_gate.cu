// The constraints of Plonky2's PoseidonGate: every S-box's input is what the layers before it give.
//
// The wires: 12 inputs, 12 outputs, a flag that swaps the first two fours of inputs, their 4 differences, then the inputs
// of the S-boxes from the second full round on, one each in the partial rounds.

namespace gate {

static const int OUTPUTS = 12, SWAP = 24, DIFFERENCES = 25, SBOXES = 29;

}  // namespace gate

extern "C" __global__ void __launch_bounds__(128)
    gate_0(const u64* wires, const u64* constants, const u64* selector, const u64* hash, const u64* powers, u32 stride,
           u32 count, u32 index, u32 first, u32 end, u32 several, u64* out, u64 out_stride, u64 n) {
    using namespace poseidon;
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    quotient::Sums sums = quotient::none();
    u32 term = 0;
    u64 input = gate::SBOXES;
#define WIRE(j) wires[(u64)(j) * n + i]
#define PUSH(value) quotient::add(sums, powers, stride, count, term++, value)
    u64 swap = WIRE(gate::SWAP);
    PUSH(gl::mul(swap, gl::sub(swap, 1)));
    u64 state[WIDTH];
#pragma unroll
    for (int k = 0; k < WIDTH; k++) state[k] = WIRE(k);
#pragma unroll
    for (int k = 0; k < 4; k++) {
        u64 difference = WIRE(gate::DIFFERENCES + k);
        PUSH(gl::sub(gl::mul(swap, gl::sub(state[k + 4], state[k])), difference));
        state[k] = gl::add(state[k], difference);
        state[k + 4] = gl::sub(state[k + 4], difference);
    }
#pragma unroll 1
    for (int half = 0;; half++) {
#pragma unroll 1
        for (int round = 4 * half; round < 4 * half + 4; round++) {
#pragma unroll
            for (int k = 0; k < WIDTH; k++) {
                u64 x = gl::add_canonical(state[k], FULL[WIDTH * round + k]);
                // The first round's S-boxes take the inputs themselves.
                if (round > 0) {
                    u64 wire = WIRE(input++);
                    PUSH(gl::sub(x, wire));
                    x = wire;
                }
                state[k] = gl::seventh_power(x);
            }
            mix(state);
        }
        if (half == 1) break;
        enter_partial_rounds(state);
#pragma unroll 1
        for (int round = 0; round < 22; round++) {
            u64 wire = WIRE(input++);
            PUSH(gl::sub(state[0], wire));
            u64 x = gl::add_canonical(gl::seventh_power(wire), PARTIAL[round]);
            gl::Sum sum = {0, 0, 0};
            gl::add_product(sum, x, CIRCULANT[0] + DIAGONAL_FIRST);
#pragma unroll
            for (int k = 1; k < WIDTH; k++) {
                gl::add_product(sum, state[k], PARTIAL_ROWS[(WIDTH - 1) * round + k - 1]);
                state[k] = gl::mul_add(x, PARTIAL_COLUMNS[(WIDTH - 1) * round + k - 1], state[k]);
            }
            state[0] = gl::reduce(sum);
        }
    }
#pragma unroll
    for (int k = 0; k < WIDTH; k++) PUSH(gl::sub(state[k], WIRE(gate::OUTPUTS + k)));
#undef WIRE
#undef PUSH
    u64 factor = quotient::filter(selector[i], index, first, end, several);
    quotient::write(sums, factor, out, out_stride, count, (u32)i);
}
