// Runs one INT8 layer with one kernel, and counts its cycles: a convolution by im2col and a matrix product, two
// pixels at a time, or a fully connected layer. Sums are INT32. The job is described in job.h.
#include "counters.h"
#include "im2col.h"
#include "job.h"
#include "select.h"

extern struct job __free;

static void convolve(const struct job *job, kernel_function *kernel) {
    const uint32_t pixels = job->window.output_height * job->window.output_width;
    const uint32_t length = job->window.kernel_height * job->window.kernel_width * job->window.channels;
    int32_t *out = job->output;
    uint32_t oy = 0, ox = 0;
    for (uint32_t pixel = 0; pixel < pixels; pixel += 2, out += 2 * job->rows) {
        uint8_t *patch = job->patch0;
        for (int i = 0; i < 2; ++i, patch = job->patch1) {
            if (oy < job->window.output_height) im2col(&job->window, job->input, patch, oy, ox);
            if (++ox == job->window.output_width) ox = 0, ++oy;
        }
        if (job->kernel == SOFTWARE) interleave(job, (length + 3) / 4);
        kernel(job, out, pixel + 1 < pixels ? out + job->rows : job->spare);
    }
}

int main(void) {
    struct job *job = &__free;
    kernel_function *kernel = select(job);
    const uint32_t instret = INSTRUCTIONS;
    const uint32_t cycles = CYCLES;
    if (job->convolution) {
        convolve(job, kernel);
    } else {
        kernel(job, job->output, 0);
    }
    job->cycles = CYCLES - cycles;
    job->instret = INSTRUCTIONS - instret;
    return 0;
}
