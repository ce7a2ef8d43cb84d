// The array's driver: see NAME_driver.h.
#include "NAME_driver.h"

#include "NAME.h"

#define BLOCK_REGISTERS tileloom_systolic_t
#define BLOCK_MACRO(name) TILELOOM_SYSTOLIC__##name
#include "tileloom_block.h"

const char *tileloom_systolic_text(enum tileloom_systolic_result result) {
    switch (result) {
        case TILELOOM_SYSTOLIC_OK: return "done";
        case TILELOOM_SYSTOLIC_ABSENT: return "no Tileloom systolic array is at this address";
        case TILELOOM_SYSTOLIC_BUSY: return "the array is busy: wait for its job, or reset it";
        case TILELOOM_SYSTOLIC_TIMEOUT: return "the array is not done after this many cycles";
        case TILELOOM_SYSTOLIC_JOB: return "a job has at least one vector and one tile, and at most 65535 tiles";
        case TILELOOM_SYSTOLIC_FAULT: return "something was wrong with the job's data";
        case TILELOOM_SYSTOLIC_WEIGHT: return "a weight has no magnitude in the array's format";
        case TILELOOM_SYSTOLIC_MEMORY: return "the product takes more memory";
        case TILELOOM_SYSTOLIC_MOVE: return "data was not moved between memory and the array's streams";
    }
    return "unknown";
}

static void read_built(uintptr_t base, struct tileloom_systolic_built *built) {
    const uint32_t size = READ(base, SIZE), options = READ(base, OPTIONS), stages = READ(base, STAGES);
    const uint32_t in = READ(base, FORMATS_IN), out = READ(base, FORMATS_OUT);

    built->version = READ(base, VERSION);
    built->rows = FIELD(size, SIZE__ROWS);
    built->columns = FIELD(size, SIZE__COLUMNS);
    built->nearest_even = FIELD(options, OPTIONS__NEAREST_EVEN) != 0;
    built->double_buffer = FIELD(options, OPTIONS__DOUBLE_BUFFER) != 0;
    built->carry_save = FIELD(options, OPTIONS__CARRY_SAVE) != 0;
    built->gate_zeros = FIELD(options, OPTIONS__GATE_ZEROS) != 0;
    built->multiply_stages = FIELD(stages, STAGES__MULTIPLY);
    built->add_stages = FIELD(stages, STAGES__ADD);
    built->step_interval = FIELD(stages, STAGES__STEP_INTERVAL);
    built->broadcast = FIELD(stages, STAGES__BROADCAST);
    built->latency = FIELD(READ(base, LATENCY), LATENCY__CYCLES);
    built->activation_bits = FIELD(in, FORMATS_IN__ACTIVATION_BITS);
    built->activation_exponent = FIELD(in, FORMATS_IN__ACTIVATION_EXPONENT);
    built->weight_bits = FIELD(in, FORMATS_IN__WEIGHT_BITS);
    built->weight_exponent = FIELD(in, FORMATS_IN__WEIGHT_EXPONENT);
    built->sum_bits = FIELD(out, FORMATS_OUT__SUM_BITS);
    built->sum_exponent = FIELD(out, FORMATS_OUT__SUM_EXPONENT);
}

enum tileloom_systolic_result tileloom_systolic_open(struct tileloom_systolic *array, uintptr_t base) {
    array->base = base;
    array->interrupts = false;
    array->events = 0;
    if (!block_is_there(base)) return TILELOOM_SYSTOLIC_ABSENT;
    read_built(base, &array->built);
    block_use_interrupts(base, false);
    if (READ(base, STATUS) != 0) return TILELOOM_SYSTOLIC_BUSY;
    block_forget(base, &array->events);
    return TILELOOM_SYSTOLIC_OK;
}

void tileloom_systolic_use_interrupts(struct tileloom_systolic *array, bool use) {
    array->interrupts = use;
    block_use_interrupts(array->base, use);
}

bool tileloom_systolic_interrupt(struct tileloom_systolic *array) {
    return block_interrupt(array->base, &array->events);
}

enum tileloom_systolic_result tileloom_systolic_start(struct tileloom_systolic *array,
                                                      const struct tileloom_systolic_job *job) {
    const uint32_t chosen =
        (job->psum_in ? BIT(JOB__PSUM_IN) : 0) | (job->keep_weights ? BIT(JOB__KEEP_WEIGHTS) : 0);
    if (job->vectors == 0 || job->tiles == 0) return TILELOOM_SYSTOLIC_JOB;
    if (READ(array->base, STATUS) != 0) return TILELOOM_SYSTOLIC_BUSY;
    block_forget(array->base, &array->events);
    WRITE(array->base, VECTORS, job->vectors);
    WRITE(array->base, TILES, job->tiles);
    WRITE(array->base, JOB, chosen);
    block_start(array->base);
    return TILELOOM_SYSTOLIC_OK;
}

enum tileloom_systolic_result tileloom_systolic_wait(struct tileloom_systolic *array, uint32_t cycles) {
    if (!block_wait(array->base, array->interrupts, &array->events, cycles)) return TILELOOM_SYSTOLIC_TIMEOUT;
    return READ(array->base, FAULT) != 0 ? TILELOOM_SYSTOLIC_FAULT : TILELOOM_SYSTOLIC_OK;
}

struct tileloom_systolic_fault tileloom_systolic_fault(const struct tileloom_systolic *array) {
    const uint32_t word = READ(array->base, FAULT), place = READ(array->base, FAULT_PLACE);
    struct tileloom_systolic_fault fault;
    fault.last_early = FIELD(word, FAULT__LAST_EARLY) != 0;
    fault.last_missing = FIELD(word, FAULT__LAST_MISSING) != 0;
    fault.not_finite = FIELD(word, FAULT__NOT_FINITE) != 0;
    fault.overflow = FIELD(word, FAULT__OVERFLOW) != 0;
    fault.stream = (enum tileloom_systolic_stream)FIELD(place, FAULT_PLACE__STREAM);
    fault.tile = FIELD(place, FAULT_PLACE__TILE);
    fault.vector = READ(array->base, FAULT_VECTOR);
    return fault;
}

enum tileloom_systolic_result tileloom_systolic_reset(struct tileloom_systolic *array, uint32_t cycles) {
    return block_reset(array->base, &array->events, cycles) ? TILELOOM_SYSTOLIC_OK : TILELOOM_SYSTOLIC_TIMEOUT;
}

struct tileloom_systolic_counters tileloom_systolic_count(const struct tileloom_systolic *array) {
    struct tileloom_systolic_counters counters;
    counters.cycles = READ(array->base, CYCLES);
    counters.busy_cycles = READ(array->base, BUSY_CYCLES);
    counters.stalls_in = READ(array->base, STALLS_IN);
    counters.stalls_out = READ(array->base, STALLS_OUT);
    counters.results = READ(array->base, RESULTS);
    return counters;
}

uint32_t tileloom_systolic_cycles(const struct tileloom_systolic *array) { return READ(array->base, CYCLES); }
