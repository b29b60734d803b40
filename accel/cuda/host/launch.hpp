// Behind the kernels: starts one by its name. Arguments are 64-bit words, addresses or integers in their low bits, and
// their kinds: 0 for an address, otherwise the size of the integer.
//
// Returns 0, or 1 for an unknown kernel, 2 for another number of arguments, 3 for threads that ended while others of
// their block wait, 4 + i when argument i is of another kind.

template <typename... Parameters>
struct Call {
    void (*kernel)(Parameters...);
    const unsigned long long* words;

    template <size_t... I>
    void run(std::index_sequence<I...>) const {
        kernel((Parameters)words[I]...);
    }
    static void body(const void* call) {
        ((const Call*)call)->run(std::index_sequence_for<Parameters...>());
    }
};

template <typename... Parameters>
static unsigned start(Dim grid, unsigned threads, void (*kernel)(Parameters...), const unsigned long long* words,
                      const unsigned char* kinds, size_t count) {
    if (count != sizeof...(Parameters)) return 2;
    const unsigned char expected[] = {(unsigned char)(std::is_pointer<Parameters>::value ? 0 : sizeof(Parameters))...,
                                      0};
    for (size_t i = 0; i < count; i++)
        if (kinds[i] != expected[i]) return 4 + (unsigned)i;
    Call<Parameters...> call = {kernel, words};
    fibres::body = call.body;
    fibres::arguments = &call;
    return fibres::run_grid(grid, threads) ? 0 : 3;
}

extern "C" __attribute__((visibility("default"))) unsigned launch_kernel(const char* name, const unsigned* blocks, unsigned threads,
                                  const unsigned long long* words, const unsigned char* kinds, size_t count) {
    Dim grid = {blocks[0], blocks[1], blocks[2]};
#define KERNEL(k) \
    if (!strcmp(name, #k)) return start(grid, threads, k, words, kinds, count);
#define KERNELS_END \
    return 1;       \
    }
