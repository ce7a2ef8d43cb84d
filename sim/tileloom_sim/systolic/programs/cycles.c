// Cycles of a word: load, step, store, and the same with a partial sum loaded besides. As written for each core: with
// hardware loops and post-increment on CV32E40P (XPULP), unrolled on CV32E40X, whose steps' results are used late.
#include "counters.h"
#include "tileloom_array.h"
#ifdef XPULP
#include "corev.h"
#endif

// Behind the program. words is a multiple of 16.
struct job {
    uint32_t words;
    const uint32_t *weights, *activations, *sums;
    uint32_t *results, *added;
    uint32_t *cycles;  // two
};
extern const struct job __free;

#define STEP(rd, a, p) ".insn r 0x2b, 7, 0, " rd ", " a ", " p "\n"

#ifdef XPULP
static void steps(uint32_t words, const uint32_t *from, uint32_t *to) {
    uint32_t a, b, c, d;
    __asm__ volatile(HARDWARE_LOOP(0, "%[n]", 12)
                     "cv.lw %[a], (%[from]), 4\n cv.lw %[b], (%[from]), 4\n"
                     "cv.lw %[c], (%[from]), 4\n cv.lw %[d], (%[from]), 4\n"
                     STEP("%[a]", "%[a]", "x0") STEP("%[b]", "%[b]", "x0")
                     STEP("%[c]", "%[c]", "x0") STEP("%[d]", "%[d]", "x0")
                     "cv.sw %[a], (%[to]), 4\n cv.sw %[b], (%[to]), 4\n"
                     "cv.sw %[c], (%[to]), 4\n cv.sw %[d], (%[to]), 4\n"
                     : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [from] "+r"(from), [to] "+r"(to)
                     : [n] "r"(words / 4)
                     : "memory");
}

static void adding_steps(uint32_t words, const uint32_t *from, const uint32_t *sums, uint32_t *to) {
    uint32_t a, b, c, d, p, q, r, s;
    __asm__ volatile(HARDWARE_LOOP(0, "%[n]", 16)
                     "cv.lw %[a], (%[from]), 4\n cv.lw %[p], (%[sums]), 4\n"
                     "cv.lw %[b], (%[from]), 4\n cv.lw %[q], (%[sums]), 4\n"
                     "cv.lw %[c], (%[from]), 4\n cv.lw %[r], (%[sums]), 4\n"
                     "cv.lw %[d], (%[from]), 4\n cv.lw %[s], (%[sums]), 4\n"
                     STEP("%[a]", "%[a]", "%[p]") STEP("%[b]", "%[b]", "%[q]")
                     STEP("%[c]", "%[c]", "%[r]") STEP("%[d]", "%[d]", "%[s]")
                     "cv.sw %[a], (%[to]), 4\n cv.sw %[b], (%[to]), 4\n"
                     "cv.sw %[c], (%[to]), 4\n cv.sw %[d], (%[to]), 4\n"
                     : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [p] "=&r"(p), [q] "=&r"(q),
                       [r] "=&r"(r), [s] "=&r"(s), [from] "+r"(from), [sums] "+r"(sums), [to] "+r"(to)
                     : [n] "r"(words / 4)
                     : "memory");
}
#else
// Sixteen words in registers; eight, and their sums.
#define EACH16(F) \
    F("x5", "0") F("x6", "4") F("x7", "8") F("x12", "12") F("x13", "16") F("x14", "20") F("x15", "24") F("x16", "28") \
    F("x17", "32") F("x18", "36") F("x19", "40") F("x20", "44") F("x21", "48") F("x22", "52") F("x23", "56") F("x24", "60")
#define EACH8(F) \
    F("x5", "x17", "0") F("x6", "x18", "4") F("x7", "x19", "8") F("x12", "x20", "12") \
    F("x13", "x21", "16") F("x14", "x22", "20") F("x15", "x23", "24") F("x16", "x24", "28")
#define LOAD16(r, at) "lw " r ", " at "(%[from])\n"
#define STEP16(r, at) STEP(r, r, "x0")
#define STORE16(r, at) "sw " r ", " at "(%[to])\n"
#define LOAD8(r, s, at) "lw " r ", " at "(%[from])\n lw " s ", " at "(%[sums])\n"
#define STEP8(r, s, at) STEP(r, r, s)
#define STORE8(r, s, at) "sw " r ", " at "(%[to])\n"
#define USED \
    "memory", "x5", "x6", "x7", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24"

static void steps(uint32_t words, const uint32_t *from, uint32_t *to) {
    const uint32_t *end = from + words;
    __asm__ volatile(".balign 4\n1:\n" EACH16(LOAD16) EACH16(STEP16) EACH16(STORE16)
                     "addi %[from], %[from], 64\n addi %[to], %[to], 64\n bne %[from], %[end], 1b\n"
                     : [from] "+r"(from), [to] "+r"(to)
                     : [end] "r"(end)
                     : USED);
}

static void adding_steps(uint32_t words, const uint32_t *from, const uint32_t *sums, uint32_t *to) {
    const uint32_t *end = from + words;
    __asm__ volatile(".balign 4\n1:\n" EACH8(LOAD8) EACH8(STEP8) EACH8(STORE8)
                     "addi %[from], %[from], 32\n addi %[sums], %[sums], 32\n addi %[to], %[to], 32\n"
                     "bne %[from], %[end], 1b\n"
                     : [from] "+r"(from), [sums] "+r"(sums), [to] "+r"(to)
                     : [end] "r"(end)
                     : USED);
}
#endif

int main(void) {
    const struct job *job = &__free;
    for (uint32_t i = 0; i < TILELOOM_WEIGHT_WORDS; i++) tileloom_weight(job->weights[i]);
    uint32_t begun = COUNTER("mcycle");
    steps(job->words, job->activations, job->results);
    job->cycles[0] = COUNTER("mcycle") - begun;
    tileloom_reset(TILELOOM_VECTORS);
    begun = COUNTER("mcycle");
    adding_steps(job->words, job->activations, job->sums, job->added);
    job->cycles[1] = COUNTER("mcycle") - begun;
    return 0;
}
