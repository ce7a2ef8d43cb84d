// What surroundings of a block share: whether its offers stay until they are taken, payloads as words, chance.
#pragma once
#include <string>

#include "harness.h"

inline std::string hex(uint64_t number) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
    return text;
}

// xorshift64*: the same waits for the same seed, wherever it runs.
class Random {
public:
    explicit Random(uint64_t seed = 0) : state_(seed * 2 + 1) {}
    uint64_t word() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545F4914F6CDD1DULL;
    }
    uint32_t below_65536() { return word() >> 48; }

private:
    uint64_t state_;
};

inline void append(Words& words, uint64_t number) {
    words.push_back(static_cast<uint32_t>(number));
    words.push_back(static_cast<uint32_t>(number >> 32));
}

template <typename Port>
void append_port(Words& words, const Port& port) {
    const size_t begin = words.size();
    words.resize(begin + port_words(port));
    std::memcpy(&words[begin], &port, sizeof(port));
}

// Sees to it that what a block offers stays until it is taken.
class Held {
public:
    // Whether the offer is taken in this cycle.
    bool taken(const char* name, bool valid, bool ready, const Words& payload) {
        if (held_ && (!valid || payload != shown_)) fail(std::string(name) + ": an offer was not held");
        held_ = valid && !ready;
        shown_ = payload;
        return valid && ready;
    }

    // Whether an offer of the cycle before is still to be taken.
    bool held() const { return held_; }

private:
    bool held_ = false;
    Words shown_;
};
