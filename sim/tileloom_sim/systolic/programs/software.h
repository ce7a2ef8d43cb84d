// Y = X W in FP32 with the core's FPU: each sum is fused multiply-adds in order of k, from +0. X is FP32, W is FP32 or
// INT8 in two's complement. Kernels are in software.S.
#pragma once
#include "job.h"

// In software.S, all for k > 0; strides in bytes.
void block(const float *x, const float *w, uint32_t k, float *y, uint32_t y_stride);
void widen(const int8_t *from, float *to, uint32_t k);
void pack_row(const float *from, float *to, uint32_t k);
uint32_t dot(const float *x, const float *w, uint32_t k, uint32_t w_stride);
uint32_t dot_integers(const float *x, const int8_t *w, uint32_t k, uint32_t w_stride);

#define BLOCK_ROWS 4     // of Y, in registers at a time
#define BLOCK_COLUMNS 6

// Copy M x K words, row-major, into panels of BLOCK_ROWS rows, k by k; rows that are not there are zeros. The kernel
// then reads a panel from front to back.
static void pack_rows(const float *x, float *panels, uint32_t m, uint32_t k) {
    for (uint32_t row = 0; row < m; row += BLOCK_ROWS, panels += BLOCK_ROWS * k) {
        for (uint32_t i = 0; i < BLOCK_ROWS; ++i) {
            if (row + i < m) pack_row(x + (row + i) * k, panels + i, k);
            else for (uint32_t at = 0; at < k; ++at) panels[BLOCK_ROWS * at + i] = 0;
        }
    }
}

// 4 x 6 results at a time, in registers over all of k. W is in panels of 6 columns, k by k; INT8 weights become FP32
// once for each panel, not once for each use.
static void gemm_blocked(const struct job *job) {
    const uint32_t m = job->m, k = job->k, n = job->n;
    pack_rows((const float *)job->x, job->x_panel, m, k);
    const float *w = job->w;
    for (uint32_t column = 0; column < n; column += BLOCK_COLUMNS, w += BLOCK_COLUMNS * k) {
        const float *panel = w;
        if (job->integers) {
            panel = job->w_panel;
            widen((const int8_t *)job->w + column * k, job->w_panel, k);
        }
        const float *rows = job->x_panel;
        for (uint32_t row = 0; row < m; row += BLOCK_ROWS, rows += BLOCK_ROWS * k) {
            float *y = (float *)job->y + row * n + column;
            if (row + BLOCK_ROWS <= m && column + BLOCK_COLUMNS <= n) {
                block(rows, panel, k, y, 4 * n);
                continue;
            }
            float edge[BLOCK_ROWS * BLOCK_COLUMNS];
            block(rows, panel, k, edge, 4 * BLOCK_COLUMNS);
            for (uint32_t i = 0; i < BLOCK_ROWS && row + i < m; ++i) {
                for (uint32_t j = 0; j < BLOCK_COLUMNS && column + j < n; ++j) {
                    y[i * n + j] = edge[BLOCK_COLUMNS * i + j];
                }
            }
        }
    }
}

// A result at a time, both matrices row-major, in a hardware loop.
static void gemm_plain(const struct job *job) {
    const float *x = (const float *)job->x;
    uint32_t *y = job->y;
    for (uint32_t row = 0; row < job->m; ++row, x += job->k) {
        for (uint32_t column = 0; column < job->n; ++column) {
            *y++ = job->integers ? dot_integers(x, (const int8_t *)job->w + column, job->k, job->n)
                                 : dot(x, (const float *)job->w + column, job->k, 4 * job->n);
        }
    }
}

// The same as anyone writes it; the loops are what Clang makes of it.
static void gemm_compiled(const struct job *job) {
    const float *x = (const float *)job->x;
    float *y = (float *)job->y;
    for (uint32_t row = 0; row < job->m; ++row) {
        for (uint32_t column = 0; column < job->n; ++column) {
            float sum = 0;
            for (uint32_t i = 0; i < job->k; ++i) {
                const float weight = job->integers ? (float)((const int8_t *)job->w)[i * job->n + column]
                                                   : ((const float *)job->w)[i * job->n + column];
                sum += x[row * job->k + i] * weight;
            }
            y[row * job->n + column] = sum;
        }
    }
}
