// Pooling, residual addition, transposition: what stands between layers of products.
#include "requantise.h"

// The part of a window that lies in the image, as rows and columns of it.
struct seen {
    uint32_t top, bottom, left, right;
};

static void clamp(uint32_t at, uint32_t window, uint32_t padding, uint32_t size, uint32_t *first,
                  uint32_t *end) {
    const int32_t begin = (int32_t)(at - padding), last = begin + (int32_t)window;
    *first = begin < 0 ? 0 : (uint32_t)begin;
    *end = last > (int32_t)size ? size : (uint32_t)last;
}

static struct seen window_at(const struct tileloom_window *window, uint32_t oy, uint32_t ox) {
    struct seen seen;
    clamp(oy * window->stride, window->kernel_height, window->padding, window->height, &seen.top, &seen.bottom);
    clamp(ox * window->stride, window->kernel_width, window->padding, window->width, &seen.left, &seen.right);
    return seen;
}

void tileloom_max_pool(const struct tileloom_window *window, const int8_t *image, int8_t *output) {
    const uint32_t channels = window->channels;
    for (uint32_t oy = 0; oy < window->output_height; ++oy) {
        for (uint32_t ox = 0; ox < window->output_width; ++ox) {
            const struct seen seen = window_at(window, oy, ox);
            for (uint32_t channel = 0; channel < channels; ++channel) {
                int32_t most = -128;
                for (uint32_t y = seen.top; y < seen.bottom; ++y) {
                    const int8_t *from = image + (y * window->width + seen.left) * channels + channel;
                    for (uint32_t x = seen.left; x < seen.right; ++x, from += channels) {
                        most = *from > most ? *from : most;
                    }
                }
                *output++ = (int8_t)most;
            }
        }
    }
}

void tileloom_average_pool(const struct tileloom_window *window, const struct tileloom_channel *average,
                           int32_t least, const int8_t *image, int8_t *output) {
    const uint32_t channels = window->channels;
    for (uint32_t oy = 0; oy < window->output_height; ++oy) {
        for (uint32_t ox = 0; ox < window->output_width; ++ox) {
            const struct seen seen = window_at(window, oy, ox);
            for (uint32_t channel = 0; channel < channels; ++channel) {
                int32_t sum = 0;
                for (uint32_t y = seen.top; y < seen.bottom; ++y) {
                    const int8_t *from = image + (y * window->width + seen.left) * channels + channel;
                    for (uint32_t x = seen.left; x < seen.right; ++x, from += channels) sum += *from;
                }
                *output++ = requantise(sum * 256, average, least);
            }
        }
    }
}

void tileloom_add(const struct tileloom_addition *addition, int32_t least, const int8_t *a, const int8_t *b,
                  uint32_t count, int8_t *output) {
    const int32_t half = 1 << (addition->shift - 1);
    for (uint32_t i = 0; i < count; ++i) {
        const int32_t sum = a[i] * addition->scale_a + b[i] * addition->scale_b;
        // Of a negative sum one less, so that halves go away from zero.
        output[i] = (int8_t)clip((sum + half + (sum >> 31)) >> addition->shift, least);
    }
}

void tileloom_transpose(const int8_t *input, uint32_t lines, uint32_t length, uint32_t bytes, int8_t *output) {
    for (uint32_t column = 0; column < length; ++column) {
        for (uint32_t line = 0; line < bytes; ++line) {
            *output++ = line < lines ? input[line * length + column] : 0;
        }
    }
}
