// What programs with a driver for the system's device share: sleep until its interrupt, the interrupt's handler, the
// clock. To be included first, by the file that includes the driver.
#pragma once
#define TILELOOM_IDLE(events) sleep_until(events)
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_BASE 0x40000000u
#define DEVICE_LINE 16
#define MSTATUS_MIE 8u
#define CSR_SET(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"(bits) : "memory")
#define CSR_CLEAR(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"(bits) : "memory")

static uint32_t interrupted;  // interrupts so far

// The driver's handler. False: it was not the device's.
bool device_interrupt(void);

// The system's clock, which counts while the core sleeps.
static inline uint32_t time(void) { return *(const volatile uint32_t *)0x1000001cu; }

// With interrupts off an interrupt that is pending still wakes the core, so that none is missed before it sleeps.
static inline void sleep_until(volatile const uint32_t *events) {
    CSR_CLEAR(mstatus, MSTATUS_MIE);
    if (*events == 0) __asm__ volatile("wfi" ::: "memory");
    CSR_SET(mstatus, MSTATUS_MIE);
}

static inline void device_allow_interrupts(void) {
    CSR_SET(mie, 1u << DEVICE_LINE);
    CSR_SET(mstatus, MSTATUS_MIE);
}

// All traps come here; only the device's interrupt is one that is known.
__attribute__((interrupt("machine"), aligned(256))) void trap_entry(void) {
    uint32_t cause;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    if (cause == (1u << 31 | DEVICE_LINE) && device_interrupt()) {
        ++interrupted;
        return;
    }
    volatile uint32_t *registers = (volatile uint32_t *)0x10000000u;
    __asm__ volatile("csrr %0, mepc" : "=r"(registers[5]));
    registers[6] = cause;
    for (;;) {
    }
}
