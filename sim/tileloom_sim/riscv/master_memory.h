// The system's memory at the device's AXI4 master.
#pragma once
#include <string>
#include <vector>

#include "axi_memory.h"
#include "bus.h"

namespace {

// The memory as the device's AXI4 master sees it; where nothing is it answers with DECERR.
class Mover : private AxiSurroundings {
public:
    Mover(Vtop& top, std::vector<uint8_t>& memory) : memory_(memory), axi_(top, *this) {}

    bool option(const std::string& key, const std::string& value) {
        if (key == "axi") {
            const auto fields = split(value, CHANNELS);
            for (int channel = 0; channel < CHANNELS; ++channel) waits_[channel] = number(fields[channel]);
        } else if (key == "axi_seed") {
            seed_ = number(value);
        } else if (key == "axi_error") {
            const auto fields = split(value, 3);
            errors_.push_back({number(fields[0]), number(fields[1]), number(fields[2])});
        } else {
            return false;
        }
        return true;
    }
    void reset() {
        axi_.reset();
        axi_.begin(seed_);
    }
    void drive() { axi_.drive(); }
    void take() { axi_.take(); }
    bool has_register(uint32_t) const { return false; }
    void write(uint32_t, uint32_t) {}
    uint32_t read(uint32_t) const { return 0; }

private:
    struct Error {
        uint64_t first, end, response;
    };

    bool waits(int channel) override { return axi_.random().below_65536() < waits_[channel]; }
    bool ready_behind_valid() const override { return seed_ & 2; }
    uint64_t answer_of(const Burst& access) override {
        const uint64_t end = access.address + uint64_t(access.beats) * BEAT_BYTES;
        for (const Error& error : errors_) {
            if (access.address < error.end && error.first < end) return error.response;
        }
        return at(access.address) && at(end - 1) ? 0 : DECERR;
    }
    uint8_t* at(uint64_t address) override {
        return address >= MEMORY && address - MEMORY < memory_.size() ? &memory_[address - MEMORY] : nullptr;
    }

    static constexpr uint64_t DECERR = 3;

    std::vector<uint8_t>& memory_;
    AxiMemory axi_;
    uint64_t waits_[CHANNELS] = {}, seed_ = 0;
    std::vector<Error> errors_;
};

}  // namespace
