// im2col: the patch that a convolution's window sees at an output pixel, in the order of the weights.
#pragma once
#include "window.h"
#ifdef XPULP
#include "corev.h"
#else
static inline void copy_words(void *to, const void *from, uint32_t words) {
    for (uint32_t i = 0; i < words; ++i) ((uint32_t *)to)[i] = ((const uint32_t *)from)[i];
}
#endif

// Copy bytes, or zeros where `from` is null; by words where both sides are aligned to them.
static uint8_t *append(uint8_t *to, const int8_t *from, uint32_t bytes) {
    if (((uintptr_t)to | (uintptr_t)from | bytes) % 4 == 0) {
        if (bytes == 0) return to;
        if (from) {
            copy_words(to, from, bytes / 4);
        } else {
            for (uint32_t *word = (uint32_t *)to; word < (uint32_t *)(to + bytes); ++word) *word = 0;
        }
        return to + bytes;
    }
    for (uint32_t i = 0; i < bytes; ++i) to[i] = from ? (uint8_t)from[i] : 0;
    return to + bytes;
}

// The patch at output pixel (oy, ox): in each of its rows, what lies left of the image, in it and right of it.
static void im2col(const struct tileloom_window *at, const int8_t *image, uint8_t *patch, uint32_t oy,
                   uint32_t ox) {
    const int32_t width = (int32_t)at->width, window = (int32_t)at->kernel_width;
    const int32_t x = (int32_t)(ox * at->stride) - (int32_t)at->padding;
    const int32_t left = x < 0 ? (-x < window ? -x : window) : 0;
    const int32_t beyond = x + window - width;
    const int32_t right = beyond > 0 ? (beyond < window ? beyond : window) : 0;
    const int32_t inside = window - left - right;
    int32_t y = (int32_t)(oy * at->stride) - (int32_t)at->padding;
    for (uint32_t fy = 0; fy < at->kernel_height; ++fy, ++y) {
        if (y < 0 || y >= (int32_t)at->height || inside <= 0) {
            patch = append(patch, 0, (uint32_t)window * at->channels);
            continue;
        }
        const int8_t *line = image + (uint32_t)(y * width + x + left) * at->channels;
        patch = append(patch, 0, (uint32_t)left * at->channels);
        patch = append(patch, line, (uint32_t)inside * at->channels);
        patch = append(patch, 0, (uint32_t)right * at->channels);
    }
}
