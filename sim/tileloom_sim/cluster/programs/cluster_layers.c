// Runs one INT8 layer on a cluster, with the kernels of layers.c: cores share the output rows of a convolution and the
// output channels of a fully connected layer. Sums are INT32.
#include "im2col.h"
#include "job.h"
#include "select.h"
#include "tiles.h"

struct cluster_job {
    struct tiles tiles;
    struct job layer;        // of a tile, or fully connected of a core's part; addresses in L1
    uint32_t offsets_at;     // in a tile, which begins with weights
    uint32_t core_bytes;     // from a core's patches, pairs and spare words to the next core's
    uint32_t core_weights, core_offsets;  // fully connected: bytes from a core's part of a tile to the next one's
};

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

static void compute(void *what, const struct tiles *tiles, const uint8_t *tile, uint8_t *output, uint32_t core) {
    struct cluster_job *mine = what;
    struct job *job = &mine->layer;
    int32_t *sums = (int32_t *)output;
    kernel_function *kernel = select(job);
    job->weights = (const int8_t *)tile;
    job->offsets = tile + mine->offsets_at;
    if (job->convolution) {
        uint32_t first, end;
        share(job->window.output_height, core, tiles->active, &first, &end);
        convolve(job, kernel, sums, first, end);
    } else {
        job->weights += core * mine->core_weights;
        job->offsets += core * mine->core_offsets;
        kernel(job, sums + core * job->rows, 0);
    }
}

int main(void) {
    struct cluster_job mine = __free;  // on this core's stack, in L1
    const uint32_t own = cluster_core() * mine.core_bytes;
    mine.layer.patch0 += own;
    mine.layer.patch1 += own;
    mine.layer.pairs += own;
    mine.layer.spare += own / sizeof(int32_t);
    run_tiles(&__free.tiles, compute, &mine);
    return 0;
}
