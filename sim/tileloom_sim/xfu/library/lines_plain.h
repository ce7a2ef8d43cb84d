// The same kernels in C, for a core without CORE-V's extensions: one multiplication for each MAC.
#pragma once
#include "loops_plain.h"
#include "requantise.h"

// Dense, `rows` at a time on one line or two.
ALWAYS void dense(const int8_t *values, uint32_t steps, uint32_t count, const struct tileloom_channel *channel,
                  int32_t least, const int8_t *line0, const int8_t *line1, int8_t *out0, int8_t *out1,
                  const uint32_t rows, const uint32_t lines) {
    const uint32_t length = 4 * steps;
    const uint32_t unrolled = rows == 4 ? 1 : 4;  // as far as registers go
    for (; count >= rows; count -= rows, channel += rows, values += rows * length) {
        int32_t sums[4][2];
        for (uint32_t r = 0; r < rows; ++r) sums[r][0] = sums[r][1] = channel[r].bias;
        const int8_t *w = values, *p0 = line0, *p1 = line1;
        for (const int8_t *end = p0 + length; p0 < end; p0 += unrolled, p1 += unrolled, w += unrolled) {
#pragma unroll
            for (uint32_t i = 0; i < unrolled; ++i) {
                const int32_t a = p0[i], b = lines == 2 ? p1[i] : 0;
#pragma unroll
                for (uint32_t r = 0; r < rows; ++r) {
                    sums[r][0] += w[r * length + i] * a;
                    if (lines == 2) sums[r][1] += w[r * length + i] * b;
                }
            }
        }
        for (uint32_t r = 0; r < rows; ++r) {
            *out0++ = requantise(sums[r][0], channel + r, least);
            if (lines == 2) *out1++ = requantise(sums[r][1], channel + r, least);
        }
    }
}

#define DEFINE_DENSE(rows)                                                                                    \
    static void dense_rows_##rows##x2(const int8_t *values, uint32_t steps, uint32_t count,                   \
                                      const struct tileloom_channel *channel, int32_t least,                  \
                                      const int8_t *line0, const int8_t *line1, int8_t *out0, int8_t *out1) { \
        dense(values, steps, count, channel, least, line0, line1, out0, out1, rows, 2);                       \
    }
DEFINE_DENSE(1)
DEFINE_DENSE(4)

#define DEFINE_DENSE_LINE(rows)                                                          \
    static void dense_rows_##rows(const int8_t *values, uint32_t steps, uint32_t count,  \
                                  const struct tileloom_channel *channel, int32_t least, \
                                  const int8_t *line, int8_t *out) {                     \
        dense(values, steps, count, channel, least, line, line, out, 0, rows, 1);        \
    }
DEFINE_DENSE_LINE(2)
DEFINE_DENSE_LINE(4)

ALWAYS void part(struct cursor *at, uint32_t steps, const int8_t *line0, const int8_t *line1,
                 const uint32_t rows, const uint32_t group) {
    const uint32_t steps_of_a_word = group == 4 ? 2 : 1;
    xdecimate_clear();
    for (uint32_t step = 0; step < steps; step += steps_of_a_word) {
        const uint32_t o = *at->offsets++;
        keep_offsets(o);
        for (uint32_t i = 0; i < steps_of_a_word; ++i, at->values += 4 * rows) {
            uint32_t a = 0, b = 0;
#pragma unroll
            for (uint32_t pair = 0; pair < 4; ++pair) {
                a = decimate(a, line0, o, group);
                b = decimate(b, line1, o, group);
            }
            at->sum0 += dot(a, at->values);
            at->sum1 += dot(b, at->values + 4 * (rows - 1));
        }
    }
}

#define DEFINE_PARTS(group)                                                                    \
    static void part_of_pixels_##group(struct cursor *at, uint32_t steps, const int8_t *line0, \
                                       const int8_t *line1) {                                  \
        part(at, steps, line0, line1, 1, group);                                               \
    }                                                                                          \
    static void part_of_rows_##group(struct cursor *at, uint32_t steps, const int8_t *line,    \
                                     const int8_t *same) {                                     \
        part(at, steps, line, same, 2, group);                                                 \
    }
DEFINE_PARTS(4)
DEFINE_PARTS(8)
DEFINE_PARTS(16)
