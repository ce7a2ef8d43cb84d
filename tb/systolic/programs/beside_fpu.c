// Operations of the FPU and of the array in turn, each with the other's result. main returns 0 if all are right, and
// neither flags nor mstatus.FS are touched.
#include "tileloom_array.h"
int main(void) {
    uint32_t flags, state, wrong = 0;
    __asm__ volatile("csrs mstatus, %0" ::"r"(1 << 13));
    for (uint32_t i = 0; i < TILELOOM_WEIGHT_WORDS; i++) tileloom_weight(0x01010101);
    float sum = 0;
    for (uint32_t i = 0; i < 6 * TILELOOM_STEPS; i++) {
        uint32_t result = 1;
        float product = 1.5f;
        // One behind the other, either way round; each needs what the other has just made.
        __asm__ volatile("fadd.s %[s], %[s], %[p]\n fmv.x.w t0, %[s]\n"
                         ".insn r 0x2b, 7, 0, %[r], t0, x0\n"
                         "fmv.w.x ft0, %[r]\n fmul.s %[p], ft0, %[p]\n"
                         ".insn r 0x2b, 7, 3, t0, x0, x0\n"
                         : [s] "+f"(sum), [p] "+f"(product), [r] "=&r"(result)::"t0", "ft0");
        uint32_t bits, wanted;
        float expected = 0;
        if (i >= 2 * TILELOOM_STEPS && i % TILELOOM_STEPS < TILELOOM_COLUMNS) {
            uint32_t vector = i / TILELOOM_STEPS - 2;
            for (uint32_t k = 0; k < TILELOOM_ROWS; k++) expected += 1.5f * (vector * TILELOOM_STEPS + k + 1);
        }
        __builtin_memcpy(&wanted, &expected, 4);
        expected *= 1.5f;
        wrong |= result ^ wanted;
        __builtin_memcpy(&bits, &product, 4);
        __builtin_memcpy(&wanted, &expected, 4);
        wrong |= bits ^ wanted;
    }
    __asm__ volatile("csrr %0, fflags" : "=r"(flags));
    // Clean; an instruction of the array alone must leave it so.
    __asm__ volatile("csrc mstatus, %0\n csrs mstatus, %1" ::"r"(1 << 13), "r"(1 << 14));
    tileloom_step(0x3f800000, 0x7f7fffff);
    __asm__ volatile("csrr %0, mstatus" : "=r"(state));
    return wrong ? 1 : flags ? 2 : (state >> 13 & 3) != 2 ? 3 : 0;
}
