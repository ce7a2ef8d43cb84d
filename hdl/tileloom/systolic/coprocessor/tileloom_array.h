// The instructions of a Tileloom array that is a functional unit, for C11 and for the assembler. What they do:
// docs/coprocessor.md. A vector has TILELOOM_STEPS steps; step i of vector v returns result i of vector v - 2.
#ifndef TILELOOM_ARRAY_H
#define TILELOOM_ARRAY_H

@DEFINES@

#ifdef __ASSEMBLER__
@MACROS@
#else
#include <stdint.h>

@INTRINSICS@

// Fields of the status word.
static inline uint32_t tileloom_unread(uint32_t status) { return status & 0xff; }
static inline uint32_t tileloom_steps(uint32_t status) { return status >> 8 & 0xff; }
static inline uint32_t tileloom_weights(uint32_t status) { return status >> 16 & 0xfff; }
static inline uint32_t tileloom_complete(uint32_t status) { return status >> 28 & 1; }

#if TILELOOM_MEMORY_BITS
static inline uint32_t tileloom_busy(uint32_t status) { return status >> 29 & 1; }
static inline uint32_t tileloom_error(uint32_t status) { return status >> 30; }

// Settings of the address generator, for tileloom_setting.
#define TILELOOM_SET_WEIGHTS 0u   // where the next tile of weights is; moves on with each
#define TILELOOM_SET_VECTORS 1u   // vectors of a tile, 1 to 65,536 as 0
#define TILELOOM_SET_X_STRIDE 2u  // bytes from a vector of activations to the next
#define TILELOOM_SET_Y_STRIDE 3u  // bytes from a vector of sums to the next
#define TILELOOM_SET_ERROR 4u     // 0, or what could not be read: 1 weights, 2 activations, 3 sums, or not written
#define TILELOOM_SETTINGS 5u

// Bits of tileloom_multiply's p.
#define TILELOOM_FIRST 1u  // sums begin from +0, whatever is in memory or held
#define TILELOOM_MORE 2u   // with accumulators: sums are held in the array for the next command, and not stored

// Wait until no command is left; return the error. Interrupts are taken meanwhile.
static inline uint32_t tileloom_wait(void) {
    uint32_t status;
    do status = tileloom_status();
    while (tileloom_busy(status));
    return tileloom_error(status);
}
#endif

#define TILELOOM_VECTORS 1u  // for tileloom_reset: the vector begun, and all results
#define TILELOOM_WEIGHTS 2u  // the words of weights since the last complete tile, and one that waits
#define TILELOOM_SUMS 4u     // all sums that are held

// All state of the array, as words that tileloom_weight, tileloom_result and tileloom_step take.
typedef struct {
    uint32_t status;
    uint32_t activations[TILELOOM_ROWS];
    uint32_t results[2 * TILELOOM_COLUMNS];
    uint32_t tile[TILELOOM_WEIGHT_WORDS];  // in use
    uint32_t next[TILELOOM_WEIGHT_WORDS];  // with double buffering: the words loaded of the next one
#if TILELOOM_MEMORY_BITS
    uint32_t settings[TILELOOM_SETTINGS];
#endif
#if TILELOOM_ACCUMULATORS
    uint32_t held, sums[TILELOOM_ACCUMULATORS];
#endif
} tileloom_context;

// A weight from its product with 1.0, which is a word of the accumulator's format. What the array takes for zero is
// zero here, too.
static inline uint32_t tileloom_weight_of(uint32_t product) {
    uint32_t sign = product >> (TILELOOM_SUM_BITS - 1);
    uint32_t exponent = product >> TILELOOM_SUM_FRACTION & ((1u << TILELOOM_SUM_EXPONENT) - 1);
    uint32_t fraction = product & ((1u << TILELOOM_SUM_FRACTION) - 1);
    if (exponent == 0) return 0;
#if TILELOOM_WEIGHT_EXPONENT
    uint32_t biased = exponent - ((1u << (TILELOOM_SUM_EXPONENT - 1)) - (1u << (TILELOOM_WEIGHT_EXPONENT - 1)));
    uint32_t magnitude =
        biased << TILELOOM_WEIGHT_FRACTION | fraction >> (TILELOOM_SUM_FRACTION - TILELOOM_WEIGHT_FRACTION);
#else
    uint32_t lead = exponent - ((1u << (TILELOOM_SUM_EXPONENT - 1)) - 1);
    uint32_t significand = 1u << TILELOOM_SUM_FRACTION | fraction;
    uint32_t magnitude = lead <= TILELOOM_SUM_FRACTION ? significand >> (TILELOOM_SUM_FRACTION - lead)
                                                       : significand << (lead - TILELOOM_SUM_FRACTION);
#endif
    return sign << (TILELOOM_WEIGHT_BITS - 1) | magnitude;
}

