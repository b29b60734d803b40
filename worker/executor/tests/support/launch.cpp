// Behind the kernels: starts one by its name. Arguments are 64-bit words: addresses, or integers in their low bits.

template <typename... Parameters, size_t... I>
static void start(Dim grid, unsigned threads, void (*kernel)(Parameters...), const u64* words,
                  std::index_sequence<I...>) {
    run_grid(grid, threads, [&] { kernel((Parameters)words[I]...); });
}

template <typename... Parameters>
static bool start(Dim grid, unsigned threads, void (*kernel)(Parameters...), const u64* words, size_t count) {
    if (count != sizeof...(Parameters)) return false;
    start(grid, threads, kernel, words, std::index_sequence_for<Parameters...>());
    return true;
}

extern "C" bool launch(const char* name, unsigned x, unsigned y, unsigned threads, const u64* words, size_t count) {
    Dim grid = {x, y};
    if (!strcmp(name, "matmul")) return start(grid, threads, matmul, words, count);
    if (!strcmp(name, "hash_rows")) return start(grid, threads, hash_rows, words, count);
    return false;
}

// Buffers end (up to 15 bytes before) where a page begins that nobody may touch, so that a kernel that reads or writes
// behind one ends the test.
static size_t pages(size_t length) { return (length + 15) / 16 * 16 / PAGE * PAGE + 2 * PAGE; }

extern "C" u8* allocate(size_t length) {
    void* start = mmap(nullptr, pages(length), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return nullptr;
    u8* guard = (u8*)start + pages(length) - PAGE;
    if (mprotect(guard, PAGE, PROT_NONE)) return nullptr;
    return guard - (length + 15) / 16 * 16;
}

extern "C" void release(u8* buffer, size_t length) {
    u8* guard = buffer + (length + 15) / 16 * 16;
    munmap(guard + PAGE - pages(length), pages(length));
}

// Products and sums of field elements, for a test of the arithmetic at its edges.
extern "C" void field(const u64* a, const u64* b, u64* products, u64* sums, size_t count) {
    for (size_t i = 0; i < count; i++) {
        products[i] = multiply(a[i], b[i]);
        sums[i] = add(a[i], b[i]);
    }
}
