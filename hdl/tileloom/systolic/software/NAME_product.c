// Products on an array: docs/driver.md.
#include "NAME_product.h"

#include <stddef.h>

#include "tileloom_io.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words are read and written in memory's order: the processor must be little-endian"
#endif

enum { MOST_TILES = 0xFFFF };

typedef struct tileloom_systolic_built built_t;
typedef struct tileloom_systolic_product product_t;
typedef enum tileloom_systolic_result result_t;

static uint32_t tiles_of(uint32_t size, uint32_t tile) { return size / tile + (size % tile != 0); }

static uint32_t word_bytes(uint32_t bits) { return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8; }

static uint64_t load(const void *words, uint64_t at, uint32_t bytes) {
    const uint8_t *from = (const uint8_t *)words + at * bytes;
    uint64_t word = 0;
    for (uint32_t i = 0; i < bytes; ++i) word |= (uint64_t)from[i] << 8 * i;
    return word;
}

// The bytes in memory of a transfer of so many words.
static uint32_t pitch_of(uint32_t words, uint32_t bits) {
    uint32_t pitch = 1;
    while (8 * pitch < words * bits) pitch *= 2;
    return pitch;
}

static uint32_t activation_pitch(const built_t *built) { return pitch_of(built->rows, built->activation_bits); }
static uint32_t weight_pitch(const built_t *built) { return pitch_of(built->columns, built->weight_bits); }
static uint32_t sum_pitch(const built_t *built) { return pitch_of(built->columns, built->sum_bits); }

static uint64_t aligned(uint64_t size) {
    return (size + TILELOOM_SYSTOLIC_ALIGNMENT - 1) / TILELOOM_SYSTOLIC_ALIGNMENT * TILELOOM_SYSTOLIC_ALIGNMENT;
}

// Bytes of a row of tiles of activations, and of a column of tiles of results.
static uint64_t activation_bytes(const product_t *product) {
    return aligned((uint64_t)product->m * activation_pitch(&product->built));
}
static uint64_t result_bytes(const product_t *product) {
    return aligned((uint64_t)product->m * sum_pitch(&product->built));
}

// Word number `lane` of a transfer.
static void put(uint8_t *transfer, uint32_t lane, uint32_t bits, uint64_t word) {
    uint32_t at = lane * bits;
    while (bits != 0) {
        const uint32_t shift = at % 8, count = 8 - shift < bits ? 8 - shift : bits;
        const uint32_t mask = ((1u << count) - 1) << shift;
        transfer[at / 8] = (uint8_t)((transfer[at / 8] & ~mask) | ((uint32_t)(word << shift) & mask));
        word >>= count;
        at += count;
        bits -= count;
    }
}

static uint64_t get(const uint8_t *transfer, uint32_t lane, uint32_t bits) {
    uint64_t word = 0;
    for (uint32_t i = 0, at = lane * bits; i < bits; ++i, ++at)
        word |= (uint64_t)(transfer[at / 8] >> at % 8 & 1) << i;
    return word;
}

static void clear(uint8_t *bytes, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) bytes[i] = 0;
}

// A weight as the array has it, 0 beyond K and N; integers are a sign and a magnitude there. False: it has none.
static bool weight_of(const product_t *product, const void *weights, uint32_t row, uint32_t column, uint64_t *word) {
    const uint32_t bits = product->built.weight_bits, bytes = word_bytes(bits);
    *word = 0;
    if (row >= product->k || column >= product->n) return true;
    *word = load(weights, (uint64_t)row * product->n + column, bytes);
    if (product->built.weight_exponent != 0) return true;
    const uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    const bool negative = (*word & sign) != 0;
    const uint64_t magnitude = negative ? 2 * sign - *word : *word;
    *word = magnitude | (uint64_t)negative << (bits - 1);
    return magnitude < (uint64_t)1 << (bits - 1);
}

// Put a tile of weights at a place, if there is one; say whether anything in it is not zero. False: a weight has no word.
static bool put_tile(const product_t *product, const void *weights, uint32_t down, uint32_t across, uint8_t *to,
                     bool *kept) {
    const built_t *built = &product->built;
    const uint64_t sign = (uint64_t)1 << (built->weight_bits - 1);
    const uint32_t pitch = weight_pitch(built);
    *kept = false;
    for (uint32_t row = 0; row < built->rows; ++row) {
        for (uint32_t column = 0; column < built->columns; ++column) {
            uint64_t word;
            if (!weight_of(product, weights, down * built->rows + row, across * built->columns + column, &word))
                return false;
            *kept = *kept || (word & ~sign) != 0;
            if (to != NULL) put(to + (size_t)row * pitch, column, built->weight_bits, word);
        }
    }
    return true;
}

