// The innermost loops of the kernels for CV32E40P, as text for inline assembly: 4 x 8-bit dot products, loads
// that move their pointers on, hardware loops. Dense ones are those of PULP-NN (Garofalo et al., "PULP-NN:
// accelerating quantized neural networks on parallel ultra-low-power RISC-V processors"). Kernels that store sums
// (`*_corev.h`) and kernels that store INT8 (`../library`) are made of them.
//
// A load is never used by the instruction behind it, so that an instruction takes a cycle.
#pragma once
#include "corev.h"
#include "xdecimate.h"

// Dense, 1 output channel x 2 pixels: 5 instructions for 8 MACs.
#define LOOP_DENSE_1X2                \
    HARDWARE_LOOP(0, "%[steps]", 5)   \
    "cv.lw %[w], (%[weights]), 4\n"   \
    "cv.lw %[a], (%[p0]), 4\n"        \
    "cv.lw %[b], (%[p1]), 4\n"        \
    "cv.sdotsp.b %[sum0], %[a], %[w]\n" \
    "cv.sdotsp.b %[sum1], %[b], %[w]\n"

// Dense, 4 output channels x 2 pixels: 14 instructions for 32 MACs. Sums s00 to s31, by channel and pixel, weights from
// w0 to w3 on and activations from p0 and p1 on are the caller's.
#define DENSE_4X2(count)                                                                                     \
    do {                                                                                                     \
        uint32_t a, b, x0, x1, x2, x3;                                                                       \
        __asm__ volatile(                                                                                    \
            HARDWARE_LOOP(0, "%[steps]", 14)                                                                 \
            "cv.lw %[a], (%[p0]), 4\n"                                                                       \
            "cv.lw %[b], (%[p1]), 4\n"                                                                       \
            "cv.lw %[x0], (%[w0]), 4\n"                                                                      \
            "cv.lw %[x1], (%[w1]), 4\n"                                                                      \
            "cv.lw %[x2], (%[w2]), 4\n"                                                                      \
            "cv.lw %[x3], (%[w3]), 4\n"                                                                      \
            "cv.sdotsp.b %[s00], %[a], %[x0]\n"                                                              \
            "cv.sdotsp.b %[s01], %[b], %[x0]\n"                                                              \
            "cv.sdotsp.b %[s10], %[a], %[x1]\n"                                                              \
            "cv.sdotsp.b %[s11], %[b], %[x1]\n"                                                              \
            "cv.sdotsp.b %[s20], %[a], %[x2]\n"                                                              \
            "cv.sdotsp.b %[s21], %[b], %[x2]\n"                                                              \
            "cv.sdotsp.b %[s30], %[a], %[x3]\n"                                                              \
            "cv.sdotsp.b %[s31], %[b], %[x3]\n"                                                              \
            : [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [p0] "+r"(p0), [p1] "+r"(p1),      \
              [s00] "+r"(s00), [s01] "+r"(s01), [s10] "+r"(s10), [s11] "+r"(s11), [s20] "+r"(s20),           \
              [s21] "+r"(s21), [s30] "+r"(s30), [s31] "+r"(s31), [a] "=&r"(a), [b] "=&r"(b), [x0] "=&r"(x0), \
              [x1] "=&r"(x1), [x2] "=&r"(x2), [x3] "=&r"(x3)                                                 \
            : [steps] "r"(count)                                                                             \
            : "memory");                                                                                     \
    } while (0)

// Dense, fully connected, 2 output channels: 5 instructions for 8 MACs.
#define LOOP_CONNECTED_2              \
    HARDWARE_LOOP(0, "%[steps]", 5)   \
    "cv.lw %[c], (%[x]), 4\n"         \
    "cv.lw %[a], (%[w0]), 4\n"        \
    "cv.lw %[b], (%[w1]), 4\n"        \
    "cv.sdotsp.b %[sum0], %[c], %[a]\n" \
    "cv.sdotsp.b %[sum1], %[c], %[b]\n"

// Dense, fully connected, 4 output channels: 9 instructions for 16 MACs. Sums s0 to s3, weights from w0 to w3 on and
// activations from x on are the caller's.
#define CONNECTED_4(count)                                                                               \
    do {                                                                                                 \
        uint32_t a, x0, x1, x2, x3;                                                                      \
        __asm__ volatile(                                                                                \
            HARDWARE_LOOP(0, "%[steps]", 9)                                                              \
            "cv.lw %[a], (%[x]), 4\n"                                                                    \
            "cv.lw %[x0], (%[w0]), 4\n"                                                                  \
            "cv.lw %[x1], (%[w1]), 4\n"                                                                  \
            "cv.lw %[x2], (%[w2]), 4\n"                                                                  \
            "cv.lw %[x3], (%[w3]), 4\n"                                                                  \
            "cv.sdotsp.b %[s0], %[a], %[x0]\n"                                                           \
            "cv.sdotsp.b %[s1], %[a], %[x1]\n"                                                           \
            "cv.sdotsp.b %[s2], %[a], %[x2]\n"                                                           \
            "cv.sdotsp.b %[s3], %[a], %[x3]\n"                                                           \
            : [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [x] "+r"(x), [s0] "+r"(s0),    \
              [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [a] "=&r"(a), [x0] "=&r"(x0), [x1] "=&r"(x1), \
              [x2] "=&r"(x2), [x3] "=&r"(x3)                                                             \
            : [steps] "r"(count)                                                                         \
            : "memory");                                                                                 \
    } while (0)

// Sparse with xDecimate: eight of them fill two registers with the activations that eight offsets point at. At
// 1:4 a word of offsets lasts for two steps.
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
