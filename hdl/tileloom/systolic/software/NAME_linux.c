// A Linux program that runs a product of random -1, 0 and 1 on an array by UIO, and checks every result.
//
//     cc -std=c99 -O2 -o product NAME_linux.c NAME_driver.c NAME_product.c NAME_dma.c
//     ./product uio0 M K N
//
// The device has five maps, as a device tree for uio_pdrv_genirq or a driver of one's own gives them: map0, the array's
// registers; map1, memory that AXI DMA controllers reach at the map's address and that no cache keeps to itself; map2,
// the controller of activations and results; map3, of weights; map4, of psum_in. On Arm a map of memory allows no access
// that is not aligned: compile for it with -mstrict-align, or map u-dma-buf.
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>

#include "NAME_dma.h"
#include "tileloom_uio.h"

enum { S2MM = 0x30, LENGTH_BITS = 26, CYCLES = 1000000000 };

static void check(enum tileloom_systolic_result result) {
    if (result != TILELOOM_SYSTOLIC_OK) fail("array", tileloom_systolic_text(result));
}

// A small number as a word: a float's, or in two's complement without bits of an exponent.
static uint64_t word_of(int64_t value, uint32_t bits, uint32_t exponent_bits) {
    const uint64_t mask = ~(uint64_t)0 >> (64 - bits), size = (uint64_t)(value < 0 ? -value : value);
    const uint32_t fraction = bits - 1 - exponent_bits;
    uint64_t exponent = 0;
    if (exponent_bits == 0) return (uint64_t)value & mask;
    if (size == 0) return 0;
    while (size >> exponent > 1) ++exponent;
    if (exponent > fraction) fail("K", "sums of so many are not exact in the array's format");
    const uint64_t biased = exponent + ((uint64_t)1 << (exponent_bits - 1)) - 1;
    const uint64_t rest = (size ^ (uint64_t)1 << exponent) << (fraction - exponent);
    return (uint64_t)(value < 0) << (bits - 1) | biased << fraction | rest;
}

static uint32_t bytes_of(uint32_t bits) { return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8; }

// Words of numbers, as the driver takes them.
static uint8_t *words_of(const int8_t *numbers, size_t count, uint32_t bits, uint32_t exponent_bits) {
    uint8_t *words = room(count, bytes_of(bits)), *to = words;
    for (size_t i = 0; i < count; ++i) {
        uint64_t word = word_of(numbers[i], bits < 8 && exponent_bits == 0 ? 8 : bits, exponent_bits);
        for (uint32_t j = 0; j < bytes_of(bits); ++j, word >>= 8) *to++ = (uint8_t)word;
    }
    return words;
}

static int8_t *random_numbers(size_t count) {
    int8_t *numbers = room(count, 1);
    for (size_t i = 0; i < count; ++i) numbers[i] = (int8_t)(rand() % 3 - 1);
    return numbers;
}

static uint32_t count_wrong(const struct tileloom_systolic_product *product, const int8_t *x, const int8_t *w,
                            const uint8_t *y) {
    const struct tileloom_systolic_built *built = &product->built;
    uint32_t wrong = 0;
    for (size_t i = 0; i < product->m; ++i) {
        for (size_t j = 0; j < product->n; ++j) {
            int64_t sum = 0;
            uint64_t word = 0;
            for (size_t k = 0; k < product->k; ++k) sum += x[i * product->k + k] * w[k * product->n + j];
            for (uint32_t b = 0; b < bytes_of(built->sum_bits); ++b) word |= (uint64_t)*y++ << 8 * b;
            wrong += word != word_of(sum, built->sum_bits, built->sum_exponent);
        }
    }
    return wrong;
}

int main(int argc, char **argv) {
    if (argc != 5) fail("usage", "product uioN M K N");
    const char *device = argv[1];
    uint32_t sizes[3];
    for (int i = 0; i < 3; ++i) sizes[i] = (uint32_t)strtoul(argv[2 + i], NULL, 10);
    char path[64];
    (void)snprintf(path, sizeof path, "/dev/%s", device);
    const int file = open(path, O_RDWR | O_SYNC);
    if (file < 0) fail(path, "cannot be opened");

    struct tileloom_systolic array;
    check(tileloom_systolic_open(&array, (uintptr_t)map(device, file, 0)));
    const struct tileloom_systolic_built *built = &array.built;
    const struct tileloom_systolic_memory memory = {
        .bytes = map(device, file, 1), .address = number_of(device, 1, "addr"), .size = number_of(device, 1, "size")};
    const uintptr_t both = (uintptr_t)map(device, file, 2);
    struct tileloom_systolic_dma dma = {.most = ((uint64_t)1 << LENGTH_BITS) - 1};
    dma.channels[TILELOOM_SYSTOLIC_ACTIVATIONS] = both;
    dma.channels[TILELOOM_SYSTOLIC_RESULTS] = both + S2MM;
    dma.channels[TILELOOM_SYSTOLIC_WEIGHTS] = (uintptr_t)map(device, file, 3);
    dma.channels[TILELOOM_SYSTOLIC_PSUM_IN] = (uintptr_t)map(device, file, 4);
    const struct tileloom_systolic_mover mover = tileloom_systolic_dma_mover(&dma);

    const uint32_t m = sizes[0], k = sizes[1], n = sizes[2];
    const int8_t *x = random_numbers((size_t)m * k), *w = random_numbers((size_t)k * n);
    uint8_t *y = room((size_t)m * n, bytes_of(built->sum_bits));
    struct tileloom_systolic_product product;
    check(tileloom_systolic_lay_out(built, m, k, n, words_of(w, (size_t)k * n, built->weight_bits, built->weight_exponent),
                                    &memory, &product));
    tileloom_systolic_put_activations(
        &product, words_of(x, (size_t)m * k, built->activation_bits, built->activation_exponent));
    const struct tileloom_systolic_counters before = tileloom_systolic_count(&array);
    check(tileloom_systolic_run(&array, &product, &mover, CYCLES));
    const struct tileloom_systolic_counters after = tileloom_systolic_count(&array);
    tileloom_systolic_get_results(&product, y);

    const uint32_t wrong = count_wrong(&product, x, w, y);
    (void)printf("%" PRIu32 " of %" PRIu32 " results are wrong; %" PRIu32 " cycles\n", wrong, m * n,
                 after.busy_cycles - before.busy_cycles);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
