// What the host asks of layers.c: one layer, one kernel. The host lays this structure out as 32-bit words in
// this order (layers.py), at the first free address after the program.
#pragma once
#include "window.h"

enum kernel { DENSE_1X2, DENSE_4X2, SOFTWARE, XDECIMATE };

struct job {
    uint32_t kernel;           // enum kernel
    uint32_t group;            // M of 1:M: 4, 8 or 16; not used by the dense kernels
    uint32_t convolution;      // 1: convolution, 0: fully connected
    const int8_t *input;       // height x width x channels; fully connected: the activations
    const int8_t *weights;     // dense: a row for each output channel, filled up to words; sparse: packed
    const uint8_t *offsets;    // packed
    int32_t *output;           // pixels x rows
    uint8_t *patch0, *patch1;  // two im2col buffers
    uint8_t *pairs;            // both in turn, byte by byte (software sparse convolution), 32-byte aligned
    int32_t *spare;            // rows words: results of a second pixel that is not there
    struct tileloom_window window;  // of a convolution
    uint32_t rows;             // output channels, filled up to what the kernel takes at a time
    uint32_t steps;            // iterations of the innermost loop for a row
    uint32_t skip;             // bytes of offsets between the rows of a plain packed matrix
    uint32_t cycles, instret;  // out: what the layer took, im2col included
};
