// Which kernel a job wants.
#pragma once
#include "job.h"

#ifdef XPULP
#include "dense_corev.h"
#include "software_corev.h"
#include "xdecimate_corev.h"
#else
#include "kernels_plain.h"
#endif

// Results of two lines of activations (a fully connected layer: of one, the second is not there).
typedef void kernel_function(const struct job *job, int32_t *out0, int32_t *out1);

static kernel_function *sparse(uint32_t group, kernel_function *of_4, kernel_function *of_8,
                               kernel_function *of_16) {
    return group == 4 ? of_4 : group == 8 ? of_8 : of_16;
}

static kernel_function *select(const struct job *job) {
    switch (job->kernel) {
        case DENSE_1X2: return job->convolution ? dense_1x2 : connected_2;
        case DENSE_4X2: return job->convolution ? dense_4x2 : connected_4;
        case SOFTWARE:
            return job->convolution
                       ? sparse(job->group, pixels_software_4, pixels_software_8, pixels_software_16)
                       : sparse(job->group, connected_software_4, connected_software_8, connected_software_16);
        default:
            return job->convolution
                       ? sparse(job->group, pixels_xdecimate_4, pixels_xdecimate_8, pixels_xdecimate_16)
                       : sparse(job->group, connected_xdecimate_4, connected_xdecimate_8, connected_xdecimate_16);
    }
}
