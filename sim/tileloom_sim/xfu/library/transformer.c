// Softmax, GELU and layer normalisation in integers: Algorithms 1 to 4 of I-BERT (Kim et al., "I-BERT: Integer-only
// BERT Quantization", ICML 2021).
#include "requantise.h"

void tileloom_softmax(const struct tileloom_softmax *parameters, const int8_t *input, uint32_t lines,
                      uint32_t length, int8_t *output, uint32_t *workspace) {
    for (uint32_t line = 0; line < lines; ++line, input += length, output += length) {
        int32_t most = -128;
        for (uint32_t i = 0; i < length; ++i) most = input[i] > most ? input[i] : most;
        uint32_t sum = 0;
        for (uint32_t i = 0; i < length; ++i) {
            // Minus q of the paper: x = z * ln2 + below, and e^-x = e^-below / 2^z.
            const uint32_t x = (uint32_t)(most - input[i]) << parameters->shift;
            const uint32_t z = x / parameters->ln2, below = x - z * parameters->ln2;
            const int32_t root = (int32_t)parameters->b - (int32_t)below;
            const uint32_t polynomial = (uint32_t)(root * root) + parameters->c;
            sum += workspace[i] = z < 32 ? polynomial >> z : 0;
        }
        for (uint32_t i = 0; i < length; ++i) {
            const uint32_t probability = (workspace[i] << 7) / sum;
            output[i] = (int8_t)(probability > 127 ? 127 : probability);
        }
    }
}

void tileloom_gelu(const struct tileloom_gelu *parameters, const int8_t *input, uint32_t count, int8_t *output) {
    for (uint32_t i = 0; i < count; ++i) {
        const int32_t q = (int32_t)((uint32_t)(int32_t)input[i] << parameters->shift);
        const int32_t magnitude = q < 0 ? -q : q;
        const int32_t root = (magnitude < -parameters->b ? magnitude : -parameters->b) + parameters->b;
        const int32_t polynomial = root * root + parameters->c;
        const int32_t erf = q < 0 ? -polynomial : q > 0 ? polynomial : 0;
        // The scale of i-erf is negative; that of the results is its magnitude.
        output[i] = requantise(-q * (erf + parameters->one), &parameters->results, TILELOOM_SIGNED);
    }
}

// floor(sqrt(n)) by Newton's method (Algorithm 4).
static uint32_t square_root(uint32_t n) {
    if (n == 0) return 0;
    uint32_t bits = 0;
    for (uint32_t rest = n; rest; rest >>= 2) ++bits;
    uint32_t x = 1u << bits;
    for (;;) {
        const uint32_t y = (x + n / x) / 2;
        if (y >= x) return x;
        x = y;
    }
}

void tileloom_normalise(uint32_t shift, const struct tileloom_normalised *channels, const int8_t *input,
                        uint32_t lines, uint32_t length, int8_t *output) {
    const uint32_t offset = 128u << shift;  // makes sums positive, whose division rounds down
    for (uint32_t line = 0; line < lines; ++line, input += length, output += length) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < length; ++i) sum += (uint32_t)(input[i] + 128) << shift;
        const int32_t mean = (int32_t)(sum / length) - (int32_t)offset;
        uint32_t squares = 0;
        for (uint32_t i = 0; i < length; ++i) {
            const int32_t centred = (int32_t)((uint32_t)(int32_t)input[i] << shift) - mean;
            squares += (uint32_t)(centred * centred);
        }
        const uint32_t deviation = square_root(squares);
        const uint32_t factor = (1u << 31) / (deviation ? deviation : 1);
        for (uint32_t i = 0; i < length; ++i) {
            const int32_t centred = (int32_t)((uint32_t)(int32_t)input[i] << shift) - mean;
            const int32_t normalised = (int32_t)((int64_t)centred * factor >> 9);
            const struct tileloom_normalised *channel = channels + i;
            output[i] = requantise((channel->negate ? -normalised : normalised) + channel->results.bias,
                                   &channel->results, TILELOOM_SIGNED);
        }
    }
}
