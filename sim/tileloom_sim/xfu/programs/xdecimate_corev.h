// Sparse kernels for CV32E40P with xDecimate: eight of them fill two registers with the activations that eight
// offsets point at, two dot products use them.
//
// Weights and offsets lie one row after the other, so that their pointers run through all rows; the counter
// starts anew with each. At 1:4 a word of offsets lasts for two steps.
#pragma once
#include "corev.h"
#include "job.h"
#include "xdecimate.h"

#define PAIR(m, base_a, base_b) XDECIMATE_##m("%[a]", base_a, "%[o]") XDECIMATE_##m("%[b]", base_b, "%[o]")
#define FOUR_PAIRS(m, base_a, base_b) \
    PAIR(m, base_a, base_b) PAIR(m, base_a, base_b) PAIR(m, base_a, base_b) PAIR(m, base_a, base_b)

#define LOAD_OFFSETS "cv.lw %[o], (%[offsets]), 4\n"

// Convolution: one row of weights on the patches of two pixels. 12 instructions for 8 MACs.
#define STEP_PIXELS(m)                            \
    "cv.lw %[w], (%[weights]), 4\n"               \
    FOUR_PAIRS(m, "%[patch0]", "%[patch1]")       \
    "cv.sdotsp.b %[sum0], %[a], %[w]\n"           \
    "cv.sdotsp.b %[sum1], %[b], %[w]\n"
#define LOOP_PIXELS_4 HARDWARE_LOOP(0, "%[count]", 23) LOAD_OFFSETS STEP_PIXELS(4) STEP_PIXELS(4)
#define LOOP_PIXELS_8 HARDWARE_LOOP(0, "%[count]", 12) LOAD_OFFSETS STEP_PIXELS(8)
#define LOOP_PIXELS_16 HARDWARE_LOOP(0, "%[count]", 12) LOAD_OFFSETS STEP_PIXELS(16)

#define DEFINE_PIXELS_XDECIMATE(m, body, steps_per_word)                                                    \
    static void pixels_xdecimate_##m(const struct job *job, int32_t *out0, int32_t *out1) {                  \
        const int8_t *weights = job->weights;                                                                \
        const uint8_t *offsets = job->offsets;                                                               \
        uint32_t o, w, a, b;                                                                                 \
        int32_t sum0, sum1;                                                                                  \
        __asm__ volatile(                                                                                    \
            HARDWARE_LOOP(1, "%[rows]", 6 + body)                                                            \
            "li %[sum0], 0\n"                                                                                \
            "li %[sum1], 0\n"                                                                                \
            XDECIMATE_CLEAR                                                                                  \
            LOOP_PIXELS_##m                                                                                  \
            "cv.sw %[sum0], (%[out0]), 4\n"                                                                  \
            "cv.sw %[sum1], (%[out1]), 4\n"                                                                  \
            : [weights] "+r"(weights), [offsets] "+r"(offsets), [out0] "+r"(out0), [out1] "+r"(out1),        \
              [o] "=&r"(o), [w] "=&r"(w), [a] "=&r"(a), [b] "=&r"(b), [sum0] "=&r"(sum0), [sum1] "=&r"(sum1) \
            : [patch0] "r"(job->patch0), [patch1] "r"(job->patch1), [rows] "r"(job->rows),                   \
              [count] "r"(job->steps / steps_per_word)                                                       \
            : "memory");                                                                                     \
    }
DEFINE_PIXELS_XDECIMATE(4, 23, 2)
DEFINE_PIXELS_XDECIMATE(8, 12, 1)
DEFINE_PIXELS_XDECIMATE(16, 12, 1)

// Fully connected: two rows of weights on one line of activations. 13 instructions for 8 MACs.
#define STEP_ROWS(m)                              \
    "cv.lw %[w], (%[weights]), 4\n"               \
    "cv.lw %[v], (%[weights]), 4\n"               \
    FOUR_PAIRS(m, "%[input]", "%[input]")         \
    "cv.sdotsp.b %[sum0], %[a], %[w]\n"           \
    "cv.sdotsp.b %[sum1], %[b], %[v]\n"
#define LOOP_ROWS_4 HARDWARE_LOOP(0, "%[count]", 25) LOAD_OFFSETS STEP_ROWS(4) STEP_ROWS(4)
#define LOOP_ROWS_8 HARDWARE_LOOP(0, "%[count]", 13) LOAD_OFFSETS STEP_ROWS(8)
#define LOOP_ROWS_16 HARDWARE_LOOP(0, "%[count]", 13) LOAD_OFFSETS STEP_ROWS(16)

#define DEFINE_CONNECTED_XDECIMATE(m, body, steps_per_word)                                                 \
    static void connected_xdecimate_##m(const struct job *job, int32_t *out, int32_t *unused) {              \
        (void)unused;                                                                                        \
        const int8_t *weights = job->weights;                                                                \
        const uint8_t *offsets = job->offsets;                                                               \
        uint32_t o, w, v, a, b;                                                                              \
        int32_t sum0, sum1;                                                                                  \
        __asm__ volatile(                                                                                    \
            HARDWARE_LOOP(1, "%[pairs]", 6 + body)                                                           \
            "li %[sum0], 0\n"                                                                                \
            "li %[sum1], 0\n"                                                                                \
            XDECIMATE_CLEAR                                                                                  \
            LOOP_ROWS_##m                                                                                    \
            "cv.sw %[sum0], (%[out]), 4\n"                                                                   \
            "cv.sw %[sum1], (%[out]), 4\n"                                                                   \
            : [weights] "+r"(weights), [offsets] "+r"(offsets), [out] "+r"(out), [o] "=&r"(o),               \
              [w] "=&r"(w), [v] "=&r"(v), [a] "=&r"(a), [b] "=&r"(b), [sum0] "=&r"(sum0),                    \
              [sum1] "=&r"(sum1)                                                                             \
            : [input] "r"(job->input), [pairs] "r"(job->rows / 2), [count] "r"(job->steps / steps_per_word)  \
            : "memory");                                                                                     \
    }
DEFINE_CONNECTED_XDECIMATE(4, 25, 2)
DEFINE_CONNECTED_XDECIMATE(8, 13, 1)
DEFINE_CONNECTED_XDECIMATE(16, 13, 1)
