// The address generator sent to where nothing is, for each kind of word: it says so, takes no more commands, and goes on
// once the error is cleared. Returns 0, or ten times the kind and what was wrong.
#include "tileloom_array.h"

#define NOWHERE 0x20000000u
#define VECTORS 3

static uint32_t weights[4 * TILELOOM_WEIGHT_WORDS], x[VECTORS * TILELOOM_ROWS], y[VECTORS * TILELOOM_COLUMNS];

static void set(uint32_t w) {
    tileloom_setting(w, TILELOOM_SET_WEIGHTS);
    tileloom_setting(VECTORS, TILELOOM_SET_VECTORS);
    tileloom_setting(4 * TILELOOM_ROWS, TILELOOM_SET_X_STRIDE);
    tileloom_setting(4 * TILELOOM_COLUMNS, TILELOOM_SET_Y_STRIDE);
}

static uint32_t multiply(const void *from, void *to) {
    uint32_t refused;
    do refused = tileloom_multiply((uint32_t)from, (uint32_t)to);
    while (refused == 1u << 29);
    return refused;
}

static int fails(uint32_t kind) {
    set(kind == 1 ? NOWHERE : (uint32_t)weights);
    void *from = kind == 2 ? (void *)NOWHERE : x, *to = kind == 3 ? (void *)NOWHERE : y;
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t refused = multiply(from, to);
        if (refused && refused != (1u << 29 | kind << 30)) return 1;
    }
    if (tileloom_wait() != kind) return 2;
    if (tileloom_status() != kind << 30) return 3;
    if (!multiply(x, y)) return 4;
    if (tileloom_setting(0, TILELOOM_SET_ERROR) != kind) return 5;
    set((uint32_t)weights);
    for (uint32_t i = 0; i < VECTORS * TILELOOM_COLUMNS; i++) y[i] = TILELOOM_ONE;
    if (multiply(x, y) || tileloom_wait()) return 6;
    // Zeros are added.
    for (uint32_t i = 0; i < VECTORS * TILELOOM_COLUMNS; i++) {
        if (y[i] != TILELOOM_ONE) return 7;
    }
    return 0;
}

int main(void) {
    for (uint32_t kind = 1; kind <= 3; kind++) {
        const int wrong = fails(kind);
        if (wrong) return 10 * kind + wrong;
    }
    return 0;
}
