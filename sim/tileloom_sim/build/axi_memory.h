// The memory at an AXI4 master, ports m_axi_..., that sees to the protocol: what harnesses of such masters share.
//
// Before it is included, macros BEAT_BYTES and BURST_BEATS say what the master is. It answers reads in the order of
// their addresses, as one ID demands; W may come before its AW; a write is answered once all of it is there. What a
// channel carries while it is not valid, or with an error, is noise. These are errors: an offer that is not held with
// its payload; a burst that crosses 4 KiB, is too long, not INCR, not of whole beats; WLAST at the wrong beat.
#pragma once
#include <array>
#include <deque>

#include "harness.h"
#include "held.h"

constexpr int CHANNELS = 5;
enum { AR, R, AW, W, B };
constexpr uint64_t PAGE = 4096, INCR = 1;
constexpr size_t DEEPEST = 8;

struct Burst {
    uint64_t address;
    unsigned beats;

    bool has(uint64_t byte) const { return byte - address < uint64_t(beats) * BEAT_BYTES; }
};

struct Beat {
    std::array<uint8_t, BEAT_BYTES> data;
    uint64_t strobe;
    bool last;
};

// What the harness says of the memory.
class AxiSurroundings {
public:
    virtual ~AxiSurroundings() = default;
    // Whether a channel waits in this cycle.
    virtual bool waits(int channel) = 0;
    // Whether READY comes only behind VALID, as it may.
    virtual bool ready_behind_valid() const { return false; }
    // The response to a beat that is read, or a burst that was written; 0 is OKAY.
    virtual uint64_t answer_of(const Burst& access) = 0;
    // The byte at an address; null where nothing is, and an error is answered.
    virtual uint8_t* at(uint64_t address) = 0;
    // A burst as it is asked for, a byte as it is written.
    virtual void see_burst(const Burst&, const std::string&) {}
    virtual void see_write(uint64_t) {}
    // Whether no burst may begin on AW, and no strobe on W.
    virtual bool may_not_write() { return false; }
    [[noreturn]] virtual void wrong(const std::string& message) { fail(message); }
};

class AxiMemory {
public:
    AxiMemory(Vtop& top, AxiSurroundings& around) : bus_(top), around_(around) {}

    // Forget what was under way.
    void reset() {
        reads_.clear();
        writes_.clear();
        written_.clear();
        beats_.clear();
        for (Held& each : held_) each = Held();
        read_beat_ = write_beat_ = 0;
        reading_ = answering_ = false;
        bus_.m_axi_rid = bus_.m_axi_bid = 0;
        bus_.m_axi_arready = bus_.m_axi_rvalid = bus_.m_axi_awready = bus_.m_axi_wready = bus_.m_axi_bvalid = 0;
    }

    // What the memory drives before the clock's edge.
    void drive() {
        const bool asked = around_.ready_behind_valid();
        bus_.m_axi_arready = (!asked || bus_.m_axi_arvalid) && !around_.waits(AR) && reads_.size() < DEEPEST;
        bus_.m_axi_awready = (!asked || bus_.m_axi_awvalid) && !around_.waits(AW) && writes_.size() < DEEPEST;
        bus_.m_axi_wready = (!asked || bus_.m_axi_wvalid) && !around_.waits(W) && beats_.size() < DEEPEST * BURST_BEATS;
        if (!reading_) reading_ = !reads_.empty() && !around_.waits(R);
        bus_.m_axi_rvalid = reading_;
        const Burst beat{reading_ ? reads_.front().address + uint64_t(read_beat_) * BEAT_BYTES : 0, 1};
        const uint64_t answer = reading_ ? around_.answer_of(beat) : 0;
        if (reading_ && !answer) {
            std::memcpy(&bus_.m_axi_rdata, around_.at(beat.address), BEAT_BYTES);
        } else if (!reading_ || fresh_) {
            for (uint8_t& byte : noise_) byte = random_.word() >> 56;
            std::memcpy(&bus_.m_axi_rdata, noise_.data(), BEAT_BYTES);
        }
        fresh_ = false;
        bus_.m_axi_rresp = reading_ ? answer : random_.word() >> 62;
        bus_.m_axi_rlast = reading_ ? read_beat_ + 1 == reads_.front().beats : random_.word() >> 63;
        if (!answering_) answering_ = !written_.empty() && !around_.waits(B);
        bus_.m_axi_bvalid = answering_;
        bus_.m_axi_bresp = answering_ ? around_.answer_of(written_.front()) : random_.word() >> 62;
    }

