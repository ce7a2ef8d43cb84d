// Dense kernels for CV32E40P, after PULP-NN (Garofalo et al., "PULP-NN: accelerating quantized neural networks on
// parallel ultra-low-power RISC-V processors"): 4 x 8-bit dot products, post-increment loads, hardware loops.
#pragma once
#include "job.h"
#include "loops_corev.h"

// 1 output channel x 2 pixels: 5 instructions for 8 MACs.
static void dense_1x2(const struct job *job, int32_t *out0, int32_t *out1) {
    const int8_t *weights = job->weights;
    const uint8_t *p0, *p1;
    uint32_t w, a, b;
    int32_t sum0, sum1;
    __asm__ volatile(
        HARDWARE_LOOP(1, "%[rows]", 12)
        "mv %[p0], %[patch0]\n"
        "mv %[p1], %[patch1]\n"
        "li %[sum0], 0\n"
        "li %[sum1], 0\n"
        LOOP_DENSE_1X2
        "cv.sw %[sum0], (%[out0]), 4\n"
        "cv.sw %[sum1], (%[out1]), 4\n"
        : [weights] "+r"(weights), [out0] "+r"(out0), [out1] "+r"(out1), [p0] "=&r"(p0), [p1] "=&r"(p1),
          [w] "=&r"(w), [a] "=&r"(a), [b] "=&r"(b), [sum0] "=&r"(sum0), [sum1] "=&r"(sum1)
        : [patch0] "r"(job->patch0), [patch1] "r"(job->patch1), [rows] "r"(job->rows), [steps] "r"(job->steps)
        : "memory");
}

// 4 output channels x 2 pixels: 14 instructions for 32 MACs.
static void dense_4x2(const struct job *job, int32_t *out0, int32_t *out1) {
    const uint32_t length = 4 * job->steps;
    const int8_t *weights = job->weights;
    for (uint32_t row = 0; row < job->rows; row += 4) {
        const int8_t *w0 = weights, *w1 = w0 + length, *w2 = w1 + length, *w3 = w2 + length;
        const uint8_t *p0 = job->patch0, *p1 = job->patch1;
        int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
        DENSE_4X2(job->steps);
        out0[row] = s00, out0[row + 1] = s10, out0[row + 2] = s20, out0[row + 3] = s30;
        out1[row] = s01, out1[row + 1] = s11, out1[row + 2] = s21, out1[row + 3] = s31;
        weights = w3;
    }
}

// Fully connected, 2 output channels: 5 instructions for 8 MACs.
static void connected_2(const struct job *job, int32_t *out, int32_t *unused) {
    (void)unused;
    const int8_t *w0, *w1 = job->weights;
    const int8_t *x;
    uint32_t a, b, c;
    int32_t sum0, sum1;
    __asm__ volatile(
        HARDWARE_LOOP(1, "%[pairs]", 13)
        "mv %[w0], %[w1]\n"
        "add %[w1], %[w1], %[length]\n"
        "mv %[x], %[input]\n"
        "li %[sum0], 0\n"
        "li %[sum1], 0\n"
        LOOP_CONNECTED_2
        "cv.sw %[sum0], (%[out]), 4\n"
        "cv.sw %[sum1], (%[out]), 4\n"
        : [w1] "+r"(w1), [out] "+r"(out), [w0] "=&r"(w0), [x] "=&r"(x), [a] "=&r"(a), [b] "=&r"(b),
          [c] "=&r"(c), [sum0] "=&r"(sum0), [sum1] "=&r"(sum1)
        : [input] "r"(job->input), [pairs] "r"(job->rows / 2), [steps] "r"(job->steps),
          [length] "r"(4 * job->steps)
        : "memory");
}

// Fully connected, 4 output channels: 9 instructions for 16 MACs.
static void connected_4(const struct job *job, int32_t *out, int32_t *unused) {
    (void)unused;
    const uint32_t length = 4 * job->steps;
    const int8_t *weights = job->weights;
    for (uint32_t row = 0; row < job->rows; row += 4) {
        const int8_t *w0 = weights, *w1 = w0 + length, *w2 = w1 + length, *w3 = w2 + length;
        const int8_t *x = job->input;
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        CONNECTED_4(job->steps);
        out[row] = s0, out[row + 1] = s1, out[row + 2] = s2, out[row + 3] = s3;
        weights = w3;
    }
}
