// A Linux program that runs a product of random numbers on an engine by UIO, and checks every result.
//
//     cc -std=c99 -O2 -o product NAME_linux.c NAME_driver.c NAME_program.c NAME_cut.c NAME_data.c
//     ./product uio0 M K N
//
// The device has two maps, as a device tree for uio_pdrv_genirq or a driver of one's own gives them: map0, the
// registers, and map1, memory that the engine reaches at the map's address and that no cache keeps to itself. On Arm
// such a map allows no access that is not aligned: compile for it with -mstrict-align, or map u-dma-buf.
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <poll.h>

#include "NAME_program.h"
#include "tileloom_uio.h"

enum { SECONDS = 10, SHIFT = 7 };

static void check(enum tileloom_engine_result result) {
    if (result != TILELOOM_ENGINE_OK) fail("engine", tileloom_engine_text(result));
}

// Let the kernel wait for the interrupt, and tell the driver.
static void wait_for_interrupt(struct tileloom_engine *engine, int file) {
    const int32_t enable = 1;
    int32_t count;
    struct pollfd waiting = {.fd = file, .events = POLLIN};
    if (write(file, &enable, sizeof enable) != sizeof enable) fail("interrupt", "cannot be enabled");
    if (poll(&waiting, 1, 1000 * SECONDS) != 1) fail("interrupt", "did not come");
    if (read(file, &count, sizeof count) != sizeof count) fail("interrupt", "cannot be read");
    (void)tileloom_engine_interrupt(engine);
}

// What a sum becomes: docs/engine.md, Requantise, with scale 1 and SHIFT.
static int32_t expected(const struct tileloom_engine_built *built, int64_t sum) {
    if (!built->requantise) return (int32_t)sum;
    const int64_t half = (int64_t)1 << (SHIFT - 1), size = sum < 0 ? -sum : sum;
    int64_t rounded = (size + half) >> SHIFT;
    if (built->half_even && (size & (2 * half - 1)) == half) rounded &= ~(int64_t)1;
    rounded = sum < 0 ? -rounded : rounded;
    return rounded > 127 ? 127 : rounded < -128 ? -128 : (int32_t)rounded;
}

static uint32_t count_wrong(const struct tileloom_engine_built *built, const struct tileloom_engine_layer *layer,
                            const int8_t *x, const int8_t *w, const void *y) {
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < layer->width; ++i) {
        for (uint32_t j = 0; j < layer->outputs; ++j) {
            int64_t sum = 0;
            for (uint32_t k = 0; k < layer->channels; ++k)
                sum += x[(size_t)i * layer->channels + k] * w[(size_t)j * layer->channels + k];
            const size_t at = (size_t)i * layer->outputs + j;
            wrong += expected(built, sum) != (built->requantise ? ((const int8_t *)y)[at] : ((const int32_t *)y)[at]);
        }
    }
    return wrong;
}

static int8_t *random_words(size_t count) {
    int8_t *words = room(count, 1);
    for (size_t i = 0; i < count; ++i) words[i] = (int8_t)(rand() % 256 - 128);
    return words;
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

    struct tileloom_engine engine;
    check(tileloom_engine_open(&engine, (uintptr_t)map(device, file, 0)));
    if (engine.built.systolic) fail(path, "this example is for an engine with a dot product");
    tileloom_engine_use_interrupts(&engine, true);
    const struct tileloom_engine_memory memory = {.bytes = map(device, file, 1),
                                                  .address = number_of(device, 1, "addr"),
                                                  .size = number_of(device, 1, "size")};

    const struct tileloom_engine_layer layer = tileloom_engine_product(sizes[0], sizes[1], sizes[2]);
    int8_t *x = random_words((size_t)sizes[0] * sizes[1]), *w = random_words((size_t)sizes[1] * sizes[2]);
    uint64_t *columns = room(sizes[2], sizeof *columns);
    for (uint32_t i = 0; i < sizes[2]; ++i) columns[i] = tileloom_engine_column(0, 1, SHIFT, 0);
    void *y = room((size_t)sizes[0] * sizes[2], engine.built.result_bits / 8);

    struct tileloom_engine_program program;
    check(tileloom_engine_lay_out(&engine.built, &layer, w, columns, &memory, &program));
    tileloom_engine_put_activations(&program, x);
    const struct tileloom_engine_counters before = tileloom_engine_count(&engine);
    check(tileloom_engine_start(&engine, program.start));
    wait_for_interrupt(&engine, file);
    check(tileloom_engine_wait(&engine, TILELOOM_ENGINE_FOREVER));
    const struct tileloom_engine_counters after = tileloom_engine_count(&engine);
    tileloom_engine_get_results(&program, y);

    const uint32_t wrong = count_wrong(&engine.built, &layer, x, w, y);
    (void)printf("%" PRIu32 " of %" PRIu32 " results are wrong; %" PRIu32 " cycles\n", wrong, sizes[0] * sizes[2],
                 after.busy_cycles - before.busy_cycles);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