    // What is taken at the clock's edge; whether anything is.
    bool take() {
        bool moved = false;
        if (around_.may_not_write()) {
            if (bus_.m_axi_awvalid && !held_[AW].held()) around_.wrong("AW begins after an error on control data, or a soft reset");
            if (bus_.m_axi_wvalid && bus_.m_axi_wstrb && !held_[W].held())
                around_.wrong("W has a strobe after an error on control data, or a soft reset");
        }
        Words request;
        append(request, bus_.m_axi_araddr);
        append(request, bus_.m_axi_arlen);
        if (held_[AR].taken("AR", bus_.m_axi_arvalid, bus_.m_axi_arready, request)) {
            moved = true;
            reads_.push_back(burst("AR", bus_.m_axi_araddr, bus_.m_axi_arlen, bus_.m_axi_arsize, bus_.m_axi_arburst));
        }
        if (reading_ && bus_.m_axi_rready) {
            moved = true;
            reading_ = false;
            fresh_ = true;
            note(reads_.front(), bus_.m_axi_rresp, false);
            if (++read_beat_ == reads_.front().beats) {
                reads_.pop_front();
                read_beat_ = 0;
            }
        }
        request.clear();
        append(request, bus_.m_axi_awaddr);
        append(request, bus_.m_axi_awlen);
        if (held_[AW].taken("AW", bus_.m_axi_awvalid, bus_.m_axi_awready, request)) {
            moved = true;
            writes_.push_back(burst("AW", bus_.m_axi_awaddr, bus_.m_axi_awlen, bus_.m_axi_awsize, bus_.m_axi_awburst));
        }
        request.clear();
        append_port(request, bus_.m_axi_wdata);
        append(request, bus_.m_axi_wstrb);
        append(request, bus_.m_axi_wlast);
        if (held_[W].taken("W", bus_.m_axi_wvalid, bus_.m_axi_wready, request)) {
            moved = true;
            Beat beat;
            std::memcpy(beat.data.data(), &bus_.m_axi_wdata, BEAT_BYTES);
            beat.strobe = bus_.m_axi_wstrb;
            beat.last = bus_.m_axi_wlast;
            beats_.push_back(beat);
        }
        if (answering_ && bus_.m_axi_bready) {
            moved = true;
            answering_ = false;
            note(written_.front(), bus_.m_axi_bresp, true);
            written_.pop_front();
        }
        while (!writes_.empty() && !beats_.empty()) write();
        return moved;
    }

    bool at_rest() const {
        return reads_.empty() && writes_.empty() && beats_.empty() && written_.empty() && !answering_;
    }

    // Begin anew: the same seed gives the same waits and noise.
    void begin(uint64_t seed) {
        random_ = Random(seed);
        answered_ = answered_at_ = 0;
        fresh_ = true;
    }
    // Of the first error response the bits of a program's status, 0 for none, and where its burst began.
    uint64_t answered() const { return answered_; }
    uint64_t answered_at() const { return answered_at_; }

    Random& random() { return random_; }

private:
    void note(const Burst& burst, uint64_t answer, bool write) {
        if (answer && !answered_) {
            answered_ = 1 | write << 1 | answer << 2;
            answered_at_ = burst.address;
        }
    }

    Burst burst(const char* channel, uint64_t address, unsigned length, unsigned size, unsigned kind) {
        const Burst found{address, length + 1};
        const uint64_t end = address + uint64_t(found.beats) * BEAT_BYTES;
        const std::string what = std::string(channel) + " " + hex(address) + ", " + std::to_string(found.beats) + " beats: ";
        if (kind != INCR) around_.wrong(what + "not INCR");
        if (1u << size != BEAT_BYTES || address % BEAT_BYTES) around_.wrong(what + "not of whole beats");
        if (found.beats > BURST_BEATS) around_.wrong(what + "too many");
        if (address / PAGE != (end - 1) / PAGE) around_.wrong(what + "crosses 4 KiB");
        around_.see_burst(found, what);
        return found;
    }

    // The next beat of the next burst.
    void write() {
        const Burst& burst = writes_.front();
        const Beat& beat = beats_.front();
        const uint64_t address = burst.address + uint64_t(write_beat_) * BEAT_BYTES;
        const bool last = ++write_beat_ == burst.beats;
        if (beat.last != last) around_.wrong("W for " + hex(address) + ": WLAST is wrong");
        for (unsigned byte = 0; byte < BEAT_BYTES; ++byte) {
            if (!(beat.strobe >> byte & 1)) continue;
            around_.see_write(address + byte);
            if (uint8_t* place = around_.at(address + byte)) *place = beat.data[byte];
        }
        beats_.pop_front();
        if (last) {
            written_.push_back(burst);
            writes_.pop_front();
            write_beat_ = 0;
        }
    }

    Vtop& bus_;
    AxiSurroundings& around_;
    Random random_;
    std::array<Held, CHANNELS> held_;
    std::deque<Burst> reads_, writes_, written_;
    std::deque<Beat> beats_;
    std::array<uint8_t, BEAT_BYTES> noise_{};
    unsigned read_beat_ = 0, write_beat_ = 0;
    uint64_t answered_ = 0, answered_at_ = 0;
    bool reading_ = false, answering_ = false, fresh_ = true;
};
