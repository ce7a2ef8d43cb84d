// What compilers call by themselves, for programs without a library.
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int value, size_t count) {
    for (uint8_t *byte = to; count != 0; --count) *byte++ = (uint8_t)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    const uint8_t *source = from;
    for (uint8_t *byte = to; count != 0; --count) *byte++ = *source++;
    return to;
}
