// DMA channels between the system's memory and the device's AXI4-Streams: the registers of AMD's AXI DMA in direct
// register mode (PG021), as far as a driver of it needs them, and the transfers.
//
//     0x1000_1000 + 0x40 * channel      activations, weights, results, psum_in
//       +0x00  RW  bit 0 run, bit 2 reset
//       +0x04  R   bit 0 halted, bit 1 idle, bit 4 a packet was longer than the length, bit 6 address without memory;
//              W   bit 12, complete: 1 clears it
//       +0x18  RW  address; +0x1c its high word
//       +0x28  RW  bytes; a write begins to move them
//
// A transfer has as many bytes in memory as the next power of two from its own; with the last one TLAST. A move of
// results ends with TLAST, or where its bytes end. What a stream carries while it is not valid is noise.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "bus.h"
#include "held.h"

namespace {

constexpr size_t power_of_two(size_t bytes) {
    size_t power = 1;
    while (power < bytes) power *= 2;
    return power;
}

class DmaChannel {
public:
    static constexpr uint32_t RUN = 1, RESET = 4, HALTED = 1, IDLE = 2, LENGTH_ERROR = 0x10, DECODE_ERROR = 0x40;
    static constexpr uint32_t COMPLETE = 0x1000;

    DmaChannel(size_t bytes, std::vector<uint8_t>& memory) : bytes_(bytes), pitch_(power_of_two(bytes)), memory_(memory) {}

    void write(uint32_t offset, uint32_t word) {
        if (offset == 0x00) {
            if (word & RESET) *this = DmaChannel(bytes_, memory_);
            else control_ = word & RUN;
            if (control_) status_ &= ~HALTED;
        } else if (offset == 0x04) {
            status_ &= ~(word & COMPLETE);
        } else if (offset == 0x18) {
            address_ = word;
        } else if (offset == 0x1c) {
            high_ = word;
        } else if (offset == 0x28) {
            if (status_ & HALTED) return;
            if (left_) fail("a DMA channel is told a length while it moves data");
            if (word % pitch_) fail("a DMA channel is told a length that is not of whole transfers");
            left_ = word;
            status_ &= ~IDLE;
            if (high_ || address_ < MEMORY || address_ - MEMORY + uint64_t(left_) > memory_.size()) stop(DECODE_ERROR);
        }
    }
    uint32_t read(uint32_t offset) const {
        return offset == 0x00 ? control_ : offset == 0x04 ? status_ : offset == 0x18 ? address_ : offset == 0x1c ? high_
             : offset == 0x28 ? left_ : 0;
    }

    bool moving() const { return left_ != 0; }
    bool last() const { return left_ == pitch_; }
    uint8_t* place() { return &memory_[address_ - MEMORY]; }
    size_t pitch() const { return pitch_; }
    void moved() {
        address_ += pitch_;
        left_ -= pitch_;
        if (!left_) end();
    }
    void end() {
        left_ = 0;
        status_ |= COMPLETE | IDLE;
    }
    void stop(uint32_t error) {
        left_ = 0;
        control_ = 0;
        status_ |= error | HALTED;
    }
    DmaChannel& operator=(const DmaChannel& other) {
        control_ = other.control_, status_ = other.status_, address_ = other.address_, high_ = other.high_;
        left_ = other.left_;
        return *this;
    }
    DmaChannel(const DmaChannel&) = default;

private:
    size_t bytes_, pitch_;
    std::vector<uint8_t>& memory_;
    uint32_t control_ = 0, status_ = HALTED, address_ = 0, high_ = 0, left_ = 0;
};

class Mover {
public:
    Mover(Vtop& top, std::vector<uint8_t>& memory) : top_(top), memory_(memory) {}

