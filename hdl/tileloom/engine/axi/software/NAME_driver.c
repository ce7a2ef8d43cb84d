// The engine's driver: see NAME_driver.h.
#include "NAME_driver.h"

#include "NAME.h"

#define BLOCK_REGISTERS tileloom_engine_t
#define BLOCK_MACRO(name) TILELOOM_ENGINE__##name
#include "tileloom_block.h"

#ifdef TILELOOM_ENGINE__PROGRAM_HIGH__ADDRESS_bm
#define HEADER_ADDRESS_BITS 64u
#else
#define HEADER_ADDRESS_BITS 32u
#endif

const char *tileloom_engine_text(enum tileloom_engine_result result) {
    switch (result) {
        case TILELOOM_ENGINE_OK: return "done";
        case TILELOOM_ENGINE_ABSENT: return "no Tileloom engine is at this address";
        case TILELOOM_ENGINE_UNSUPPORTED:
            return "the engine has more than 32 bits of address: compile the driver with its header";
        case TILELOOM_ENGINE_BUSY: return "the engine is busy: wait for its program, or reset it";
        case TILELOOM_ENGINE_TIMEOUT: return "the engine is not done after this many cycles";
        case TILELOOM_ENGINE_READ_FAULT: return "memory answered a read of the engine with an error";
        case TILELOOM_ENGINE_WRITE_FAULT: return "memory answered a write of the engine with an error";
        case TILELOOM_ENGINE_INDEX_FAULT: return "an index row is out of range or order: reset the engine";
        case TILELOOM_ENGINE_ADDRESS: return "the address is not a multiple of 64 that the engine can reach";
        case TILELOOM_ENGINE_LAYER: return "a size, kernel, stride or pad of the layer cannot be";
        case TILELOOM_ENGINE_CAPACITY: return "the engine's buffers are too small for a pixel of the layer";
        case TILELOOM_ENGINE_MEMORY: return "the layer needs more memory than was given";
    }
    return "unknown";
}

static void read_built(const struct tileloom_engine *engine, struct tileloom_engine_built *built) {
    const uint32_t tile = READ(engine->base, TILE), options = READ(engine->base, OPTIONS);
    const uint32_t bus = READ(engine->base, BUS);
    const uint32_t buffers = READ(engine->base, BUFFERS);
    const uint32_t in = READ(engine->base, FORMATS_IN), out = READ(engine->base, FORMATS_OUT);

    built->version = READ(engine->base, VERSION);
    built->m = FIELD(tile, TILE__M);
    built->k = FIELD(tile, TILE__K);
    built->n = FIELD(tile, TILE__N);
    built->systolic = FIELD(tile, TILE__SYSTOLIC) != 0;
    built->requantise = FIELD(options, OPTIONS__REQUANTISE) != 0;
    built->half_even = FIELD(options, OPTIONS__HALF_EVEN) != 0;
    built->result_zero_point = FIELD(options, OPTIONS__RESULT_ZERO_POINT) != 0;
    built->activation_mask = FIELD(options, OPTIONS__ACTIVATION_MASK) != 0;
    built->bus_bits = FIELD(bus, BUS__BITS);
    built->burst_beats = FIELD(bus, BUS__BURST_LENGTH) + 1;
    built->address_bits = FIELD(bus, BUS__ADDRESS_BITS);
    built->a_words = READ(engine->base, A_BUFFER);
    built->acc_tiles = FIELD(buffers, BUFFERS__ACC_TILES);
    built->weight_beats = FIELD(buffers, BUFFERS__WEIGHT_BEATS);
    built->activation_bits = FIELD(in, FORMATS_IN__ACTIVATION_BITS);
    built->activation_exponent = FIELD(in, FORMATS_IN__ACTIVATION_EXPONENT);
    built->weight_bits = FIELD(in, FORMATS_IN__WEIGHT_BITS);
    built->weight_exponent = FIELD(in, FORMATS_IN__WEIGHT_EXPONENT);
    built->sum_bits = FIELD(out, FORMATS_OUT__SUM_BITS);
    built->sum_exponent = FIELD(out, FORMATS_OUT__SUM_EXPONENT);
    built->result_bits = FIELD(out, FORMATS_OUT__RESULT_BITS);
    built->result_exponent = FIELD(out, FORMATS_OUT__RESULT_EXPONENT);
}

