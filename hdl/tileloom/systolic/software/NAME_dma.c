// AXI DMA in direct register mode: PG021, Register Space and Programming Sequence.
#include "NAME_dma.h"

#include "tileloom_io.h"

// Of a channel: offsets of its registers, and bits of them.
enum { CONTROL = 0x00, STATUS = 0x04, ADDRESS = 0x18, ADDRESS_HIGH = 0x1C, LENGTH = 0x28 };
enum { RUN = 1, RESET = 1 << 2, COMPLETE = 1 << 12, ERRORS = 7 << 4 };
enum { CHANNELS = 4, TRIES = 1000 };

static bool begin(void *context, enum tileloom_systolic_stream stream, uint64_t address, uint64_t bytes) {
    const struct tileloom_systolic_dma *dma = context;
    const uintptr_t channel = dma->channels[stream];
    if (bytes == 0 || bytes > dma->most) return false;
    TILELOOM_WRITE(channel + CONTROL, RUN);
    TILELOOM_WRITE(channel + STATUS, COMPLETE);
    TILELOOM_WRITE(channel + ADDRESS, (uint32_t)address);
    TILELOOM_WRITE(channel + ADDRESS_HIGH, (uint32_t)(address >> 32));
    TILELOOM_WRITE(channel + LENGTH, (uint32_t)bytes);
    return true;
}

static enum tileloom_systolic_move state(void *context, enum tileloom_systolic_stream stream) {
    const struct tileloom_systolic_dma *dma = context;
    const uint32_t status = TILELOOM_READ(dma->channels[stream] + STATUS);
    if (status & ERRORS) return TILELOOM_SYSTOLIC_MOVE_FAILED;
    return status & COMPLETE ? TILELOOM_SYSTOLIC_MOVED : TILELOOM_SYSTOLIC_MOVING;
}

struct tileloom_systolic_mover tileloom_systolic_dma_mover(struct tileloom_systolic_dma *dma) {
    const struct tileloom_systolic_mover mover = {begin, state, dma};
    return mover;
}

bool tileloom_systolic_dma_reset(const struct tileloom_systolic_dma *dma) {
    for (int i = 0; i < CHANNELS; ++i) {
        int tries = TRIES;
        TILELOOM_WRITE(dma->channels[i] + CONTROL, RESET);
        while (TILELOOM_READ(dma->channels[i] + CONTROL) & RESET) {
            if (--tries == 0) return false;
        }
    }
    return true;
}
