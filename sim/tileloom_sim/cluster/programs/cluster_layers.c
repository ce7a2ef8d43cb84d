// Runs one INT8 layer on a cluster, with the kernels of layers.c: cores share the output rows of a convolution and the
// output channels of a fully connected layer. The job is described in cluster_job.h.
//
// Core 0 brings a tile of weights and offsets by DMA while all cores compute on the one before, and the sums of that
// one go back to L2 while they compute on the next:
//
//     DMA      input, tile 0 | tile 1            | sums 0, tile 2    | sums 1
//     cores                  | compute on tile 0 | compute on tile 1 | compute on tile 2 ...
#include "cluster.h"
#include "cluster_job.h"
#include "counters.h"
#include "im2col.h"
#include "select.h"

extern struct cluster_job __free;

// Output rows from `oy` up to `end`; results of all pixels begin at `output`.
static void convolve(const struct job *job, kernel_function *kernel, int32_t *output, uint32_t oy, uint32_t end) {
    const uint32_t width = job->window.output_width, pixels = end * width;
    const uint32_t length = job->window.kernel_height * job->window.kernel_width * job->window.channels;
    uint32_t pixel = oy * width, ox = 0;
    int32_t *out = output + pixel * job->rows;
    for (; pixel < pixels; pixel += 2, out += 2 * job->rows) {
        uint8_t *patch = job->patch0;
        for (int i = 0; i < 2; ++i, patch = job->patch1) {
            if (oy < end) im2col(&job->window, job->input, patch, oy, ox);
            if (++ox == width) ox = 0, ++oy;
        }
        if (job->kernel == SOFTWARE) interleave(job, (length + 3) / 4);
        kernel(job, out, pixel + 1 < pixels ? out + job->rows : job->spare);
    }
}

// A core's share of items: from `first` up to `end`.
static void share(uint32_t items, uint32_t core, uint32_t cores, uint32_t *first, uint32_t *end) {
    const uint32_t part = (items + cores - 1) / cores;
    *first = core * part < items ? core * part : items;
    *end = *first + part < items ? *first + part : items;
}

static void compute(const struct cluster_job *cluster, struct job *job, kernel_function *kernel, uint32_t tile,
                    uint32_t core) {
    const int8_t *weights = (const int8_t *)cluster->tile_buffers[tile & 1];
    int32_t *output = (int32_t *)cluster->output_buffers[tile & 1];
    job->weights = weights + (uint32_t)cluster->layer.weights;
    job->offsets = (const uint8_t *)weights + (uint32_t)cluster->layer.offsets;
    uint32_t first, end;
    if (job->convolution) {
        share(job->window.output_height, core, cluster->active, &first, &end);
        convolve(job, kernel, output, first, end);
    } else {
        // job->rows is a core's part of a tile.
        job->weights += core * cluster->core_weights;
        job->offsets += core * cluster->core_offsets;
        kernel(job, output + core * job->rows, 0);
    }
}

int main(void) {
    const struct cluster_job *shared = &__free;
    const uint32_t core = cluster_core();
    const struct cluster_job cluster = *shared;  // on this core's stack, in L1
    struct job job = cluster.layer;
    const uint32_t pixels = job.convolution ? job.window.output_height * job.window.output_width : 1;
    const uint32_t row_bytes = 4 * job.rows * (job.convolution ? 1 : cluster.active);
    kernel_function *kernel = select(&job);
    job.patch0 += core * cluster.core_bytes;
    job.patch1 += core * cluster.core_bytes;
    job.pairs += core * cluster.core_bytes;
    job.spare = (int32_t *)((uint8_t *)job.spare + core * cluster.core_bytes);

    cluster_barrier(0);
    const uint32_t instret = INSTRUCTIONS, cycles = CYCLES;
    uint32_t brought = 0, sent = 0, computing = 0;
    if (core == 0) {
        dma_start(TO_L1, cluster.input, (void *)job.input, cluster.input_bytes, 1, 0, 0);
        brought = dma_start(TO_L1, cluster.tile, cluster.tile_buffers[0], cluster.tile_bytes, 1, 0, 0);
    }
    for (uint32_t tile = 0; tile < cluster.tiles; ++tile) {
        if (core == 0) {
            const uint32_t ready = brought;
            if (tile + 1 < cluster.tiles) {
                const uint8_t *next = cluster.tile + (tile + 1) * cluster.tile_bytes;
                brought = dma_start(TO_L1, next, cluster.tile_buffers[(tile + 1) & 1], cluster.tile_bytes, 1, 0, 0);
            }
            dma_wait(ready);
        }
        cluster_barrier(0);
        const uint32_t began = CYCLES;
        if (core < cluster.active) compute(&cluster, &job, kernel, tile, core);
        cluster_barrier(0);
        computing += CYCLES - began;
        if (core == 0) {
            // Transfers are done in order: that of the tile that comes next in this buffer waits for this one.
            sent = dma_start(TO_L2, cluster.output + tile * row_bytes, cluster.output_buffers[tile & 1], row_bytes,
                             pixels, cluster.tiles * row_bytes, row_bytes);
        }
    }
    if (core == 0) {
        dma_wait(sent);
        struct cluster_job *report = &__free;
        report->layer.cycles = CYCLES - cycles;
        report->layer.instret = INSTRUCTIONS - instret;
        report->active = computing;
    }
    return 0;
}
