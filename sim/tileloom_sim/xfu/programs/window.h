#pragma once
#include <stdint.h>

// A window that moves over an image of height x width x channels bytes, filled up with zeros on its four sides.
struct tileloom_window {
    uint32_t height, width, channels;       // of the image
    uint32_t kernel_height, kernel_width;   // of the window
    uint32_t stride, padding;               // both ways
    uint32_t output_height, output_width;   // (height + 2 padding - kernel_height) / stride + 1, and likewise
};
