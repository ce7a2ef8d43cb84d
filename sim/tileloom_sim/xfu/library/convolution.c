// Convolutions, matrix products and fully connected layers: lines of activations, two at a time, times all rows.
#include "im2col.h"
#include "tileloom_nn.h"

// Where a sparse row goes on, and its sums so far: on two lines, or of two rows.
struct cursor {
    const int8_t *values;
    const uint32_t *offsets;
    int32_t sum0, sum1;
};

#ifdef XPULP
#include "lines_corev.h"
#else
#include "lines_plain.h"
#endif

typedef void part_function(struct cursor *at, uint32_t steps, const int8_t *line0, const int8_t *line1);

// All parts of a row, or of a pair of rows: segment after segment, and that for each pass.
static void parts(const struct tileloom_weights *weights, part_function *run, struct cursor *at,
                  const int8_t *line0, const int8_t *line1) {
    const uint32_t apart = 4 * weights->steps * weights->group;
    for (uint32_t pass = 0; pass < weights->passes; ++pass) {
        for (uint32_t begin = 0; begin < weights->segments * apart; begin += apart) {
            run(at, weights->steps, line0 + begin, line1 + begin);
        }
    }
}

static part_function *choose(uint32_t group, part_function *of_4, part_function *of_8, part_function *of_16) {
    return group == 4 ? of_4 : group == 8 ? of_8 : of_16;
}

#ifdef XPULP
// Kernels for whole rows, of one segment and one or two passes; null for others.
typedef void pixels_function(const struct tileloom_weights *weights, const struct tileloom_channel *channel,
                             int32_t least, const int8_t *line0, const int8_t *line1, int8_t *out0,
                             int8_t *out1);
typedef void rows_function(const struct tileloom_weights *weights, const struct tileloom_channel *channel,
                           int32_t least, const int8_t *line, int8_t *out);

static pixels_function *whole_pixels(const struct tileloom_weights *weights) {
    static pixels_function *const kernels[3][2] = {
        {pixels_4_1, pixels_4_2}, {pixels_8_1, pixels_8_2}, {pixels_16_1, pixels_16_2}};
    if (weights->segments > 1 || weights->passes > 2) return 0;
    return kernels[weights->group / 8][weights->passes - 1];
}

static rows_function *whole_rows(const struct tileloom_weights *weights) {
    static rows_function *const kernels[3][2] = {
        {rows_4_1, rows_4_2}, {rows_8_1, rows_8_2}, {rows_16_1, rows_16_2}};
    if (weights->segments > 1 || weights->passes > 2) return 0;
    return kernels[weights->group / 8][weights->passes - 1];
}
#endif

static void sparse_two_lines(const struct tileloom_weights *weights, const struct tileloom_channel *channels,
                             int32_t least, const int8_t *line0, const int8_t *line1, int8_t *out0,
                             int8_t *out1) {
#ifdef XPULP
    pixels_function *whole = whole_pixels(weights);
    if (whole) {
        whole(weights, channels, least, line0, line1, out0, out1);
        return;
    }
#endif
    part_function *run =
        choose(weights->group, part_of_pixels_4, part_of_pixels_8, part_of_pixels_16);
    struct cursor at = {weights->values, weights->offsets, 0, 0};
    for (uint32_t row = 0; row < weights->rows; ++row) {
        at.sum0 = at.sum1 = channels[row].bias;
        parts(weights, run, &at, line0, line1);
        out0[row] = requantise(at.sum0, channels + row, least);
        out1[row] = requantise(at.sum1, channels + row, least);
    }
}

static void two_lines(const struct tileloom_weights *weights, const struct tileloom_channel *channels,
                      int32_t least, const int8_t *line0, const int8_t *line1, int8_t *out0, int8_t *out1) {
    if (weights->kernel == TILELOOM_XDECIMATE) {
        sparse_two_lines(weights, channels, least, line0, line1, out0, out1);
        return;
    }
    const uint32_t fours = weights->kernel == TILELOOM_DENSE_4X2 ? weights->rows & ~3u : 0;
    const int8_t *rest = weights->values + fours * 4 * weights->steps;
    dense_rows_4x2(weights->values, weights->steps, fours, channels, least, line0, line1, out0, out1);
    dense_rows_1x2(rest, weights->steps, weights->rows - fours, channels + fours, least, line0, line1,
                   out0 + fours, out1 + fours);
}