result_t tileloom_systolic_lay_out(const built_t *built, uint32_t m, uint32_t k, uint32_t n, const void *weights,
                                   const struct tileloom_systolic_memory *memory, product_t *product) {
    product->built = *built;
    product->memory = *memory;
    product->m = m;
    product->k = k;
    product->n = n;
    product->tiles_skipped = 0;
    if (m == 0 || k == 0 || n == 0) return TILELOOM_SYSTOLIC_JOB;
    const uint32_t down = tiles_of(k, built->rows), across = tiles_of(n, built->columns);
    if (across > MOST_TILES) return TILELOOM_SYSTOLIC_JOB;
    const uint64_t tile_bytes = (uint64_t)built->rows * weight_pitch(built);
    product->results = down * activation_bytes(product);
    product->kept = product->results + across * result_bytes(product);
    product->weights = aligned(product->kept + (uint64_t)down * across);
    product->size = product->weights;
    for (uint32_t i = 0; i < down; ++i) {
        for (uint32_t j = 0; j < across; ++j) {
            bool kept;
            if (!put_tile(product, weights, i, j, NULL, &kept)) return TILELOOM_SYSTOLIC_WEIGHT;
            if (product->weights <= memory->size) memory->bytes[product->kept + (uint64_t)i * across + j] = kept;
            if (!kept) {
                ++product->tiles_skipped;
                continue;
            }
            uint8_t *to = memory->bytes + product->size;
            product->size += tile_bytes;
            if (product->size > memory->size) continue;
            clear(to, tile_bytes);
            (void)put_tile(product, weights, i, j, to, &kept);
        }
    }
    return product->size <= memory->size ? TILELOOM_SYSTOLIC_OK : TILELOOM_SYSTOLIC_MEMORY;
}

void tileloom_systolic_put_activations(const product_t *product, const void *words) {
    const built_t *built = &product->built;
    const uint32_t bits = built->activation_bits, bytes = word_bytes(bits), pitch = activation_pitch(built);
    const uint32_t down = tiles_of(product->k, built->rows);
    for (uint32_t i = 0; i < down; ++i) {
        uint8_t *to = product->memory.bytes + i * activation_bytes(product);
        clear(to, activation_bytes(product));
        for (uint32_t vector = 0; vector < product->m; ++vector, to += pitch) {
            for (uint32_t row = 0; row < built->rows && i * built->rows + row < product->k; ++row) {
                const uint64_t at = (uint64_t)vector * product->k + i * built->rows + row;
                put(to, row, bits, load(words, at, bytes));
            }
        }
    }
}

void tileloom_systolic_get_results(const product_t *product, void *words) {
    const built_t *built = &product->built;
    const uint32_t bits = built->sum_bits, bytes = word_bytes(bits), pitch = sum_pitch(built);
    uint8_t *to = words;
    for (uint32_t vector = 0; vector < product->m; ++vector) {
        for (uint32_t column = 0; column < product->n; ++column) {
            const uint8_t *from = product->memory.bytes + product->results +
                                  column / built->columns * result_bytes(product) + (uint64_t)vector * pitch;
            uint64_t word = get(from, column % built->columns, bits);
            for (uint32_t i = 0; i < bytes; ++i, word >>= 8) *to++ = (uint8_t)word;
        }
    }
}

// A product that runs.
struct run {
    struct tileloom_systolic *array;
    const product_t *product;
    const struct tileloom_systolic_mover *mover;
    uint32_t begin, cycles;  // of the job under way
};

static bool move(const struct run *run, enum tileloom_systolic_stream stream, uint64_t place, uint64_t bytes) {
    return run->mover->begin(run->mover->context, stream, run->product->memory.address + place, bytes);
}

