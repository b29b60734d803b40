// The lookup arguments: their columns, and their part of the quotient.
//
// Columns of a challenge: RE, then `parts` parts of SLDC. `selectors` are: table rows, lookup rows, start, end, then one
// for the end of each table. Of the row's wires, the i-th pair looked up is 2 i and 2 i + 1; the i-th entry of a table is
// 3 i, 3 i + 1 and, its multiplicity, 3 i + 2.

extern "C" __global__ void __launch_bounds__(128)
    lookup_terms(const u64* wires, const u64* selectors, const u64* products, const u64* challenges,
                 const u64* table_ends, u32 arguments, u32 tables, u32 parts, u32 lookups, u32 lookups_a_part,
                 u32 entries, u32 entries_a_part, u32 bits, const u64* powers, u32 stride, u32 count, u64* out,
                 u64 out_stride) {
    u64 n = 1ull << bits;
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    quotient::Sums sums = quotient::none();
    u64 next = quotient::reverse((quotient::reverse((u32)i, bits) + 1) & (u32)(n - 1), bits);
    u64 table_row = selectors[i], lookup_row = selectors[n + i], start = selectors[2 * n + i],
        end = selectors[3 * n + i];
    u32 term = 0;
    for (u32 c = 0; c < arguments; c++) {
        const u64* columns = products + (u64)c * (1 + parts) * n;
        u64 a = challenges[4 * c], b = challenges[4 * c + 1], alpha = challenges[4 * c + 2],
            delta = challenges[4 * c + 3];
        u64 re = columns[i];
        quotient::add(sums, powers, stride, count, term++, gl::mul(end, columns[parts * n + i]));
        quotient::add(sums, powers, stride, count, term++, gl::mul(start, columns[n + i]));
        quotient::add(sums, powers, stride, count, term++, gl::mul(start, re));
        for (u32 table = 0; table < tables; table++) {
            u64 value = gl::mul(selectors[(4 + table) * n + i], gl::sub(re, table_ends[c * tables + table]));
            quotient::add(sums, powers, stride, count, term++, value);
        }
        u64 step = columns[next];
        for (u32 e = 0; e < entries; e++) {
            u64 entry = gl::mul_add(wires[(3 * e + 1) * n + i], b, wires[3 * e * n + i]);
            step = gl::mul_add(step, delta, entry);
        }
        quotient::add(sums, powers, stride, count, term++, gl::mul(table_row, gl::sub(re, step)));
        u64 before = columns[parts * n + next];
        for (u32 part = 0; part < parts; part++) {
            u64 here = columns[(1 + part) * n + i], difference = gl::sub(here, before);
            u64 poles = 1, sum = 0;
            u32 last = (part + 1) * entries_a_part < entries ? (part + 1) * entries_a_part : entries;
            for (u32 e = part * entries_a_part; e < last; e++) {
                u64 pair = gl::mul_add(wires[(3 * e + 1) * n + i], a, wires[3 * e * n + i]);
                u64 pole = gl::sub(alpha, pair);
                sum = gl::mul_add(sum, pole, gl::mul(poles, wires[(3 * e + 2) * n + i]));
                poles = gl::mul(poles, pole);
            }
            u64 value = gl::mul(table_row, gl::sub(gl::mul(poles, difference), sum));
            quotient::add(sums, powers, stride, count, term++, value);
            poles = 1, sum = 0;
            last = (part + 1) * lookups_a_part < lookups ? (part + 1) * lookups_a_part : lookups;
            for (u32 l = part * lookups_a_part; l < last; l++) {
                u64 pair = gl::mul_add(wires[(2 * l + 1) * n + i], a, wires[2 * l * n + i]);
                u64 pole = gl::sub(alpha, pair);
                sum = gl::mul_add(sum, pole, poles);
                poles = gl::mul(poles, pole);
            }
            value = gl::mul(lookup_row, gl::mul_add(poles, difference, sum));
            quotient::add(sums, powers, stride, count, term++, value);
            before = here;
        }
    }
    quotient::write(sums, 1, out, out_stride, count, (u32)i);
}

namespace lookup {

// The sum of m / pole over some pairs, as a fraction. A pair is joined by `a`.
struct Fraction {
    u64 sum, poles;
};

__device__ __forceinline__ void add(Fraction& f, u64 alpha, u64 a, u64 input, u64 output, u64 multiplicity) {
    u64 pole = gl::sub(alpha, gl::mul_add(output, a, input));
    f.sum = gl::mul_add(f.sum, pole, gl::mul(f.poles, multiplicity));
    f.poles = gl::mul(f.poles, pole);
}

}  // namespace lookup

// What the rows from `first` on add to the columns of one argument: those before `middle` look up, those from there to
// `end` are a table's. `columns` get, at the row, the row's entries read off at delta (RE) and the running sum over the
// parts; `totals`, from its beginning on, the sum over all parts. A pole that is zero raises `poles`.
extern "C" __global__ void __launch_bounds__(128)
    lookup_steps(const u64* wires, u64 n, u32 first, u32 middle, u32 end, u64 a, u64 b, u64 alpha, u64 delta,
                 u32 parts, u32 lookups, u32 lookups_a_part, u32 entries, u32 entries_a_part, u64* columns,
                 u64* totals, u32* poles) {
    u64 row = first + (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= end) return;
    bool is_table = row >= middle;
    if (is_table) {
        u64 re = 0;
        for (u32 e = 0; e < entries; e++)
            re = gl::mul_add(re, delta, gl::mul_add(wires[(3 * e + 1) * n + row], b, wires[3 * e * n + row]));
        columns[row] = gl::canonical(re);
    }
    u32 count = is_table ? entries : lookups, a_part = is_table ? entries_a_part : lookups_a_part;
    u64 total = 0;
    for (u32 part = 0, i = 0; part < parts; part++) {
        lookup::Fraction f = {0, 1};
        for (u32 last = i + a_part < count ? i + a_part : count; i < last; i++) {
            if (is_table)
                lookup::add(f, alpha, a, wires[3 * i * n + row], wires[(3 * i + 1) * n + row],
                            wires[(3 * i + 2) * n + row]);
            else
                lookup::add(f, alpha, a, wires[2 * i * n + row], wires[(2 * i + 1) * n + row], gl::P - 1);
        }
        if (gl::canonical(f.poles) == 0) atomicOr(poles, 1);
        total = gl::mul_add(f.sum, gl::inverse(f.poles), total);
        columns[(1 + part) * n + row] = gl::canonical(total);
    }
    totals[row - first] = gl::canonical(total);
}

// Adds to `count` rows of columns (in y) a factor times what later rows have brought.
extern "C" __global__ void add_behind(u64* columns, u64 n, const u64* behind, u64 factor, u32 count) {
    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    u64* to = columns + blockIdx.y * n + i;
    *to = gl::canonical(gl::mul_add(behind[i], factor, *to));
}
