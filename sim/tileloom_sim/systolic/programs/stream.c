// A stream of tiles through the array, word by word: tile t's weights, then its vectors, without a flush between tiles.
// With an address generator it multiplies every other time, from the first on, and in every other handler; with a memory
// of sums two times of three.
// Random interrupts come in between; their handler saves the array's state, multiplies on it itself, and restores it.
#include "tileloom_array.h"

#define REGISTER(offset) (*(volatile uint32_t *)(0x10000000 + (offset)))
#define INTERRUPT 17

// The job, which the host puts behind the program. Words; a vector has TILELOOM_STEPS activations.
struct job {
    uint32_t tiles, vectors;
    uint32_t interrupts;                        // how many to wait for, 0: none are taken
    const uint32_t *weights, *activations, *sums;  // sums: a word for each result
    uint32_t *results;
    // The handler's own tile, one vector, its sums and what must come out.
    const uint32_t *own_weights, *own_activations, *own_sums, *own_results;
};
extern const struct job __free;

static volatile uint32_t taken, wrong;

static void multiply(uint32_t tiles, uint32_t vectors, const uint32_t *weights, const uint32_t *activations,
                     const uint32_t *sums, uint32_t *results) {
    uint32_t before = 0;  // vectors
    for (uint32_t tile = 0; tile < tiles; tile++) {
        for (uint32_t i = 0; i < TILELOOM_WEIGHT_WORDS; i++) tileloom_weight(*weights++);
        for (uint32_t vector = 0; vector < vectors; vector++, before++) {
            for (uint32_t i = 0; i < TILELOOM_STEPS; i++) {
                if (before >= 2 && i < TILELOOM_COLUMNS) {
                    *results++ = tileloom_step(*activations++, *sums++);
                } else {
                    tileloom_step(*activations++, 0);
                }
            }
        }
    }
    for (uint32_t left = before < 2 ? before : 2; left > 0; left--) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; i++) *results++ = tileloom_read(*sums++);
    }
}

#if TILELOOM_ACCUMULATORS
// The same with the sums of three vectors held in the array, and given out with a step, or held on and then taken out.
static void accumulate(uint32_t holds, uint32_t tiles, uint32_t vectors, const uint32_t *weights,
                       const uint32_t *activations, const uint32_t *sums, uint32_t *results) {
    uint32_t before = 0;  // vectors
    for (uint32_t tile = 0; tile < tiles; tile++) {
        for (uint32_t i = 0; i < TILELOOM_WEIGHT_WORDS; i++) tileloom_weight(*weights++);
        for (uint32_t vector = 0; vector < vectors; vector++, before++) {
            for (uint32_t i = 0; i < TILELOOM_COLUMNS; i++) tileloom_hold(*sums++);
            for (uint32_t i = 0; i < TILELOOM_STEPS; i++) {
                uint32_t result = 0;
                if (holds) tileloom_next(*activations++);
                else result = tileloom_last(*activations++);
                if (before < 2 || i >= TILELOOM_COLUMNS) continue;
                if (holds) {  // the youngest of all: the others go round
                    for (uint32_t left = tileloom_held() - 1; left > 0; left--) tileloom_hold(tileloom_sum());
                    result = tileloom_sum();
                }
                *results++ = result;
            }
        }
    }
    for (uint32_t left = before < 2 ? before : 2; left > 0; left--) {
        for (uint32_t i = 0; i < TILELOOM_COLUMNS; i++) *results++ = tileloom_read(tileloom_sum());
    }
}
#endif

