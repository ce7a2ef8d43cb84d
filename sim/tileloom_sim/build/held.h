// Checks that what a block offers stays until it is taken.
#pragma once
#include <string>

#include "harness.h"

inline std::string hex(uint64_t number) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
    return text;
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
