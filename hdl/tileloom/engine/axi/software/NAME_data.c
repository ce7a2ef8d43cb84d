// Data of a layer in the engine's memory: docs/engine.md, Formats.
#include "NAME_data.h"

#include <stddef.h>

#include "NAME_cut.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words of activations and results are copied as they are: the processor must be little-endian"
#endif

enum { EMPTY = 1 << 14, LAST = 1 << 15 };

typedef struct tileloom_engine_place place_t;
typedef struct tileloom_engine_program program_t;

static uint32_t word_bytes(uint32_t bits) { return bits <= 8 ? 1 : bits <= 16 ? 2 : 4; }

static void put(place_t *place, uint64_t value, uint32_t bytes) {
    for (; bytes != 0; --bytes, value >>= 8, ++place->used) {
        if (place->used < place->memory->size) place->memory->bytes[place->used] = (uint8_t)value;
    }
}

// Up to a multiple of a power of two, from `begin` on.
static void fill_up(place_t *place, uint64_t begin, uint32_t power) {
    while (((place->used - begin) & (power - 1)) != 0) put(place, 0, 1);
}

void tileloom_engine_align(place_t *place) { fill_up(place, 0, TILELOOM_ENGINE_ALIGNMENT); }

// A word of weights, 0 beyond the last channel and output.
static uint32_t weight_of(const program_t *program, const void *weights, uint32_t output, uint32_t tap,
                          uint32_t channel) {
    const struct tileloom_engine_layer *layer = &program->layer;
    const uint32_t bits = program->built.weight_bits;
    if (output >= layer->outputs || channel >= layer->channels) return 0;
    const size_t taps = (size_t)layer->kernel_height * layer->kernel_width;
    const size_t at = (output * taps + tap) * layer->channels + channel;
    const uint32_t bytes = word_bytes(bits);
    const uint32_t word = bytes == 1   ? ((const uint8_t *)weights)[at]
                          : bytes == 2 ? ((const uint16_t *)weights)[at]
                                       : ((const uint32_t *)weights)[at];
    return bits < 32 ? word & ((1u << bits) - 1) : word;
}

// A tap of a block, row after row; nothing is put without a place. Returns whether anything in it is not zero.
static bool put_tap(const program_t *program, const void *weights, uint32_t block, uint32_t column, uint32_t tap,
                    place_t *place) {
    const struct tileloom_engine_built *built = &program->built;
    const uint64_t begin = place != NULL ? place->used : 0;
    uint64_t held = 0;
    uint32_t count = 0;
    for (uint32_t row = 0; row < built->k; ++row) {
        for (uint32_t lane = 0; lane < built->n; ++lane) {
            const uint64_t word =
                weight_of(program, weights, column * built->n + lane, tap, block * built->k + row);
            if (place == NULL) {
                if (word != 0) return true;
                continue;
            }
            held |= word << count;
            count += built->weight_bits;
            for (; count >= 8; count -= 8, held >>= 8) put(place, held, 1);
        }
    }
    if (place == NULL) return false;
    if (count != 0) put(place, held, 1);
    fill_up(place, begin, built->bus_bits / 8);
    return true;
}

static bool is_kept(const program_t *program, const void *weights, uint32_t block, uint32_t column) {
    const uint32_t taps = program->layer.kernel_height * program->layer.kernel_width;
    for (uint32_t tap = 0; tap < taps; ++tap) {
        if (put_tap(program, weights, block, column, tap, NULL)) return true;
    }
    return false;
}

uint32_t tileloom_engine_put_weights(const program_t *program, const void *weights, const uint64_t *columns,
                                     struct tileloom_engine_part part, place_t *place,
                                     struct tileloom_engine_descriptor *descriptor) {
    const struct tileloom_engine_built *built = &program->built;
    const struct tileloom_engine_layer *layer = &program->layer;
    const uint32_t taps = layer->kernel_height * layer->kernel_width;
    const uint32_t end_column = part.column + part.columns, end_block = part.block + part.blocks;
    uint32_t left_out = 0;

    const uint64_t index = place->used;
    descriptor->address = place->memory->address + index;
    for (uint32_t column = part.column; column < end_column; ++column) {
        uint32_t entry = EMPTY;
        for (uint32_t block = part.block; block < end_block; ++block) {
            if (!is_kept(program, weights, block, column)) {
                ++left_out;
                continue;
            }
            // The entry before, now that it is not the column's last.
            if (entry != EMPTY) put(place, entry, 2);
            entry = block - part.block;
        }
        put(place, entry | LAST, 2);
    }
    descriptor->run = (uint32_t)(place->used - index);
    tileloom_engine_align(place);

    const uint64_t begin = place->used;
    descriptor->weights = place->memory->address + begin;
    for (uint32_t column = part.column; column < end_column; ++column) {
        const uint64_t header = place->used;
        for (uint32_t lane = 0; lane < built->n; ++lane) {
            const uint32_t output = column * built->n + lane;
            put(place, output < layer->outputs ? columns[output] : 0, 8);
        }
        fill_up(place, header, built->bus_bits / 8);
        for (uint32_t block = part.block; block < end_block; ++block) {
            if (!is_kept(program, weights, block, column)) continue;
            for (uint32_t tap = 0; tap < taps; ++tap) (void)put_tap(program, weights, block, column, tap, place);
        }
    }
    descriptor->weight_bytes = (uint32_t)(place->used - begin);
    tileloom_engine_align(place);
    return left_out;
}

uint64_t tileloom_engine_column(uint32_t bias, uint16_t scale, uint8_t shift, int8_t zero_point) {
    return bias | (uint64_t)scale << 32 | (uint64_t)(shift & 63u) << 48 | (uint64_t)(uint8_t)zero_point << 54;
}

void tileloom_engine_put_activations(const program_t *program, const void *words) {
    const struct tileloom_engine_layer *layer = &program->layer;
    const size_t bytes = program->built.activation_bits / 8, pixels = (size_t)layer->height * layer->width;
    const uint8_t *from = words;
    uint8_t *to = program->activations;
    for (uint32_t first = 0; first < layer->channels; first += program->built.k) {
        const uint32_t there = layer->channels - first < program->built.k ? layer->channels - first : program->built.k;
        for (size_t pixel = 0; pixel < pixels; ++pixel) {
            const uint8_t *unit = from + (pixel * layer->channels + first) * bytes;
            for (size_t i = 0; i < program->built.k * bytes; ++i) *to++ = i < there * bytes ? unit[i] : 0;
        }
    }
}

void tileloom_engine_get_results(const program_t *program, void *words) {
    const struct tileloom_engine_layer *layer = &program->layer;
    const size_t bytes = program->built.result_bits / 8, n = program->built.n;
    const size_t pixels =
        (size_t)tileloom_engine_output_height(layer) * tileloom_engine_output_width(layer);
    uint8_t *to = words;
    for (size_t pixel = 0; pixel < pixels; ++pixel) {
        for (uint32_t output = 0; output < layer->outputs; ++output) {
            const uint8_t *unit = program->results + (output / n * pixels + pixel) * n * bytes;
            for (size_t i = 0; i < bytes; ++i) *to++ = unit[output % n * bytes + i];
        }
    }
}
