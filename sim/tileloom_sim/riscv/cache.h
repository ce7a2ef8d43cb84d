// A simple cache: set-associative, least recently used out first, a line is brought in at a miss of a read or a write.
// It holds no data, only which lines it would hold: the memory is always right, and a victim is written back for free.
//
//     instruction bus --> level 1 --+--> level 2 --> memory
//     data bus ---------> level 1 --+
#pragma once
#include <cstdint>
#include <vector>

#include "harness.h"

class Cache {
public:
    // `cycles` from a request to its answer at a hit; at a miss it takes `next`, or the memory, so many more.
    Cache(uint64_t bytes, uint64_t ways, uint64_t line, uint64_t cycles, Cache* next, uint64_t memory_cycles)
        : ways_(ways), line_(line), cycles_(cycles), next_(next), memory_cycles_(memory_cycles),
          lines_(bytes / line, NONE) {}

    // Cycles from the request of a word to its answer.
    uint64_t access(uint32_t address) {
        ++accesses;
        const uint64_t line = address / line_;
        auto set = lines_.begin() + line % (lines_.size() / ways_) * ways_;
        // A set's lines lie in order of their last use.
        auto at = set;
        while (at != set + ways_ - 1 && *at != line) ++at;
        const bool hit = *at == line;
        for (; at != set; --at) *at = at[-1];
        *set = line;
        if (hit) return cycles_;
        ++misses;
        return cycles_ + (next_ ? next_->access(address) : memory_cycles_);
    }

    uint64_t accesses = 0, misses = 0;

private:
    static constexpr uint64_t NONE = ~0ull;

    uint64_t ways_, line_, cycles_;
    Cache* next_;
    uint64_t memory_cycles_;
    std::vector<uint64_t> lines_;
};
