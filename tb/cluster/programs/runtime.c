// The runtime of a cluster by itself: numbers of cores, transfers of all cores at once, barriers of groups, events. Each
// core counts what is wrong in its word of L1; core 0 returns the sum.
#include "cluster.h"
#include "counters.h"

#define ROUNDS 6
#define WORDS 16

static uint32_t there[8][4 * WORDS], back[8][4 * WORDS];  // in L2

static uint32_t expected(uint32_t core, uint32_t round, uint32_t i) { return core << 24 | round << 16 | i; }

// 2-D there and back, all cores at once: odd rows of a matrix of 4 x WORDS words.
static uint32_t transfers(uint32_t core, uint32_t *l1) {
    uint32_t wrong = 0;
    for (uint32_t round = 0; round < ROUNDS; ++round) {
        for (uint32_t i = 0; i < 4 * WORDS; ++i) there[core][i] = expected(core, round, i), back[core][i] = 0;
        uint32_t in = dma_start(TO_L1, there[core] + WORDS, l1, 4 * WORDS, 2, 8 * WORDS, 4 * WORDS);
        uint32_t out = dma_start(TO_L2, back[core], l1, 2 * WORDS, 4, 4 * WORDS, 2 * WORDS);
        dma_wait(in);
        for (uint32_t i = 0; i < 2 * WORDS; ++i) {
            wrong += l1[i] != expected(core, round, WORDS + i + (i < WORDS ? 0 : WORDS));
        }
        dma_wait(out);
        for (uint32_t i = 0; i < 4 * WORDS; ++i) {
            const uint32_t from = i / WORDS * (WORDS / 2) + i % WORDS;
            const uint32_t want = i % WORDS < WORDS / 2 ? l1[from] : 0;
            wrong += back[core][i] != want;
        }
    }
    return wrong;
}

// Even and odd cores have a barrier each; a flag that is set before it is seen behind it.
static uint32_t groups(uint32_t core, uint32_t cores, volatile uint32_t *flags) {
    uint32_t wrong = 0;
    const uint32_t odd = core & 1, even_mask = 0x55 & ((1u << cores) - 1), odd_mask = 0xaa & ((1u << cores) - 1);
    if (core == 0) {
        CLUSTER_WORD(CLUSTER_BARRIER_MASK(1)) = even_mask;
        CLUSTER_WORD(CLUSTER_BARRIER_MASK(2)) = odd_mask;
    }
    cluster_barrier(0);
    for (uint32_t round = 1; round <= ROUNDS; ++round) {
        for (volatile uint32_t wait = core * round; wait != 0; --wait) {
        }
        flags[core] = round;
        cluster_barrier(1 + odd);
        for (uint32_t other = odd; other < cores; other += 2) wrong += flags[other] != round;
        cluster_barrier(1 + odd);
    }
    cluster_barrier(0);
    return wrong;
}

// A token goes round by triggers; each core adds to it.
static uint32_t ring(uint32_t core, uint32_t cores, volatile uint32_t *token) {
    CLUSTER_WORD(CLUSTER_EVENTS_MASK) = 2;
    CLUSTER_WORD(CLUSTER_EVENTS) = 3;
    if (core == 0) *token = 0;
    cluster_barrier(0);
    if (core == 0) CLUSTER_WORD(CLUSTER_TRIGGER) = 1;
    uint32_t wrong = CLUSTER_WORD(CLUSTER_WAIT) != 2;
    wrong += *token != core;
    *token = core + 1;
    if (core + 1 < cores) CLUSTER_WORD(CLUSTER_TRIGGER) = 2u << core;
    cluster_barrier(0);
    return wrong + (*token != cores);
}

int main(void) {
    const uint32_t core = cluster_core(), cores = cluster_cores();
    volatile uint32_t *flags = (volatile uint32_t *)0x20000000u, *wrong = flags + 8, *token = flags + 16;
    uint32_t *own = (uint32_t *)0x20000100u + core * 2 * WORDS;
    wrong[core] = COUNTER("mhartid") != core;
    wrong[core] += transfers(core, own);
    wrong[core] += groups(core, cores, flags);
    wrong[core] += ring(core, cores, token);
    cluster_barrier(0);
    uint32_t sum = 0;
    for (uint32_t other = 0; other < cores; ++other) sum += wrong[other];
    return (int)sum;
}
