// Programs of the engine: each strip of a layer is a LOAD, a CONV of all columns, and a WRITE. Where input channels are
// cut into parts, each column of a strip has a LOAD and a CONV for each part, and a WRITE.
#include "NAME_program.h"

#include <stddef.h>

#include "NAME_cut.h"
#include "NAME_data.h"

enum { LARGEST_COLUMNS = 65535 };  // of a command

typedef struct tileloom_engine_place place_t;
typedef struct tileloom_engine_program program_t;

// What outputs see on one axis of the input.
struct span {
    uint32_t begin, count, before, after;
};

struct tileloom_engine_layer tileloom_engine_product(uint32_t m, uint32_t k, uint32_t n) {
    const struct tileloom_engine_layer layer = {
        .height = 1, .width = m, .channels = k, .outputs = n, .kernel_height = 1, .kernel_width = 1, .stride = 1};
    return layer;
}

void tileloom_engine_encode(const struct tileloom_engine_descriptor *descriptor,
                            uint8_t bytes[TILELOOM_ENGINE_DESCRIPTOR_BYTES]) {
    const struct {
        uint64_t value;
        uint32_t bytes;
    } fields[] = {{descriptor->address, 8}, {descriptor->step, 4}, {descriptor->plane, 4},
                  {descriptor->line, 4},    {descriptor->run, 4},  {descriptor->lines, 2},
                  {0, 2},                   {descriptor->weight_bytes, 4}, {descriptor->weights, 8}};
    for (uint32_t slot = 0; slot < TILELOOM_ENGINE_SLOTS; ++slot) {
        *bytes++ = (uint8_t)descriptor->command[slot];
        *bytes++ = (uint8_t)(descriptor->command[slot] >> 8);
    }
    for (size_t field = 0; field < sizeof fields / sizeof fields[0]; ++field) {
        for (uint32_t byte = 0; byte < fields[field].bytes; ++byte)
            *bytes++ = (uint8_t)(fields[field].value >> 8 * byte);
    }
}

static struct span seen(uint32_t first, uint32_t count, uint32_t stride, uint32_t kernel, uint32_t pad, uint32_t size) {
    const int64_t begin = (int64_t)first * stride - pad;
    const int64_t end = begin + (int64_t)(count - 1) * stride + kernel;
    struct span span;
    span.before = begin < 0 ? (uint32_t)-begin : 0;
    span.after = end > size ? (uint32_t)(end - size) : 0;
    span.begin = (uint32_t)(begin + span.before);
    span.count = (uint32_t)(end - begin) - span.before - span.after;
    return span;
}

// What is made of a layer, and how far it is.
struct layout {
    program_t *program;
    struct tileloom_engine_cut cut;
    const void *weights;
    const uint64_t *columns;
    struct tileloom_engine_place place;  // weights
    uint64_t activations, results;       // addresses
    uint64_t descriptor;                 // offset of the next descriptor
    uint64_t strip_bytes;                // of a strip's descriptors
};

struct strip {
    uint32_t y, x, rows, width;
};

static void put_descriptor(struct layout *layout, const struct tileloom_engine_descriptor *descriptor, bool again) {
    const struct tileloom_engine_memory *memory = layout->place.memory;
    const uint64_t offset = layout->descriptor;
    layout->descriptor += TILELOOM_ENGINE_DESCRIPTOR_BYTES;
    if (layout->descriptor > memory->size) return;
    tileloom_engine_encode(descriptor, memory->bytes + offset);
    if (!again) return;
    // Index and weights are those of the strip before.
    for (uint32_t byte = 2 * TILELOOM_ENGINE_SLOTS; byte < TILELOOM_ENGINE_DESCRIPTOR_BYTES; ++byte)
        memory->bytes[offset + byte] = memory->bytes[offset - layout->strip_bytes + byte];
}

