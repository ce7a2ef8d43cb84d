// Kernels for CV32E40P: rows of weights on two lines of activations, or two or four rows on one line, to INT8. Sums
// begin with the bias. Where xDecimate's rows have one part, and in dense 1x2, rows are a hardware loop.
#pragma once
#include "loops_corev.h"
#include "requantise.h"

#define MULTIPLIER_AND_SHIFT "cv.lw %[m], (%[channel]), 4\n cv.lw %[s], (%[channel]), 4\n"

// Two rows at a time: biases, and what follows their sums.
#define TWO_BIASES "lw %[sum0], 0(%[channel])\n lw %[sum1], 12(%[channel])\n"
#define REQUANTISE_TWO                                    \
    "lw %[m], 4(%[channel])\n lw %[s], 8(%[channel])\n"   \
    REQUANTISE("%[sum0]", "%[out]")                       \
    "lw %[m], 16(%[channel])\n lw %[s], 20(%[channel])\n" \
    "addi %[channel], %[channel], 24\n"                   \
    REQUANTISE("%[sum1]", "%[out]")

// Dense, `rows` from the first one of `values` on.
static void dense_rows_1x2(const int8_t *values, uint32_t steps, uint32_t rows,
                           const struct tileloom_channel *channel, int32_t least, const int8_t *line0,
                           const int8_t *line1, int8_t *out0, int8_t *out1) {
    const int8_t *p0, *p1;
    uint32_t w, a, b, t, m, s;
    int32_t sum0, sum1;
    if (rows == 0) return;
    __asm__ volatile(
        HARDWARE_LOOP(1, "%[rows]", 30)
        "cv.lw %[sum0], (%[channel]), 4\n"
        "mv %[p0], %[line0]\n"
        "mv %[p1], %[line1]\n"
        "mv %[sum1], %[sum0]\n"
        LOOP_DENSE_1X2
        MULTIPLIER_AND_SHIFT
        REQUANTISE("%[sum0]", "%[out0]")
        REQUANTISE("%[sum1]", "%[out1]")
        : [weights] "+r"(values), [channel] "+r"(channel), [out0] "+r"(out0), [out1] "+r"(out1),
          [p0] "=&r"(p0), [p1] "=&r"(p1), [w] "=&r"(w), [a] "=&r"(a), [b] "=&r"(b), [sum0] "=&r"(sum0),
          [sum1] "=&r"(sum1), [t] "=&r"(t), [m] "=&r"(m), [s] "=&r"(s)
        : [line0] "r"(line0), [line1] "r"(line1), [rows] "r"(rows), [steps] "r"(steps), [least] "r"(least)
        : "memory");
}

static void dense_rows_4x2(const int8_t *values, uint32_t steps, uint32_t rows,
                           const struct tileloom_channel *channel, int32_t least, const int8_t *line0,
                           const int8_t *line1, int8_t *out0, int8_t *out1) {
    const uint32_t length = 4 * steps;
    const int8_t *w0 = values;
    for (const struct tileloom_channel *end = channel + rows; channel < end; channel += 4) {
        const int8_t *w1 = w0 + length, *w2 = w1 + length, *w3 = w2 + length;
        const int8_t *p0 = line0, *p1 = line1;
        int32_t s00 = channel[0].bias, s10 = channel[1].bias, s20 = channel[2].bias, s30 = channel[3].bias;
        int32_t s01 = s00, s11 = s10, s21 = s20, s31 = s30;
        DENSE_4X2(steps);
        *out0++ = requantise(s00, channel, least), *out1++ = requantise(s01, channel, least);
        *out0++ = requantise(s10, channel + 1, least), *out1++ = requantise(s11, channel + 1, least);
        *out0++ = requantise(s20, channel + 2, least), *out1++ = requantise(s21, channel + 2, least);
        *out0++ = requantise(s30, channel + 3, least), *out1++ = requantise(s31, channel + 3, least);
        w0 = w3;
    }
}