void tileloom_product(const struct tileloom_weights *weights, const struct tileloom_channel *channels,
                      int32_t least, const int8_t *lines, uint32_t stride, uint32_t count, int8_t *output) {
    for (; count >= 2; count -= 2, lines += 2 * stride, output += 2 * weights->rows) {
        two_lines(weights, channels, least, lines, lines + stride, output, output + weights->rows);
    }
    // The last of an odd number is its own partner.
    if (count) two_lines(weights, channels, least, lines, lines, output, output);
}

void tileloom_convolution(const struct tileloom_window *window, const struct tileloom_weights *weights,
                          const struct tileloom_channel *channels, int32_t least, const int8_t *image,
                          int8_t *output, uint8_t *workspace) {
    const uint32_t pixels = window->output_height * window->output_width;
    if (window->kernel_height * window->kernel_width == 1 && window->padding == 0) {
        const uint32_t stride = window->stride * window->channels;
        if (window->stride == 1) {
            tileloom_product(weights, channels, least, image, stride, pixels, output);
            return;
        }
        for (uint32_t y = 0; y < window->output_height; ++y) {
            tileloom_product(weights, channels, least, image, stride, window->output_width, output);
            image += stride * window->width;
            output += window->output_width * weights->rows;
        }
        return;
    }
    uint8_t *const patches[2] = {workspace, workspace + tileloom_second_patch(tileloom_line_bytes(weights))};
    uint32_t oy = 0, ox = 0;
    for (uint32_t pixel = 0; pixel < pixels; pixel += 2, output += 2 * weights->rows) {
        const uint32_t lines = pixel + 1 < pixels ? 2 : 1;
        for (uint32_t i = 0; i < lines; ++i) {
            im2col(window, image, patches[i], oy, ox);
            if (++ox == window->output_width) ox = 0, ++oy;
        }
        two_lines(weights, channels, least, (int8_t *)patches[0], (int8_t *)patches[lines - 1], output,
                  output + (lines - 1) * weights->rows);
    }
}

static void sparse_line(const struct tileloom_weights *weights, const struct tileloom_channel *channels,
                        int32_t least, const int8_t *input, int8_t *output) {
    uint32_t row = 0;
    struct cursor at = {weights->values, weights->offsets, 0, 0};
#ifdef XPULP
    rows_function *whole = whole_rows(weights);
    if (whole) {
        whole(weights, channels, least, input, output);
        row = weights->rows & ~1u;
        at.values += row * weights->passes * 4 * weights->steps;
        at.offsets += row / 2 * weights->passes * (weights->steps / (weights->group == 4 ? 2 : 1));
    }
#endif
    part_function *run = choose(weights->group, part_of_rows_4, part_of_rows_8, part_of_rows_16);
    for (; row < weights->rows; row += 2) {
        const uint32_t second = row + 1 < weights->rows ? row + 1 : row;  // of an odd number, zeros
        at.sum0 = channels[row].bias, at.sum1 = channels[second].bias;
        parts(weights, run, &at, input, input);
        output[second] = requantise(at.sum1, channels + second, least);
        output[row] = requantise(at.sum0, channels + row, least);
    }
}

void tileloom_connected(const struct tileloom_weights *weights, const struct tileloom_channel *channels,
                        int32_t least, const int8_t *input, int8_t *output) {
    if (weights->kernel == TILELOOM_XDECIMATE) {
        sparse_line(weights, channels, least, input, output);
        return;
    }
    const uint32_t steps = weights->steps, rows = weights->rows;
    const uint32_t fours = weights->kernel == TILELOOM_DENSE_4X2 ? rows & ~3u : 0, pairs = (rows - fours) & ~1u;
    const int8_t *rest = weights->values + fours * 4 * steps, *last = rest + pairs * 4 * steps;
    const uint32_t done = fours + pairs;
    dense_rows_4(weights->values, steps, fours, channels, least, input, output);
    dense_rows_2(rest, steps, pairs, channels + fours, least, input, output + fours);
    dense_rows_1x2(last, steps, rows - done, channels + done, least, input, input, output + done,
                   output + done);
}