    bool option(const std::string& key, const std::string& value) {
        if (key == "streams") {
            const auto fields = split(value, STREAMS);
            for (int stream = 0; stream < STREAMS; ++stream) waits_[stream] = number(fields[stream]);
        } else if (key == "streams_seed") {
            seed_ = number(value);
        } else {
            return false;
        }
        return true;
    }
    void reset() {
        random_ = Random(seed_);
        for (auto& channel : channels_) channel.write(0x00, DmaChannel::RESET);
    }
    bool has_register(uint32_t address) const { return address - BASE < STREAMS * SPACING; }
    void write(uint32_t address, uint32_t word) {
        const uint32_t stream = (address - BASE) / SPACING;
        channels_[stream].write(offset(address), word);
        // A reset takes back what is on offer too.
        if (offset(address) == 0x00 && word & DmaChannel::RESET) offered_[stream] = false;
    }
    uint32_t read(uint32_t address) const { return channels_[(address - BASE) / SPACING].read(offset(address)); }

    void drive() {
        top_.s_axis_activations_tvalid = offer<ACTIVATION_BYTES>(ACTIVATIONS, top_.s_axis_activations_tdata);
        top_.s_axis_activations_tlast = offered_[ACTIVATIONS] ? channels_[ACTIVATIONS].last() : random_.word() >> 63;
        top_.s_axis_weights_tvalid = offer<WEIGHT_BYTES>(WEIGHTS, top_.s_axis_weights_tdata);
        top_.s_axis_psum_in_tvalid = offer<SUM_BYTES>(PSUM_IN, top_.s_axis_psum_in_tdata);
        top_.m_axis_results_tready = channels_[RESULTS].moving() && !waits(RESULTS);
    }
    void take() {
        give(ACTIVATIONS, top_.s_axis_activations_tready);
        give(WEIGHTS, top_.s_axis_weights_tready);
        give(PSUM_IN, top_.s_axis_psum_in_tready);
        Words payload;
        append_port(payload, top_.m_axis_results_tdata);
        append(payload, top_.m_axis_results_tlast);
        if (!results_.taken("results", top_.m_axis_results_tvalid, top_.m_axis_results_tready, payload)) return;
        DmaChannel& channel = channels_[RESULTS];
        std::memset(channel.place(), 0, channel.pitch());
        std::memcpy(channel.place(), &top_.m_axis_results_tdata, SUM_BYTES);
        const bool end = channel.last();
        channel.moved();
        if (top_.m_axis_results_tlast) channel.end();
        else if (end) channel.stop(DmaChannel::LENGTH_ERROR);
    }

private:
    enum { ACTIVATIONS, WEIGHTS, RESULTS, PSUM_IN, STREAMS };  // as enum tileloom_systolic_stream
    static constexpr uint32_t BASE = 0x10001000, SPACING = 0x40;

    static uint32_t offset(uint32_t address) { return (address - BASE) % SPACING; }
    bool waits(int stream) { return random_.below_65536() < waits_[stream]; }

    // Put the next transfer of a channel on its port, or noise; whether it is there. It stays until it is taken.
    template <size_t BYTES, typename Port>
    bool offer(int stream, Port& port) {
        if (offered_[stream]) return true;
        std::array<uint8_t, sizeof(Port)> data{};
        offered_[stream] = channels_[stream].moving() && !waits(stream);
        if (offered_[stream]) std::memcpy(data.data(), channels_[stream].place(), BYTES);
        else for (size_t i = 0; i < BYTES; ++i) data[i] = random_.word() >> 56;
        std::memcpy(&port, data.data(), sizeof(Port));
        return offered_[stream];
    }
    void give(int stream, bool ready) {
        if (!offered_[stream] || !ready) return;
        offered_[stream] = false;
        if (channels_[stream].moving()) channels_[stream].moved();
    }

    Vtop& top_;
    std::vector<uint8_t>& memory_;
    std::array<DmaChannel, STREAMS> channels_{DmaChannel(ACTIVATION_BYTES, memory_), DmaChannel(WEIGHT_BYTES, memory_),
                                              DmaChannel(SUM_BYTES, memory_), DmaChannel(SUM_BYTES, memory_)};
    uint64_t waits_[STREAMS] = {}, seed_ = 0;
    bool offered_[STREAMS] = {};
    Held results_;
    Random random_;
};

}  // namespace
