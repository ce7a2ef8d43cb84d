// Runs one layer of the C library (tileloom_nn.h) on a cluster, with INT8 results: cores share the output rows of a
// convolution and the output channels of a fully connected layer. The image has its padding about it, so that a core's
// rows are a smaller image.
#include "tileloom_nn.h"
#include "tiles.h"

struct int8_job {
    struct tiles tiles;
    uint32_t convolution;            // 0: fully connected
    int32_t least;
    struct tileloom_window window;   // without padding; of the whole convolution, of a core its rows
    struct tileloom_weights weights; // of a tile, or fully connected of a core's part
    uint32_t offsets_at, channels_at;     // in a tile, which begins with values
    uint32_t core_values, core_offsets;   // fully connected: bytes from a core's part to the next one's
    uint8_t *workspace;              // in L1
    uint32_t core_bytes;             // from a core's workspace to the next one's
    uint32_t first;                  // of a core: its first output row
};

extern struct int8_job __free;

static void compute(void *what, const struct tiles *tiles, const uint8_t *tile, uint8_t *output, uint32_t core) {
    struct int8_job *job = what;
    struct tileloom_weights *weights = &job->weights;
    const struct tileloom_window *window = &job->window;
    const struct tileloom_channel *channels = (const void *)(tile + job->channels_at);
    weights->values = (const int8_t *)tile;
    weights->offsets = (const uint32_t *)(tile + job->offsets_at);
    if (job->convolution) {
        if (window->output_height == 0) return;
        tileloom_convolution(window, weights, channels, job->least,
                             tiles->input_at + job->first * window->stride * window->width * window->channels,
                             (int8_t *)output + job->first * window->output_width * weights->rows, job->workspace);
    } else {
        const uint32_t row = core * weights->rows;
        weights->values += core * job->core_values;
        weights->offsets += core * job->core_offsets / sizeof(uint32_t);
        tileloom_connected(weights, channels + row, job->least, tiles->input_at, (int8_t *)output + row);
    }
}

int main(void) {
    struct int8_job mine = __free;  // on this core's stack, in L1
    const uint32_t core = cluster_core();
    uint32_t end = 0;
    if (core < mine.tiles.active) share(mine.window.output_height, core, mine.tiles.active, &mine.first, &end);
    mine.window.output_height = end - mine.first;
    mine.window.height -= mine.first * mine.window.stride;
    mine.workspace += core * mine.core_bytes;
    run_tiles(&__free.tiles, compute, &mine);
    return 0;
}