static result_t wait_for_move(const struct run *run, enum tileloom_systolic_stream stream) {
    for (;;) {
        const enum tileloom_systolic_move state = run->mover->state(run->mover->context, stream);
        if (state == TILELOOM_SYSTOLIC_MOVED) return TILELOOM_SYSTOLIC_OK;
        if (state == TILELOOM_SYSTOLIC_MOVE_FAILED) return TILELOOM_SYSTOLIC_MOVE;
        if (tileloom_systolic_cycles(run->array) - run->begin > run->cycles) return TILELOOM_SYSTOLIC_TIMEOUT;
    }
}

static result_t wait_for_moves(const struct run *run, bool sums) {
    result_t result = wait_for_move(run, TILELOOM_SYSTOLIC_ACTIVATIONS);
    if (result == TILELOOM_SYSTOLIC_OK && sums) result = wait_for_move(run, TILELOOM_SYSTOLIC_PSUM_IN);
    return result == TILELOOM_SYSTOLIC_OK ? wait_for_move(run, TILELOOM_SYSTOLIC_RESULTS) : result;
}

// A job: the tiles of weights number `i` along K. Sums are in place: each is read before its result is written.
static result_t run_job(struct run *run, uint32_t i, uint64_t *weights) {
    const product_t *product = run->product;
    const built_t *built = &product->built;
    const uint32_t across = tiles_of(product->n, built->columns);
    const uint8_t *kept = product->memory.bytes + product->kept + (uint64_t)i * across;
    const uint64_t activations = (uint64_t)product->m * activation_pitch(built);
    const uint64_t results = (uint64_t)product->m * sum_pitch(built);
    uint32_t tiles = 0;
    for (uint32_t j = 0; j < across; ++j) tiles += kept[j];
    if (tiles == 0) return TILELOOM_SYSTOLIC_OK;

    const bool sums = i != 0;
    const struct tileloom_systolic_job job = {product->m, (uint16_t)tiles, sums, false};
    result_t result = tileloom_systolic_start(run->array, &job);
    if (result != TILELOOM_SYSTOLIC_OK) return result;
    run->begin = tileloom_systolic_cycles(run->array);
    const uint64_t weight_bytes = (uint64_t)tiles * built->rows * weight_pitch(built);
    if (!move(run, TILELOOM_SYSTOLIC_WEIGHTS, *weights, weight_bytes)) return TILELOOM_SYSTOLIC_MOVE;
    *weights += weight_bytes;
    for (uint32_t j = 0; j < across; ++j) {
        if (!kept[j]) continue;
        const uint64_t place = product->results + j * result_bytes(product);
        if (!move(run, TILELOOM_SYSTOLIC_RESULTS, place, results) ||
            (sums && !move(run, TILELOOM_SYSTOLIC_PSUM_IN, place, results)) ||
            !move(run, TILELOOM_SYSTOLIC_ACTIVATIONS, i * activation_bytes(product), activations))
            return TILELOOM_SYSTOLIC_MOVE;
        // The end of the last tile is that of the job, which may come as an interrupt.
        if (--tiles == 0) break;
        result = wait_for_moves(run, sums);
        if (result != TILELOOM_SYSTOLIC_OK) return result;
    }
    result = tileloom_systolic_wait(run->array, run->cycles);
    result_t moved = wait_for_moves(run, sums);
    if (moved == TILELOOM_SYSTOLIC_OK) moved = wait_for_move(run, TILELOOM_SYSTOLIC_WEIGHTS);
    return moved == TILELOOM_SYSTOLIC_OK ? result : moved;
}

result_t tileloom_systolic_run(struct tileloom_systolic *array, const product_t *product,
                               const struct tileloom_systolic_mover *mover, uint32_t cycles) {
    const uint32_t down = tiles_of(product->k, product->built.rows);
    const uint32_t across = tiles_of(product->n, product->built.columns);
    const uint8_t *kept = product->memory.bytes + product->kept;
    uint8_t *results = product->memory.bytes + product->results;
    struct run run = {array, product, mover, 0, cycles};
    uint64_t weights = product->weights;
    result_t result = TILELOOM_SYSTOLIC_OK;
    // The first job writes the columns that have a tile there; sums of the others begin from here.
    for (uint32_t j = 0; j < across; ++j) {
        if (!kept[j]) clear(results + j * result_bytes(product), result_bytes(product));
    }
    TILELOOM_BARRIER_WRITE();
    for (uint32_t i = 0; i < down && result == TILELOOM_SYSTOLIC_OK; ++i) result = run_job(&run, i, &weights);
    TILELOOM_BARRIER_READ();
    return result;
}
