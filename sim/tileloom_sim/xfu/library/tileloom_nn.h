// INT8 layers for RISC-V cores with xDecimate: convolutions, matrix products, pooling, and a transformer's functions.
//
// Activations lie as height x width x channels bytes, the channel fastest, at any alignment; a matrix is an image of
// width 1, a line a pixel. Results of one function are the next one's activations, with nothing between two pixels.
// All arithmetic is in integers, equal bit for bit to tileloom_golden.xfu (docs/xdecimate.md, "A library in C").
//
// `tileloom simulate xfu-cv32e40p --library FOLDER` writes all files. Compile the .c files, with XPULP defined for
// CV32E40P. No function keeps state, allocates memory or calls another library. A trap handler that uses xDecimate
// must save and restore its counter. Outputs must not overlap inputs, but those of tileloom_add, tileloom_softmax,
// tileloom_gelu and tileloom_normalise may be their inputs.
#pragma once
#include <stdint.h>
#include "window.h"

// From a sum to INT8: q = saturate(round((sum + bias) * scale / 2^shift)), halves away from zero, with
//   multiplier = scale << k and shift = shift + k - 32, for the k that makes multiplier < 2^32 and 1 <= shift <= 31.
// There is one where scale / 2^shift < 1/2. sum + bias must fit INT32. tileloom_sim.xfu.operands computes them from
// scale and shift and refuses what does not fit.
struct tileloom_channel {
    int32_t bias;
    uint32_t multiplier, shift;
};

// The smallest result: with ReLU, results below 0 become 0.
enum tileloom_least { TILELOOM_RELU = 0, TILELOOM_SIGNED = -128 };

enum tileloom_kernel { TILELOOM_DENSE_1X2, TILELOOM_DENSE_4X2, TILELOOM_XDECIMATE };

// A matrix of INT8, a row for each output channel, that lines of activations are multiplied with. For a convolution a
// row is the window's fy, fx, channel, the channel fastest.
struct tileloom_weights {
    uint32_t kernel;          // enum tileloom_kernel: 1 or 4 rows at a time, or N:M rows and xDecimate
    uint32_t group;           // xDecimate: M, 4, 8 or 16
    const int8_t *values;     // 4-byte aligned; dense: rows of 4 steps bytes, zeros at their end; else packed
    const uint32_t *offsets;  // xDecimate: packed; duplicated, for tileloom_connected interleaved
    uint32_t rows;            // 1 or more
    uint32_t steps;           // dense: words of a row; xDecimate: words of non-zeros of a part, for M = 4 even
    uint32_t segments;        // xDecimate: parts that follow each other along a row, of 32,768 groups at most
    uint32_t passes;          // xDecimate: N; the first non-zeros of all groups, the second ones, and so on
};

// Bytes that a kernel reads of a line of activations. They must be readable; what lies beyond the row's weights does
// not matter.
static inline uint32_t tileloom_line_bytes(const struct tileloom_weights *weights) {
    const uint32_t words = 4 * weights->steps;
    return weights->kernel == TILELOOM_XDECIMATE ? words * weights->segments * weights->group : words;
}

// Bytes from the first patch of a workspace to the second. Where cores share a memory in banks, with TILELOOM_BANK_LINE
// the bytes of a word of each bank, a power of two: the second begins half of the banks away.
static inline uint32_t tileloom_second_patch(uint32_t line_bytes) {
#ifdef TILELOOM_BANK_LINE
    return ((line_bytes + TILELOOM_BANK_LINE - 1) & ~(TILELOOM_BANK_LINE - 1u)) + TILELOOM_BANK_LINE / 2;
#else
    return (line_bytes + 3) & ~3u;
#endif
}

// A convolution, by im2col two pixels at a time. A 1 x 1 window without padding reads its pixels where they lie.
//   channels   one for each row
//   least      enum tileloom_least
//   image      window->height x width x channels; for a 1 x 1 window, each pixel has tileloom_line_bytes to read
//   output     window->output_height x output_width x rows
//   workspace  two patches of tileloom_line_bytes, 4-byte aligned; not used by a 1 x 1 window
void tileloom_convolution(const struct tileloom_window *window, const struct tileloom_weights *weights,
                          const struct tileloom_channel *channels, int32_t least, const int8_t *image,
                          int8_t *output, uint8_t *workspace);