// Dense, on one line: two rows at a time.
static void dense_rows_2(const int8_t *values, uint32_t steps, uint32_t rows,
                         const struct tileloom_channel *channel, int32_t least, const int8_t *line,
                         int8_t *out) {
    const int8_t *w0, *w1 = values, *x;
    uint32_t a, b, c, t, m, s;
    int32_t sum0, sum1;
    if (rows / 2 == 0) return;
    __asm__ volatile(
        HARDWARE_LOOP(1, "%[pairs]", 34)
        "mv %[w0], %[w1]\n"
        "add %[w1], %[w1], %[length]\n"
        "mv %[x], %[line]\n"
        TWO_BIASES
        LOOP_CONNECTED_2
        REQUANTISE_TWO
        : [w1] "+r"(w1), [channel] "+r"(channel), [out] "+r"(out), [w0] "=&r"(w0), [x] "=&r"(x), [a] "=&r"(a),
          [b] "=&r"(b), [c] "=&r"(c), [sum0] "=&r"(sum0), [sum1] "=&r"(sum1), [t] "=&r"(t), [m] "=&r"(m),
          [s] "=&r"(s)
        : [line] "r"(line), [pairs] "r"(rows / 2), [steps] "r"(steps), [length] "r"(4 * steps),
          [least] "r"(least)
        : "memory");
}

static void dense_rows_4(const int8_t *values, uint32_t steps, uint32_t rows,
                         const struct tileloom_channel *channel, int32_t least, const int8_t *line,
                         int8_t *out) {
    const uint32_t length = 4 * steps;
    const int8_t *w0 = values;
    for (const struct tileloom_channel *end = channel + rows; channel < end; channel += 4) {
        const int8_t *w1 = w0 + length, *w2 = w1 + length, *w3 = w2 + length, *x = line;
        int32_t s0 = channel[0].bias, s1 = channel[1].bias, s2 = channel[2].bias, s3 = channel[3].bias;
        CONNECTED_4(steps);
        *out++ = requantise(s0, channel, least), *out++ = requantise(s1, channel + 1, least);
        *out++ = requantise(s2, channel + 2, least), *out++ = requantise(s3, channel + 3, least);
        w0 = w3;
    }
}

// xDecimate, rows of one segment and of one or two passes: on two lines, or two rows on one line. `in_pixels` and
// `in_rows` are the instructions of a row.
#define DEFINE_WHOLE(group, passes, in_pixels, in_rows, loop_of_pixels, loop_of_rows, steps_of_a_word)            \
    static void pixels_##group##_##passes(const struct tileloom_weights *weights,                                 \
                                          const struct tileloom_channel *channel, int32_t least,                  \
                                          const int8_t *line0, const int8_t *line1, int8_t *out0, int8_t *out1) { \
        const int8_t *values = weights->values;                                                                   \
        const uint32_t *offsets = weights->offsets;                                                               \
        uint32_t o, w, a, b, t, m, s;                                                                             \
        int32_t sum0, sum1;                                                                                       \
        __asm__ volatile(                                                                                         \
            HARDWARE_LOOP(1, "%[rows]", in_pixels)                                                                \
            "cv.lw %[sum0], (%[channel]), 4\n"                                                                    \
            XDECIMATE_CLEAR                                                                                       \
            "mv %[sum1], %[sum0]\n"                                                                               \
            loop_of_pixels                                                                                        \
            MULTIPLIER_AND_SHIFT                                                                                  \
            REQUANTISE("%[sum0]", "%[out0]")                                                                      \
            REQUANTISE("%[sum1]", "%[out1]")                                                                      \
            : [weights] "+r"(values), [offsets] "+r"(offsets), [channel] "+r"(channel), [out0] "+r"(out0),        \
              [out1] "+r"(out1), [o] "=&r"(o), [w] "=&r"(w), [a] "=&r"(a), [b] "=&r"(b), [sum0] "=&r"(sum0),      \
              [sum1] "=&r"(sum1), [t] "=&r"(t), [m] "=&r"(m), [s] "=&r"(s)                                        \
            : [patch0] "r"(line0), [patch1] "r"(line1), [rows] "r"(weights->rows),                                \
              [count] "r"(weights->steps / steps_of_a_word), [least] "r"(least)                                   \
            : "memory");                                                                                          \
    }                                                                                                             \
    static void rows_##group##_##passes(const struct tileloom_weights *weights,                                   \
                                        const struct tileloom_channel *channel, int32_t least,                    \
                                        const int8_t *line, int8_t *out) {                                        \
        const int8_t *values = weights->values;                                                                   \
        const uint32_t *offsets = weights->offsets;                                                               \
        uint32_t o, w, v, a, b, t, m, s;                                                                          \
        int32_t sum0, sum1;                                                                                       \
        if (weights->rows / 2 == 0) return;                                                                       \
        __asm__ volatile(                                                                                         \
            HARDWARE_LOOP(1, "%[pairs]", in_rows)                                                                 \
            TWO_BIASES                                                                                            \
            XDECIMATE_CLEAR                                                                                       \
            loop_of_rows                                                                                          \
            REQUANTISE_TWO                                                                                        \
            : [weights] "+r"(values), [offsets] "+r"(offsets), [channel] "+r"(channel), [out] "+r"(out),          \
              [o] "=&r"(o), [w] "=&r"(w), [v] "=&r"(v), [a] "=&r"(a), [b] "=&r"(b), [sum0] "=&r"(sum0),           \
              [sum1] "=&r"(sum1), [t] "=&r"(t), [m] "=&r"(m), [s] "=&r"(s)                                        \
            : [input] "r"(line), [pairs] "r"(weights->rows / 2),                                                  \
              [count] "r"(weights->steps / steps_of_a_word), [least] "r"(least)                                   \
            : "memory");                                                                                          \
    }