static void put_load(struct layout *layout, const struct strip *strip, struct tileloom_engine_part part) {
    const struct tileloom_engine_layer *layer = &layout->program->layer;
    const uint32_t unit = layout->program->built.k * layout->program->built.activation_bits / 8;
    const uint32_t stride = layer->stride;
    const uint32_t pitch = tileloom_engine_phase_groups(&layout->program->built, layer, strip->width) * part.blocks;
    const struct span down = seen(strip->y, strip->rows, stride, layer->kernel_height, layer->pad_top, layer->height);
    const struct span across = seen(strip->x, strip->width, stride, layer->kernel_width, layer->pad_left, layer->width);
    struct tileloom_engine_descriptor load = {
        .command = {(uint16_t)(TILELOOM_ENGINE_LOAD | stride << 4), 1, (uint16_t)part.blocks, (uint16_t)down.count,
                    (uint16_t)across.count,
                    (uint16_t)(down.before | down.after << 4 | across.before << 8 | across.after << 12),
                    (uint16_t)pitch, (uint16_t)(stride * pitch)},
        .plane = layer->height * layer->width * unit,
        .line = layer->width * unit,
        .run = across.count * unit,
        .lines = (uint16_t)down.count};
    load.address = layout->activations + (uint64_t)part.block * load.plane + (uint64_t)down.begin * load.line +
                   (uint64_t)across.begin * unit;
    put_descriptor(layout, &load, false);
}

static void put_conv(struct layout *layout, const struct strip *strip, struct tileloom_engine_part part) {
    program_t *program = layout->program;
    const struct tileloom_engine_layer *layer = &program->layer;
    const uint32_t stride = layer->stride;
    const uint32_t pitch = tileloom_engine_phase_groups(&program->built, layer, strip->width) * part.blocks;
    const bool product = layer->kernel_height == 1 && layer->kernel_width == 1 && stride == 1;
    const bool again = strip->y != 0 || strip->x != 0;
    uint32_t flags = TILELOOM_ENGINE_RELEASE;
    if (part.block > 0) flags |= TILELOOM_ENGINE_ACCUMULATE;
    if (part.block + part.blocks == divide_up(layer->channels, program->built.k))
        flags |= TILELOOM_ENGINE_FINISH;
    if (program->built.activation_mask && product) flags |= TILELOOM_ENGINE_MASKED;
    struct tileloom_engine_descriptor conv = {
        .command = {(uint16_t)(TILELOOM_ENGINE_CONV | stride << 4 | flags), 1, (uint16_t)part.blocks,
                    (uint16_t)strip->rows, (uint16_t)divide_up(strip->width, program->built.m),
                    (uint16_t)(layer->kernel_height | layer->kernel_width << 8), (uint16_t)pitch,
                    (uint16_t)(stride * pitch), (uint16_t)(stride * stride * pitch), (uint16_t)part.columns}};
    if (!again)
        program->blocks_skipped += tileloom_engine_put_weights(program, layout->weights, layout->columns, part,
                                                               &layout->place, &conv);
    put_descriptor(layout, &conv, again);
}

static void put_write(struct layout *layout, const struct strip *strip, struct tileloom_engine_part part) {
    const struct tileloom_engine_layer *layer = &layout->program->layer;
    const uint32_t unit = layout->program->built.n * layout->program->built.result_bits / 8;
    const uint32_t width = tileloom_engine_output_width(layer);
    struct tileloom_engine_descriptor write = {
        .command = {(uint16_t)(TILELOOM_ENGINE_WRITE | (layer->relu ? TILELOOM_ENGINE_RELU : 0)), 1, 0,
                    (uint16_t)strip->rows, (uint16_t)strip->width, 0, 0, 0, 0, (uint16_t)part.columns},
        .plane = tileloom_engine_output_height(layer) * width * unit,
        .line = width * unit,
        .run = strip->width * unit,
        .lines = (uint16_t)strip->rows};
    write.address = layout->results + (uint64_t)part.column * write.plane + (uint64_t)strip->y * write.line +
                    (uint64_t)strip->x * unit;
    put_descriptor(layout, &write, false);
}

static uint32_t columns_together(const program_t *program, const struct tileloom_engine_cut *cut) {
    const uint32_t columns = divide_up(program->layer.outputs, program->built.n);
    const bool whole = cut->blocks == divide_up(program->layer.channels, program->built.k);
    return whole ? smaller(columns, LARGEST_COLUMNS) : 1;
}

