// Sparse kernels for CV32E40P with xDecimate: eight of them fill two registers with the activations that eight
// offsets point at, two dot products use them.
//
// Weights and offsets lie one row after the other, so that their pointers run through all rows; the counter
// starts anew with each.
#pragma once
#include "job.h"
#include "loops_corev.h"

// Convolution: one row of weights on the patches of two pixels.
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

// Fully connected: two rows of weights on one line of activations.
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
