// What the example programs for Linux share: maps of a UIO device, messages, memory. For the file with main alone.
#ifndef TILELOOM_UIO_H
#define TILELOOM_UIO_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void fail(const char *what, const char *why) {
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

// A number of a map, "addr" or "size", from sysfs.
static uint64_t number_of(const char *device, int map, const char *name) {
    char path[256];
    uint64_t number = 0;
    (void)snprintf(path, sizeof path, "/sys/class/uio/%s/maps/map%d/%s", device, map, name);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%" SCNx64, &number) != 1) fail(path, "no such map");
    (void)fclose(file);
    return number;
}

static void *map(const char *device, int file, int number) {
    const long page = sysconf(_SC_PAGESIZE);
    const size_t size = (size_t)number_of(device, number, "size");
    void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)(number * page));
    if (place == MAP_FAILED) fail(device, "cannot be mapped");
    return place;
}

static void *room(size_t count, size_t size) {
    void *place = calloc(count, size);
    if (place == NULL) fail("memory", "not enough");
    return place;
}

#endif