static void put_strip(struct layout *layout, const struct strip *strip) {
    const program_t *program = layout->program;
    const uint32_t blocks = divide_up(program->layer.channels, program->built.k);
    const uint32_t columns = divide_up(program->layer.outputs, program->built.n);
    const uint32_t together = columns_together(program, &layout->cut);
    for (uint32_t column = 0; column < columns; column += together) {
        struct tileloom_engine_part part = {0, 0, column, smaller(together, columns - column)};
        for (; part.block < blocks; part.block += part.blocks) {
            part.blocks = smaller(layout->cut.blocks, blocks - part.block);
            put_load(layout, strip, part);
            put_conv(layout, strip, part);
        }
        put_write(layout, strip, part);
    }
}

static uint64_t up_to_alignment(uint64_t bytes) {
    return (bytes + TILELOOM_ENGINE_ALIGNMENT - 1) & ~(uint64_t)(TILELOOM_ENGINE_ALIGNMENT - 1);
}

enum tileloom_engine_result tileloom_engine_lay_out(const struct tileloom_engine_built *built,
                                                    const struct tileloom_engine_layer *layer, const void *weights,
                                                    const uint64_t *columns,
                                                    const struct tileloom_engine_memory *memory,
                                                    program_t *program) {
    struct layout layout = {.program = program, .weights = weights, .columns = columns, .place = {memory, 0}};
    program->built = *built;
    program->layer = *layer;
    program->activations = program->results = NULL;
    program->size = program->start = 0;
    program->blocks_skipped = 0;
    if (!tileloom_engine_is_layer(built, layer)) return TILELOOM_ENGINE_LAYER;
    if (memory->address % TILELOOM_ENGINE_ALIGNMENT != 0) return TILELOOM_ENGINE_ADDRESS;
    if (layer->kernel_height == 1 && layer->kernel_width == 1 && layer->stride == 1) {
        // Its pixels are those of one row.
        program->layer.width *= layer->height;
        program->layer.height = 1;
    }
    if (!tileloom_engine_find_cut(built, &program->layer, &layout.cut)) return TILELOOM_ENGINE_CAPACITY;

    layer = &program->layer;
    const uint32_t height = tileloom_engine_output_height(layer), width = tileloom_engine_output_width(layer);
    const uint64_t a_blocks = divide_up(layer->channels, built->k);
    const uint64_t c_columns = divide_up(layer->outputs, built->n);
    const uint64_t parts = divide_up((uint32_t)a_blocks, layout.cut.blocks);
    const uint64_t groups = divide_up((uint32_t)c_columns, columns_together(program, &layout.cut));
    const uint64_t strips = (uint64_t)divide_up(height, layout.cut.rows) *
                            divide_up(width, layout.cut.width);
    const uint64_t results = up_to_alignment(a_blocks * layer->height * layer->width * built->k *
                                             built->activation_bits / 8);
    const uint64_t start = results + up_to_alignment(c_columns * height * width * built->n * built->result_bits / 8);
    layout.activations = memory->address;
    layout.results = memory->address + results;
    layout.descriptor = start;
    layout.strip_bytes = groups * (2 * parts + 1) * TILELOOM_ENGINE_DESCRIPTOR_BYTES;
    layout.place.used = start + strips * layout.strip_bytes + TILELOOM_ENGINE_DESCRIPTOR_BYTES;

    for (uint32_t y = 0; y < height; y += layout.cut.rows) {
        for (uint32_t x = 0; x < width; x += layout.cut.width) {
            const struct strip strip = {y, x, smaller(layout.cut.rows, height - y),
                                        smaller(layout.cut.width, width - x)};
            put_strip(&layout, &strip);
        }
    }
    const struct tileloom_engine_descriptor end = {.command = {0}};
    put_descriptor(&layout, &end, false);

    program->blocks_skipped *= (uint32_t)strips;
    program->size = layout.place.used;
    if (program->size > memory->size) return TILELOOM_ENGINE_MEMORY;
    if (built->address_bits < 64 && (memory->address + program->size - 1) >> built->address_bits != 0)
        return TILELOOM_ENGINE_ADDRESS;
    program->activations = memory->bytes;
    program->results = memory->bytes + results;
    program->start = memory->address + start;
    return TILELOOM_ENGINE_OK;
}
