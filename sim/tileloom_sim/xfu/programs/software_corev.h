// Sparse kernels for CV32E40P without xDecimate: offsets unpacked and activations gathered by instructions that
// the core has.
//
// Four pointers, one for each group of a step, stand at a group's first activation. An offset is inserted into
// the low bits of its pointer (groups lie at multiples of their size), the load moves the pointer on by a step,
// and the next offset replaces the last: nothing is added. So a step of four groups takes
//   1 load of offsets, 1 of weights, 3 shifts and 4 inserts, 4 loads of activations, what packs them, the dot
//   products.
#pragma once
#include "corev.h"
#include "job.h"

// From w, the step's offsets, the activations at pointer i into h<i>; `load` is "lhu" or "lbu", `at` the bit of
// the address where an offset goes, `stride` the bytes of a step.
#define GATHER_FIRST(load)                        \
    "cv.insert %[t0], %[w], %[width]-1, %[at]\n"  \
    "cv." load " %[h0], (%[t0]), %[stride]\n"
#define GATHER(load, i)                                   \
    "srli %[h" #i "], %[w], " #i "*%[bits]\n"             \
    "cv.insert %[t" #i "], %[h" #i "], %[width]-1, %[at]\n" \
    "cv." load " %[h" #i "], (%[t" #i "]), %[stride]\n"

// The four pointers at the groups of the first step, each `bytes` long.
#define POINTERS(base, bytes)           \
    "mv %[t0], " base "\n"              \
    "addi %[t1], " base ", " bytes "\n" \
    "addi %[t2], " base ", 2*" bytes "\n" \
    "addi %[t3], " base ", 3*" bytes "\n"

// A step's offsets and weights, and its activations.
#define STEP(load)                                                                                              \
    ".if %[bits] == 2\n cv.lbu %[w], (%[offsets]), 1\n .else\n cv.lhu %[w], (%[offsets]), 2\n .endif\n" \
    "cv.lw %[v], (%[weights]), 4\n"                                                                             \
    GATHER_FIRST(load) GATHER(load, 1) GATHER(load, 2) GATHER(load, 3)