// A part of a row on two lines, or of two rows on one, whose sums go on.
#define DEFINE_PARTS(group, steps_of_a_word)                                                               \
    static void part_of_pixels_##group(struct cursor *at, uint32_t steps, const int8_t *line0,             \
                                       const int8_t *line1) {                                              \
        uint32_t o, w, a, b;                                                                               \
        __asm__ volatile(XDECIMATE_CLEAR LOOP_PIXELS_##group                                               \
                         : [weights] "+r"(at->values), [offsets] "+r"(at->offsets), [sum0] "+r"(at->sum0), \
                           [sum1] "+r"(at->sum1), [o] "=&r"(o), [w] "=&r"(w), [a] "=&r"(a), [b] "=&r"(b)   \
                         : [patch0] "r"(line0), [patch1] "r"(line1), [count] "r"(steps / steps_of_a_word)  \
                         : "memory");                                                                      \
    }                                                                                                      \
    static void part_of_rows_##group(struct cursor *at, uint32_t steps, const int8_t *line,                \
                                     const int8_t *same) {                                                 \
        uint32_t o, w, v, a, b;                                                                            \
        (void)same;                                                                                        \
        __asm__ volatile(XDECIMATE_CLEAR LOOP_ROWS_##group                                                 \
                         : [weights] "+r"(at->values), [offsets] "+r"(at->offsets), [sum0] "+r"(at->sum0), \
                           [sum1] "+r"(at->sum1), [o] "=&r"(o), [w] "=&r"(w), [v] "=&r"(v), [a] "=&r"(a),  \
                           [b] "=&r"(b)                                                                    \
                         : [input] "r"(line), [count] "r"(steps / steps_of_a_word)                         \
                         : "memory");                                                                      \
    }

// `body` of the loop over pixels and over rows.
#define DEFINE_XDECIMATE(group, body, body_of_rows, steps_of_a_word)                                              \
    DEFINE_WHOLE(group, 1, 24 + body, 27 + body_of_rows, LOOP_PIXELS_##group, LOOP_ROWS_##group, steps_of_a_word) \
    DEFINE_WHOLE(group, 2, 26 + 2 * body, 29 + 2 * body_of_rows,                                                  \
                 LOOP_PIXELS_##group XDECIMATE_CLEAR LOOP_PIXELS_##group,                                         \
                 LOOP_ROWS_##group XDECIMATE_CLEAR LOOP_ROWS_##group, steps_of_a_word)                            \
    DEFINE_PARTS(group, steps_of_a_word)
DEFINE_XDECIMATE(4, 23, 25, 2)
DEFINE_XDECIMATE(8, 12, 13, 1)
DEFINE_XDECIMATE(16, 12, 13, 1)