enum tileloom_engine_result tileloom_engine_open(struct tileloom_engine *engine, uintptr_t base) {
    engine->base = base;
    engine->interrupts = false;
    engine->events = 0;
    if (!block_is_there(base)) return TILELOOM_ENGINE_ABSENT;
    read_built(engine, &engine->built);
    if (engine->built.address_bits > HEADER_ADDRESS_BITS) return TILELOOM_ENGINE_UNSUPPORTED;
    block_use_interrupts(base, false);
    if (READ(base, STATUS) != 0) return TILELOOM_ENGINE_BUSY;
    block_forget(base, &engine->events);
    return TILELOOM_ENGINE_OK;
}

void tileloom_engine_use_interrupts(struct tileloom_engine *engine, bool use) {
    engine->interrupts = use;
    block_use_interrupts(engine->base, use);
}

bool tileloom_engine_interrupt(struct tileloom_engine *engine) {
    return block_interrupt(engine->base, &engine->events);
}

enum tileloom_engine_result tileloom_engine_start(struct tileloom_engine *engine, uint64_t program) {
    const uint32_t high = (uint32_t)(program >> 32), bits = engine->built.address_bits;
    if (program % TILELOOM_ENGINE_ALIGNMENT != 0) return TILELOOM_ENGINE_ADDRESS;
    if (bits < 64 && program >> bits != 0) return TILELOOM_ENGINE_ADDRESS;
    if (READ(engine->base, STATUS) != 0) return TILELOOM_ENGINE_BUSY;
    block_forget(engine->base, &engine->events);
    WRITE(engine->base, PROGRAM_LOW, (uint32_t)program);
#if HEADER_ADDRESS_BITS > 32
    if (bits > 32) WRITE(engine->base, PROGRAM_HIGH, high);
#else
    (void)high;
#endif
    block_start(engine->base);
    return TILELOOM_ENGINE_OK;
}

static enum tileloom_engine_result ended(const struct tileloom_engine *engine) {
    const uint32_t fault = READ(engine->base, FAULT);
    if (fault & BIT(FAULT__ERROR))
        return fault & BIT(FAULT__WRITE) ? TILELOOM_ENGINE_WRITE_FAULT : TILELOOM_ENGINE_READ_FAULT;
    return fault != 0 ? TILELOOM_ENGINE_INDEX_FAULT : TILELOOM_ENGINE_OK;
}

enum tileloom_engine_result tileloom_engine_wait(struct tileloom_engine *engine, uint32_t cycles) {
    if (!block_wait(engine->base, engine->interrupts, &engine->events, cycles)) return TILELOOM_ENGINE_TIMEOUT;
    return ended(engine);
}

struct tileloom_engine_fault tileloom_engine_fault(const struct tileloom_engine *engine) {
    const uint32_t word = READ(engine->base, FAULT);
    struct tileloom_engine_fault fault;
    fault.error = FIELD(word, FAULT__ERROR) != 0;
    fault.write = FIELD(word, FAULT__WRITE) != 0;
    fault.response = FIELD(word, FAULT__RESPONSE);
    fault.row_range = FIELD(word, FAULT__ROW_RANGE) != 0;
    fault.row_order = FIELD(word, FAULT__ROW_ORDER) != 0;
    fault.address = READ(engine->base, FAULT_ADDRESS_LOW);
#if HEADER_ADDRESS_BITS > 32
    if (engine->built.address_bits > 32) fault.address |= (uint64_t)READ(engine->base, FAULT_ADDRESS_HIGH) << 32;
#endif
    return fault;
}

enum tileloom_engine_result tileloom_engine_reset(struct tileloom_engine *engine, uint32_t cycles) {
    return block_reset(engine->base, &engine->events, cycles) ? TILELOOM_ENGINE_OK : TILELOOM_ENGINE_TIMEOUT;
}

struct tileloom_engine_counters tileloom_engine_count(const struct tileloom_engine *engine) {
    struct tileloom_engine_counters counters;
    counters.cycles = READ(engine->base, CYCLES);
    counters.busy_cycles = READ(engine->base, BUSY_CYCLES);
    counters.stalls_in = READ(engine->base, STALLS_IN);
    counters.stalls_out = READ(engine->base, STALLS_OUT);
    counters.blocks_skipped = READ(engine->base, BLOCKS_SKIPPED);
    return counters;
}
