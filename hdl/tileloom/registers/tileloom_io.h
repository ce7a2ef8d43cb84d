// How a processor shares registers and memory with a Tileloom block. A platform may define any of these macros
// itself, before a driver is included or with -D: for caches that the block does not see, its own accesses, or sleep.
#ifndef TILELOOM_IO_H
#define TILELOOM_IO_H

#include <stdint.h>

// Behind it, what a register is written with is seen by the block only after all that was written to memory before.
#ifndef TILELOOM_BARRIER_WRITE
#if defined(__riscv)
#define TILELOOM_BARRIER_WRITE() __asm__ volatile("fence w, o" ::: "memory")
#elif defined(__aarch64__)
#define TILELOOM_BARRIER_WRITE() __asm__ volatile("dmb oshst" ::: "memory")
#elif defined(__arm__)
#define TILELOOM_BARRIER_WRITE() __asm__ volatile("dmb" ::: "memory")
#elif defined(__GNUC__)
#define TILELOOM_BARRIER_WRITE() __sync_synchronize()
#else
#error "TILELOOM_BARRIER_WRITE: not known for this compiler; define it"
#endif
#endif

// Behind it, memory is read only after the registers that were read before.
#ifndef TILELOOM_BARRIER_READ
#if defined(__riscv)
#define TILELOOM_BARRIER_READ() __asm__ volatile("fence i, r" ::: "memory")
#elif defined(__aarch64__)
#define TILELOOM_BARRIER_READ() __asm__ volatile("dmb oshld" ::: "memory")
#elif defined(__arm__)
#define TILELOOM_BARRIER_READ() __asm__ volatile("dmb" ::: "memory")
#elif defined(__GNUC__)
#define TILELOOM_BARRIER_READ() __sync_synchronize()
#else
#error "TILELOOM_BARRIER_READ: not known for this compiler; define it"
#endif
#endif

// Accesses to a register: one of 32 bits, and in the order of the program.
#ifndef TILELOOM_READ
#define TILELOOM_READ(address) (*(volatile const uint32_t *)(address))
#endif
#ifndef TILELOOM_WRITE
#define TILELOOM_WRITE(address, word) ((void)(*(volatile uint32_t *)(address) = (word)))
#endif

// Called again and again while an interrupt is waited for: may sleep while the volatile uint32_t that `events` points
// at is 0, and returns when it likes. By default it does not sleep.
#ifndef TILELOOM_IDLE
#define TILELOOM_IDLE(events) ((void)(events))
#endif

#endif
