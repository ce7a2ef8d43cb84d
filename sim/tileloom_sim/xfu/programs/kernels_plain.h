// The same kernels in C for a core without CORE-V's extensions: one multiplication for each MAC.
#pragma once
#include "job.h"
#include "loops_plain.h"

// Dense, `rows` output channels x `pixels` lines of activations.
ALWAYS void dense(const struct job *job, const void *x0, const void *x1, int32_t *out0, int32_t *out1,
                  const uint32_t rows, const uint32_t pixels) {
    const uint32_t length = 4 * job->steps;
    const uint32_t unrolled = rows == 4 ? 1 : 4;  // as far as registers go
    for (uint32_t row = 0; row < job->rows; row += rows) {
        const int8_t *weights = job->weights + row * length;
        const int8_t *p0 = x0, *p1 = x1;
        int32_t sums[4][2] = {{0}};
        for (const int8_t *end = p0 + length; p0 < end; p0 += unrolled, p1 += unrolled, weights += unrolled) {
#pragma unroll
            for (uint32_t i = 0; i < unrolled; ++i) {
                const int32_t a = p0[i], b = pixels == 2 ? p1[i] : 0;
#pragma unroll
                for (uint32_t r = 0; r < rows; ++r) {
                    const int32_t w = weights[r * length + i];
                    sums[r][0] += w * a;
                    if (pixels == 2) sums[r][1] += w * b;
                }
            }
        }
        for (uint32_t r = 0; r < rows; ++r) {
            out0[row + r] = sums[r][0];
            if (pixels == 2) out1[row + r] = sums[r][1];
        }
    }
}

static void dense_1x2(const struct job *job, int32_t *out0, int32_t *out1) {
    dense(job, job->patch0, job->patch1, out0, out1, 1, 2);
}
static void dense_4x2(const struct job *job, int32_t *out0, int32_t *out1) {
    dense(job, job->patch0, job->patch1, out0, out1, 4, 2);
}
static void connected_2(const struct job *job, int32_t *out, int32_t *unused) {
    dense(job, job->input, unused, out, unused, 2, 1);
}
static void connected_4(const struct job *job, int32_t *out, int32_t *unused) {
    dense(job, job->input, unused, out, unused, 4, 1);
}

// Sparse in software: one row of weights on `pixels` lines of activations.
ALWAYS void software(const struct job *job, const void *x0, const void *x1, int32_t *out0, int32_t *out1,
                     const uint32_t pixels, const uint32_t group, const uint32_t bits) {
    const int8_t *weights = job->weights;
    const uint8_t *offsets = job->offsets;
    for (uint32_t row = 0; row < job->rows; ++row) {
        const int8_t *p0 = x0, *p1 = x1;
        int32_t sum0 = 0, sum1 = 0;
        for (uint32_t step = 0; step < job->steps; ++step) {
            const uint32_t word = bits == 2 ? *offsets : *(const uint16_t *)offsets;
            offsets += bits / 2;
#pragma unroll
            for (uint32_t i = 0; i < 4; ++i) {
                const uint32_t at = i * group + (word >> i * bits & (group - 1));
                const int32_t w = *weights++;
                sum0 += w * p0[at];
                if (pixels == 2) sum1 += w * p1[at];
            }
            p0 += 4 * group;
            p1 += 4 * group;
        }
        offsets += job->skip;
        out0[row] = sum0;
        if (pixels == 2) out1[row] = sum1;
    }
}

// Sparse with xDecimate: two lines of activations for one row of weights, or one for two rows.
ALWAYS void xdecimate(const struct job *job, const void *x0, const void *x1, int32_t *out0, int32_t *out1,
                      const uint32_t rows, const uint32_t group) {
    const uint32_t steps_per_word = group == 4 ? 2 : 1;
    const int8_t *weights = job->weights;
    const uint32_t *offsets = (const uint32_t *)job->offsets;
    for (uint32_t row = 0; row < job->rows; row += rows) {
        int32_t sum0 = 0, sum1 = 0;
        xdecimate_clear();
        for (uint32_t step = 0; step < job->steps; step += steps_per_word) {
            const uint32_t o = *offsets++;
            keep_offsets(o);
            for (uint32_t part = 0; part < steps_per_word; ++part, weights += 4 * rows) {
                uint32_t a = 0, b = 0;
#pragma unroll
                for (uint32_t pair = 0; pair < 4; ++pair) {
                    a = decimate(a, x0, o, group);
                    b = decimate(b, x1, o, group);
                }
                sum0 += dot(a, weights);
                sum1 += dot(b, weights + 4 * (rows - 1));
            }
        }
        out0[row] = sum0;
        out1[row] = sum1;
    }
}

#define DEFINE_SPARSE(m, bits)                                                                  \
    static void pixels_software_##m(const struct job *job, int32_t *out0, int32_t *out1) {      \
        software(job, job->patch0, job->patch1, out0, out1, 2, m, bits);                        \
    }                                                                                           \
    static void connected_software_##m(const struct job *job, int32_t *out, int32_t *unused) {  \
        software(job, job->input, job->input, out, unused, 1, m, bits);                         \
    }                                                                                           \
    static void pixels_xdecimate_##m(const struct job *job, int32_t *out0, int32_t *out1) {     \
        xdecimate(job, job->patch0, job->patch1, out0, out1, 1, m);                             \
    }                                                                                           \
    static void connected_xdecimate_##m(const struct job *job, int32_t *out, int32_t *unused) { \
        (void)unused;                                                                           \
        xdecimate(job, job->input, job->input, out, out + 1, 2, m);                             \
    }
DEFINE_SPARSE(4, 2)
DEFINE_SPARSE(8, 4)
DEFINE_SPARSE(16, 4)

// These kernels read the patches as they are.
static void interleave(const struct job *job, uint32_t words) {
    (void)job;
    (void)words;
}
