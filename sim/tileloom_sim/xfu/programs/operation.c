// Runs one function of the library and counts its cycles. The host lays out `struct job` as 32-bit words in this
// order (operation.py), at the first free address after the program.
#include "counters.h"
#include "tileloom_nn.h"

enum operation {
    CONVOLUTION, PRODUCT, CONNECTED, MAX_POOL, AVERAGE_POOL, ADD, TRANSPOSE, SOFTMAX, GELU, NORMALISE
};

struct job {
    uint32_t operation;  // enum operation
    uint32_t cycles, instret;  // out: what the function took
    int32_t least;
    const int8_t *input, *second;
    int8_t *output;
    void *workspace;
    const void *channels;         // struct tileloom_channel, or what the function has in its place
    uint32_t lines, length;
    struct tileloom_window window;
    struct tileloom_weights weights;
};

extern struct job __free;

static void run(const struct job *job) {
    const struct tileloom_window *window = &job->window;
    const struct tileloom_weights *weights = &job->weights;
    const void *channels = job->channels;
    const int32_t least = job->least;
    const uint32_t lines = job->lines, length = job->length;
    switch (job->operation) {
        case CONVOLUTION:
            tileloom_convolution(window, weights, channels, least, job->input, job->output, job->workspace);
            break;
        case PRODUCT: tileloom_product(weights, channels, least, job->input, length, lines, job->output); break;
        case CONNECTED: tileloom_connected(weights, channels, least, job->input, job->output); break;
        case MAX_POOL: tileloom_max_pool(window, job->input, job->output); break;
        case AVERAGE_POOL: tileloom_average_pool(window, channels, least, job->input, job->output); break;
        case ADD: tileloom_add(channels, least, job->input, job->second, lines * length, job->output); break;
        case TRANSPOSE:
            tileloom_transpose(job->input, lines, length, (lines + 3) & ~3u, job->output);
            break;
        case SOFTMAX: tileloom_softmax(channels, job->input, lines, length, job->output, job->workspace); break;
        case GELU: tileloom_gelu(channels, job->input, lines * length, job->output); break;
        default: tileloom_normalise((uint32_t)least, channels, job->input, lines, length, job->output); break;
    }
}

int main(void) {
    struct job *job = &__free;
    const uint32_t instret = INSTRUCTIONS;
    const uint32_t cycles = CYCLES;
    run(job);
    job->cycles = CYCLES - cycles;
    job->instret = INSTRUCTIONS - instret;
    return 0;
}