// Convolution: one row of weights on two pixels, whose patches lie byte by byte in turn, so that one half-word
// has both pixels' activations. 20 instructions for 8 MACs.
static inline __attribute__((always_inline)) void pixels_software(
    const struct job *job, int32_t *out0, int32_t *out1, const int group, const int bits, const int width) {
    const int8_t *weights = job->weights;
    const uint8_t *offsets = job->offsets;
    const uint8_t *t0, *t1, *t2, *t3;
    uint32_t w, v, h0, h1, h2, h3, a, b;
    int32_t sum0, sum1;
    __asm__ volatile(
        HARDWARE_LOOP(1, "%[rows]", 30)
        POINTERS("%[pairs]", "2*%[group]")
        "li %[sum0], 0\n"
        "li %[sum1], 0\n"
        HARDWARE_LOOP(0, "%[steps]", 20)
        STEP("lhu")
        "cv.packlo.b %[a], %[h1], %[h0]\n"
        "cv.pack %[b], %[h1], %[h0]\n"
        "cv.packhi.b %[a], %[h3], %[h2]\n"
        "cv.pack %[h3], %[h3], %[h2]\n"
        "cv.shuffle2.b %[b], %[h3], %[odd]\n"
        "cv.sdotsp.b %[sum0], %[a], %[v]\n"
        "cv.sdotsp.b %[sum1], %[b], %[v]\n"
        "add %[offsets], %[offsets], %[skip]\n"
        "cv.sw %[sum0], (%[out0]), 4\n"
        "cv.sw %[sum1], (%[out1]), 4\n"
        : [weights] "+r"(weights), [offsets] "+r"(offsets), [out0] "+r"(out0), [out1] "+r"(out1),
          [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [w] "=&r"(w), [v] "=&r"(v),
          [h0] "=&r"(h0), [h1] "=&r"(h1), [h2] "=&r"(h2), [h3] "=&r"(h3), [a] "=&r"(a), [b] "=&r"(b),
          [sum0] "=&r"(sum0), [sum1] "=&r"(sum1)
        : [pairs] "r"(job->pairs), [rows] "r"(job->rows), [steps] "r"(job->steps), [skip] "r"(job->skip),
          [odd] "r"(0x07050301), [group] "i"(group), [bits] "i"(bits), [width] "i"(width), [at] "i"(1),
          [stride] "i"(8 * group)
        : "memory");
}

// Fully connected: one row of weights. 16 instructions for 4 MACs.
static inline __attribute__((always_inline)) void connected_software(
    const struct job *job, int32_t *out, const int group, const int bits, const int width) {
    const int8_t *weights = job->weights;
    const uint8_t *offsets = job->offsets;
    const int8_t *t0, *t1, *t2, *t3;
    uint32_t w, v, h0, h1, h2, h3;
    int32_t sum;
    __asm__ volatile(
        HARDWARE_LOOP(1, "%[rows]", 24)
        POINTERS("%[input]", "%[group]")
        "li %[sum], 0\n"
        HARDWARE_LOOP(0, "%[steps]", 16)
        STEP("lbu")
        "cv.packlo.b %[h0], %[h1], %[h0]\n"
        "cv.packhi.b %[h0], %[h3], %[h2]\n"
        "cv.sdotsp.b %[sum], %[h0], %[v]\n"
        "add %[offsets], %[offsets], %[skip]\n"
        "cv.sw %[sum], (%[out]), 4\n"
        : [weights] "+r"(weights), [offsets] "+r"(offsets), [out] "+r"(out), [t0] "=&r"(t0), [t1] "=&r"(t1),
          [t2] "=&r"(t2), [t3] "=&r"(t3), [w] "=&r"(w), [v] "=&r"(v), [h0] "=&r"(h0), [h1] "=&r"(h1),
          [h2] "=&r"(h2), [h3] "=&r"(h3), [sum] "=&r"(sum)
        : [input] "r"(job->input), [rows] "r"(job->rows), [steps] "r"(job->steps), [skip] "r"(job->skip),
          [group] "i"(group), [bits] "i"(bits), [width] "i"(width), [at] "i"(0), [stride] "i"(4 * group)
        : "memory");
}

#define DEFINE_SOFTWARE(m, bits, width)                                                       \
    static void pixels_software_##m(const struct job *job, int32_t *out0, int32_t *out1) {   \
        pixels_software(job, out0, out1, m, bits, width);                                    \
    }                                                                                        \
    static void connected_software_##m(const struct job *job, int32_t *out, int32_t *unused) { \
        (void)unused;                                                                        \
        connected_software(job, out, m, bits, width);                                        \
    }
DEFINE_SOFTWARE(4, 2, 2)
DEFINE_SOFTWARE(8, 4, 3)
DEFINE_SOFTWARE(16, 4, 4)

// Put two patches into one buffer, byte by byte in turn.
static void interleave(const struct job *job, uint32_t words) {
    const uint8_t *p0 = job->patch0, *p1 = job->patch1;
    uint8_t *pairs = job->pairs;
    uint32_t a, b, c;
    __asm__ volatile(
        HARDWARE_LOOP(0, "%[words]", 7)
        "cv.lw %[a], (%[p0]), 4\n"
        "cv.lw %[b], (%[p1]), 4\n"
        "mv %[c], %[a]\n"
        "cv.shuffle2.b %[a], %[b], %[low]\n"
        "cv.shuffle2.b %[c], %[b], %[high]\n"
        "cv.sw %[a], (%[pairs]), 4\n"
        "cv.sw %[c], (%[pairs]), 4\n"
        : [p0] "+r"(p0), [p1] "+r"(p1), [pairs] "+r"(pairs), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c)
        : [words] "r"(words), [low] "r"(0x05010400), [high] "r"(0x07030602)
        : "memory");
}