// Take back the tile that the next vector would use, by one unit vector for each row. Nothing may be begun or unread.
// Of two rows or more the first two vectors return nothing, and of one row the only one does.
#define TILELOOM_BEHIND (TILELOOM_ROWS < 2 ? TILELOOM_ROWS : 2)
static inline void tileloom_save_tile(uint32_t *words) {
    uint32_t taken = 0, word = 0, column = 0;
    for (uint32_t row = 0; row < TILELOOM_ROWS + TILELOOM_BEHIND; row++) {
        for (uint32_t i = 0; i < (row < TILELOOM_ROWS ? TILELOOM_STEPS : TILELOOM_COLUMNS); i++) {
            uint32_t product =
                row < TILELOOM_ROWS ? tileloom_step(i == row ? TILELOOM_ONE : 0, 0) : tileloom_read(0);
            if (row < TILELOOM_BEHIND || i >= TILELOOM_COLUMNS) continue;
            word |= tileloom_weight_of(product)
                    << (32 - (column % TILELOOM_WEIGHTS_PER_WORD + 1) * TILELOOM_WEIGHT_BITS);
            if (++column % TILELOOM_WEIGHTS_PER_WORD == 0 || column == TILELOOM_COLUMNS) {
                words[taken++] = word;
                word = 0;
            }
            if (column == TILELOOM_COLUMNS) column = 0;
        }
    }
}

// Save all state, and leave the array with nothing begun, nothing unread and its tile's place open: as after reset.
// It takes a few cycles for each sum that is held, too.
static inline void tileloom_save(tileloom_context *context) {
#if TILELOOM_MEMORY_BITS
    tileloom_wait();  // commands come to their end
    for (uint32_t i = 0; i < TILELOOM_SETTINGS; i++) context->settings[i] = tileloom_setting(0, i);
#endif
#if TILELOOM_ACCUMULATORS
    context->held = tileloom_held();
    for (uint32_t i = 0; i < context->held; i++) context->sums[i] = tileloom_sum();
#endif
    uint32_t status = context->status = tileloom_status();
    for (uint32_t i = 0; i < tileloom_steps(status) && i < TILELOOM_ROWS; i++) {
        context->activations[i] = tileloom_activation(i);
    }
    for (uint32_t i = 0; i < tileloom_unread(status); i++) context->results[i] = tileloom_read(0);
    tileloom_reset(TILELOOM_VECTORS);
    tileloom_save_tile(context->tile);  // one that is complete has taken over with the first unit vector
#if TILELOOM_DOUBLE_BUFFER
    if (tileloom_weights(status)) {
        for (uint32_t i = tileloom_weights(status); i < TILELOOM_WEIGHT_WORDS; i++) tileloom_weight(0);
        tileloom_save_tile(context->next);
    }
#endif
    tileloom_reset(TILELOOM_VECTORS | TILELOOM_WEIGHTS);
}

// Restore what was saved, whatever was done with the array since.
static inline void tileloom_restore(const tileloom_context *context) {
    uint32_t status = context->status;
#if TILELOOM_MEMORY_BITS
    tileloom_wait();
    for (uint32_t i = 0; i < TILELOOM_SETTINGS; i++) tileloom_setting(context->settings[i], i);
#endif
#if TILELOOM_ACCUMULATORS
    tileloom_reset(TILELOOM_SUMS);
    for (uint32_t i = 0; i < context->held; i++) tileloom_hold(context->sums[i]);
#endif
    tileloom_reset(TILELOOM_VECTORS | TILELOOM_WEIGHTS);
    for (uint32_t i = 0; i < TILELOOM_WEIGHT_WORDS; i++) tileloom_weight(context->tile[i]);
#if TILELOOM_DOUBLE_BUFFER
    if (!tileloom_complete(status)) {  // the tile was in use: a vector brings it there
        for (uint32_t i = 0; i < TILELOOM_STEPS; i++) tileloom_step(0, 0);
        tileloom_reset(TILELOOM_VECTORS);
    }
    for (uint32_t i = 0; i < tileloom_weights(status); i++) tileloom_weight(context->next[i]);
#else
    for (uint32_t i = 0; i < tileloom_weights(status); i++) tileloom_weight(context->tile[i]);
#endif
    for (uint32_t i = 0; i < tileloom_steps(status); i++) {
        tileloom_step(i < TILELOOM_ROWS ? context->activations[i] : 0, 0);
    }
    for (uint32_t i = 0; i < tileloom_unread(status); i++) tileloom_result(context->results[i]);
}
#endif
#endif