#if TILELOOM_MEMORY_BITS
// The same by the address generator, which adds to sums in memory, or to those that are held in the array and, of every
// other tile, stay there.
static void fetch(uint32_t tiles, uint32_t vectors, const uint32_t *weights, const uint32_t *activations,
                  const uint32_t *sums, uint32_t *results) {
    tileloom_wait();
    tileloom_setting((uint32_t)weights, TILELOOM_SET_WEIGHTS);
    tileloom_setting(vectors, TILELOOM_SET_VECTORS);
    tileloom_setting(4 * TILELOOM_STEPS, TILELOOM_SET_X_STRIDE);
    tileloom_setting(4 * TILELOOM_COLUMNS, TILELOOM_SET_Y_STRIDE);
    const uint32_t count = vectors * TILELOOM_COLUMNS;
#if TILELOOM_ACCUMULATORS
    for (uint32_t tile = 0; tile < tiles; tile++, results += count, activations += vectors * TILELOOM_STEPS) {
        for (uint32_t i = 0; i < count; i++) tileloom_hold(*sums++);
        const uint32_t more = tile & 1 ? TILELOOM_MORE : 0;
        while (tileloom_multiply((uint32_t)activations, (uint32_t)results | more)) {}
        for (uint32_t i = 0; more && i < count; i++) results[i] = tileloom_sum();
    }
#else
    for (uint32_t i = 0; i < tiles * count; i++) results[i] = sums[i];
    tileloom_wait();
    for (uint32_t tile = 0; tile < tiles; tile++, results += count, activations += vectors * TILELOOM_STEPS) {
        while (tileloom_multiply((uint32_t)activations, (uint32_t)results)) {}
    }
#endif
    tileloom_wait();
}
#endif

#define WAYS (1 + (TILELOOM_MEMORY_BITS != 0) + 2 * (TILELOOM_ACCUMULATORS != 0))
#define BY_FETCHING (TILELOOM_MEMORY_BITS != 0)  // the number of that way, if there is one

// One of the ways to multiply that this array has: 0 by steps alone.
static void product(uint32_t way, uint32_t tiles, uint32_t vectors, const uint32_t *weights,
                    const uint32_t *activations, const uint32_t *sums, uint32_t *results) {
#if TILELOOM_MEMORY_BITS
    const uint32_t fits = !TILELOOM_ACCUMULATORS || vectors * TILELOOM_COLUMNS <= TILELOOM_ACCUMULATORS;
    if (way == BY_FETCHING && fits) return fetch(tiles, vectors, weights, activations, sums, results);
#endif
#if TILELOOM_ACCUMULATORS
    if (way > BY_FETCHING) return accumulate(way & 1, tiles, vectors, weights, activations, sums, results);
#endif
    (void)way;
    multiply(tiles, vectors, weights, activations, sums, results);
}

__attribute__((interrupt("machine"), aligned(256))) void trap_entry(void) {
    uint32_t cause;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    if (cause != (1u << 31 | INTERRUPT)) {
        uint32_t pc;
        __asm__ volatile("csrr %0, mepc" : "=r"(pc));
        REGISTER(0x14) = pc;
        REGISTER(0x18) = cause;
    }
    static tileloom_context context;
    uint32_t own[TILELOOM_COLUMNS];
    const struct job *job = &__free;
    tileloom_save(&context);
    product(taken % WAYS, 1, 1, job->own_weights, job->own_activations, job->own_sums, own);
    for (uint32_t i = 0; i < TILELOOM_COLUMNS; i++) wrong += own[i] != job->own_results[i];
    // Left in mid-tile and mid-vector: restoring must not need a clean array.
    for (uint32_t i = 0; i < taken % TILELOOM_WEIGHT_WORDS; i++) tileloom_weight(~0u);
    for (uint32_t i = 0; i < taken % (3 * TILELOOM_STEPS); i++) tileloom_step(0, 0);
#if TILELOOM_ACCUMULATORS
    for (uint32_t i = 0; i < taken % TILELOOM_ACCUMULATORS; i++) tileloom_hold(~0u);
#endif
    tileloom_restore(&context);
    taken++;
    REGISTER(0x10) = 1;
}

int main(void) {
    const struct job *job = &__free;
    if (job->interrupts) {
        __asm__ volatile("csrw mie, %0\n csrsi mstatus, 8" : : "r"(1u << INTERRUPT));
    }
    uint32_t passes = 0;
    do {
        passes++;
        product(passes % WAYS, job->tiles, job->vectors, job->weights, job->activations, job->sums, job->results);
        if (wrong) return 1;
        // The results of every pass are compared with those of the first one.
        static uint32_t first = 1, check;
        uint32_t sum = 0;
        for (uint32_t i = 0; i < job->tiles * job->vectors * TILELOOM_COLUMNS; i++) {
            sum = (sum << 5 | sum >> 27) ^ job->results[i];
        }
        if (first) check = sum;
        first = 0;
        if (sum != check) return 2;
    } while (taken < job->interrupts || passes < WAYS);
    __asm__ volatile("csrci mstatus, 8");
    job->results[job->tiles * job->vectors * TILELOOM_COLUMNS] = taken;
    return 0;
}
