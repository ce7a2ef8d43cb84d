// How a layer is cut: into strips of output pixels that fit the A buffer and the accumulators. Only where not even one
// tile of pixels fits are input channels cut too.
#include "NAME_cut.h"

enum { LARGEST_SLOT = 65535, LARGEST_BLOCKS = 1 << 14, LARGEST_NIBBLE = 15, LARGEST_BYTE = 255 };

typedef struct tileloom_engine_built built_t;
typedef struct tileloom_engine_layer layer_t;

uint32_t tileloom_engine_output_height(const layer_t *layer) {
    return (layer->height + layer->pad_top + layer->pad_bottom - layer->kernel_height) / layer->stride + 1;
}

uint32_t tileloom_engine_output_width(const layer_t *layer) {
    return (layer->width + layer->pad_left + layer->pad_right - layer->kernel_width) / layer->stride + 1;
}

static bool is_layer(const layer_t *layer) {
    const uint32_t height = layer->kernel_height, width = layer->kernel_width;
    if (height == 0 || height > LARGEST_BYTE || width == 0 || width > LARGEST_BYTE) return false;
    if (layer->stride == 0 || layer->stride > LARGEST_NIBBLE) return false;
    const uint32_t pads[4] = {layer->pad_top, layer->pad_bottom, layer->pad_left, layer->pad_right};
    for (int side = 0; side < 4; ++side) {
        if (pads[side] > LARGEST_NIBBLE || pads[side] >= (side < 2 ? height : width)) return false;
    }
    const uint32_t sizes[4] = {layer->height, layer->width, layer->channels, layer->outputs};
    for (int axis = 0; axis < 4; ++axis) {
        if (sizes[axis] == 0 || sizes[axis] > INT32_MAX) return false;
    }
    return layer->height + layer->pad_top + layer->pad_bottom >= height &&
           layer->width + layer->pad_left + layer->pad_right >= width;
}

// Bytes of the beats that so many bits take.
static uint32_t whole_beats(const built_t *built, uint32_t bits) {
    return divide_up(bits, built->bus_bits) * (built->bus_bits / 8);
}

// Whether addresses and counts of bytes fit the fields of descriptors.
static bool is_small_enough(const built_t *built, const layer_t *layer) {
    const uint64_t a = (uint64_t)layer->height * layer->width;
    const uint64_t c = (uint64_t)tileloom_engine_output_height(layer) * tileloom_engine_output_width(layer);
    const uint64_t blocks = divide_up(layer->channels, built->k);
    const uint64_t columns = divide_up(layer->outputs, built->n);
    const uint64_t most = UINT32_MAX;
    const uint32_t tap = whole_beats(built, built->k * built->n * built->weight_bits);
    const uint64_t column =
        whole_beats(built, 64 * built->n) + blocks * layer->kernel_height * layer->kernel_width * tap;
    // The first three, so that the products stay below 2^64.
    return a <= most && c <= most && column <= most && a * (built->k * built->activation_bits / 8) <= most &&
           c * (built->n * built->result_bits / 8) <= most && column * columns <= most;
}

bool tileloom_engine_is_layer(const built_t *built, const layer_t *layer) {
    return is_layer(layer) && is_small_enough(built, layer);
}

uint32_t tileloom_engine_phase_groups(const built_t *built, const layer_t *layer, uint32_t width) {
    const uint32_t padded = (width - 1) * layer->stride + layer->kernel_width;
    return divide_up(divide_up(padded, layer->stride), built->m);
}

// How many rows of a strip so wide fit; 0 for none.
static uint32_t rows_that_fit(const built_t *built, const layer_t *layer, uint32_t width, uint32_t blocks) {
    const uint64_t row = (uint64_t)layer->stride * tileloom_engine_phase_groups(built, layer, width) * blocks;
    if (row > built->a_words) return 0;
    const uint32_t image_rows = built->a_words / (uint32_t)row;
    if (image_rows < layer->kernel_height) return 0;
    const uint32_t rows = (image_rows - layer->kernel_height) / layer->stride + 1;
    const uint32_t tiles = built->acc_tiles / divide_up(width, built->m);
    return smaller(smaller(rows, tiles), tileloom_engine_output_height(layer));
}

// The cut with the fewest strips, as weights are read for each, of those with the fewest parts of channels; pixels are
// counted in whole tiles, or where not one fits by themselves.
bool tileloom_engine_find_cut(const built_t *built, const layer_t *layer, struct tileloom_engine_cut *cut) {
    const uint32_t height = tileloom_engine_output_height(layer), width = tileloom_engine_output_width(layer);
    const uint32_t blocks = divide_up(layer->channels, built->k), m = built->m;
    // A strip's columns of input, pads among them, are counted in 16 bits.
    const uint32_t widest = smaller(width, (LARGEST_SLOT - layer->kernel_width) / layer->stride + 1);
    for (uint32_t unit = m; unit != 0; unit = unit > 1 ? 1 : 0) {
        const uint32_t most = unit == 1 ? smaller(m, widest) : smaller(built->acc_tiles * m, widest);
        for (uint32_t parts = 1; parts <= blocks; ++parts) {
            const uint32_t together = divide_up(blocks, parts);
            uint64_t fewest = UINT64_MAX;
            if (together > LARGEST_BLOCKS) continue;
            for (uint32_t units = divide_up(most, unit); units != 0; --units) {
                const uint32_t across = smaller(units * unit, widest);
                const uint32_t rows = rows_that_fit(built, layer, across, together);
                if (rows == 0) continue;
                const uint32_t down = divide_up(height, rows);
                const uint64_t strips = (uint64_t)down * divide_up(width, across);
                if (strips >= fewest) continue;
                fewest = strips;
                cut->rows = divide_up(height, down);
                cut->width = across;
                cut->blocks = together;
            }
            if (fewest != UINT64_MAX) return true;
        }
    }
    return false;
}