// A matrix product: each of `count` lines, `stride` bytes apart, with each row of the weights. With words of 4 bytes
// (a multiple of 4 for stride, lines aligned) CV32E40P loads each word in one access.
//   output     count x rows
void tileloom_product(const struct tileloom_weights *weights, const struct tileloom_channel *channels,
                      int32_t least, const int8_t *lines, uint32_t stride, uint32_t count, int8_t *output);

// A fully connected layer on one line of activations; packed weights are interleaved.
//   output     rows
void tileloom_connected(const struct tileloom_weights *weights, const struct tileloom_channel *channels,
                        int32_t least, const int8_t *input, int8_t *output);

// The largest of each window, channel by channel; what lies outside the image does not count. A window must see a
// pixel: padding is below kernel_height and kernel_width.
//   output     window->output_height x output_width x channels
void tileloom_max_pool(const struct tileloom_window *window, const int8_t *image, int8_t *output);

// The sum of each window, zeros outside the image, times 256 and then as a channel's sum becomes INT8: the
// average, and with a window of the image's size the global average. At most 65,536 pixels in a window.
//   output     window->output_height x output_width x channels
void tileloom_average_pool(const struct tileloom_window *window, const struct tileloom_channel *average, int32_t least,
                           const int8_t *image, int8_t *output);

// A residual addition: saturate(round((a * scale_a + b * scale_b) / 2^shift)), halves away from zero.
struct tileloom_addition {
    int32_t scale_a, scale_b;  // 0 to 131,070
    uint32_t shift;            // 1 to 31
};
void tileloom_add(const struct tileloom_addition *addition, int32_t least, const int8_t *a, const int8_t *b,
                  uint32_t count, int8_t *output);

// The transpose of lines x length bytes, for a product with activations in the place of weights.
//   output     length rows of `bytes` bytes, lines or more of them, zeros at their end
void tileloom_transpose(const int8_t *input, uint32_t lines, uint32_t length, uint32_t bytes, int8_t *output);

// Softmax, GELU and layer normalisation of I-BERT (Kim et al., "I-BERT: Integer-only BERT Quantization", ICML 2021).
// Activations are first shifted to the left, so that a fine scale is left for the polynomials' coefficients.
// tileloom_golden.xfu.transformer computes these parameters from the activations' scale.

// Algorithm 3: i-exp with i-poly, and the division by the line's sum. Results are probabilities in 1/128, 127 at most.
struct tileloom_softmax {
    uint32_t shift;   // of the activations
    uint32_t ln2;     // floor(ln 2 / scale)
    uint32_t b, c;    // floor(1.353 / scale), floor(0.344 / (0.3585 scale^2))
};
//   workspace  length words
void tileloom_softmax(const struct tileloom_softmax *parameters, const int8_t *input, uint32_t lines,
                      uint32_t length, int8_t *output, uint32_t *workspace);

// Algorithm 2: q * (i-erf(q) + floor(1 / scale of i-erf)), requantised.
struct tileloom_gelu {
    uint32_t shift;                   // of the activations
    int32_t b, c, one;                // of i-erf and of its scale; all below 0
    struct tileloom_channel results;  // bias 0
};
void tileloom_gelu(const struct tileloom_gelu *parameters, const int8_t *input, uint32_t count, int8_t *output);

// A line less its mean, over its deviation by the integer square root of Algorithm 4; then as a channel's sum becomes
// INT8, with gamma and beta in multiplier, shift and bias, and `negate` where gamma is negative.
struct tileloom_normalised {
    struct tileloom_channel results;
    uint32_t negate;
};
//   shift      of the activations; length * (255 << shift)^2 < 2^32
//   channels   length of them
void tileloom_normalise(uint32_t shift, const struct tileloom_normalised *channels, const int8_t *input,
                        uint32_t lines, uint32_t length, int8_t *output);
