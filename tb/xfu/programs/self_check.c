// Exercises what a program needs of the system: arithmetic, every size of access, the console, the counters.
#include "counters.h"

#define REGISTERS ((volatile uint32_t *)0x10000000)

volatile uint32_t results[8];
static uint8_t bytes[16];
const int16_t table[4] = {-3, 500, -32768, 7};

int main(void) {
    for (const char *c = "hello\n"; *c; ++c) REGISTERS[1] = (uint32_t)*c;
    int32_t sum = 0;
    for (int i = 0; i < 4; ++i) sum = sum * 10 + table[i];
    results[0] = (uint32_t)sum;
    results[1] = (uint32_t)(sum / 7) ^ (uint32_t)sum % 7;
    for (int i = 0; i < 16; ++i) bytes[i] = (uint8_t)(i * 37);
    volatile uint8_t *at = bytes;
    *(volatile uint16_t *)(at + 6) = 0xbeef;
    results[2] = *(volatile uint32_t *)(at + 4);
    results[3] = (uint32_t)*(volatile int8_t *)(at + 7);
#ifdef UNPRIVILEGED  // a misaligned access stops PicoRV32
    results[4] = (uint32_t)at[9] | (uint32_t)at[10] << 8 | (uint32_t)at[11] << 16 | (uint32_t)at[12] << 24;
#else
    results[4] = *(volatile uint32_t *)(at + 9);  // misaligned: two accesses
#endif
    const uint32_t before = INSTRUCTIONS;
    __asm__ volatile("nop; nop; nop; nop; nop");
    results[5] = INSTRUCTIONS - before;
    const uint32_t start = REGISTERS[7];
    results[6] = REGISTERS[7] > start;
    return 42;
}
