// The memory's side of one OBI bus: when to grant, which accesses fail, and which answers are on their way.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "harness.h"

constexpr uint32_t MEMORY = 0x80000000;

inline std::string hex(uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08x", value);
    return text;
}

inline std::vector<std::string> split(const std::string& text, size_t parts) {
    std::vector<std::string> fields;
    size_t start = 0;
    while (fields.size() + 1 < parts) {
        const size_t end = text.find(':', start);
        if (end == std::string::npos) fail("not " + std::to_string(parts) + " fields: " + text);
        fields.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    fields.push_back(text.substr(start));
    return fields;
}

inline uint64_t number(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 0); }

struct ErrorRange {
    uint32_t first;
    uint64_t end;
    uint64_t times;  // left; forever if it began at 0
    bool always;
};

struct Answer {
    uint64_t due;
    uint32_t data;
    bool error;
};

class Bus {
public:
    void waits(const std::string& text) {
        const auto fields = split(text, 2);
        grant_wait_ = number(fields[0]);
        answer_wait_ = number(fields[1]);
    }
    void add_error(const std::string& text) {
        const auto fields = split(text, 3);
        const uint64_t times = number(fields[2]);
        errors_.push_back({static_cast<uint32_t>(number(fields[0])), number(fields[1]), times, times == 0});
    }
    void start(std::mt19937* random) {
        random_ = random;
        wait_ = draw(grant_wait_);
    }

    bool grant() const { return held_ >= wait_; }
    bool must_fail(uint32_t address) {
        for (auto& range : errors_) {
            if (address < range.first || address >= range.end || (!range.always && range.times == 0)) continue;
            if (!range.always) --range.times;
            return true;
        }
        return false;
    }
    // `cycles`: from the request to its answer, without wait states.
    void answer(uint64_t cycle, uint32_t data, bool error, uint64_t cycles = 1) {
        const uint64_t soonest = cycle + cycles + draw(answer_wait_);
        last_due_ = std::max(soonest, last_due_ + 1);
        answers_.push_back({last_due_, data, error});
    }
    // The end of a cycle: whether a request was there, and was taken.
    void next(bool request, bool taken) {
        if (taken) {
            held_ = 0;
            wait_ = draw(grant_wait_);
        } else if (request) {
            ++held_;
        }
    }
    // The answer of this cycle, if there is one.
    bool take(uint64_t cycle, Answer& answer) {
        if (answers_.empty() || answers_.front().due != cycle) return false;
        answer = answers_.front();
        answers_.pop_front();
        return true;
    }

private:
    uint64_t draw(uint64_t most) { return random_ && most ? (*random_)() % (most + 1) : most; }

    uint64_t grant_wait_ = 0, answer_wait_ = 0, wait_ = 0, held_ = 0, last_due_ = 0;
    std::vector<ErrorRange> errors_;
    std::deque<Answer> answers_;
    std::mt19937* random_ = nullptr;
};
