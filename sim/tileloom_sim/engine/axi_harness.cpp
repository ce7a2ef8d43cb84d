// Runs programs on a block-sparse engine with an AXI4 master: the Verilator model, and a memory that waits.
//
//     harness FOLDER [WAVES.vcd]
//
// The folder has
//   plan.bin    little-endian 64-bit words: for each program how many regions its memory has, and how many runs of
//               results, the first descriptor; a byte that memory fails to read or write, and with what response,
//               0 for none; whether it says what is to be done; then a seed, of 65536 how often AR, R, AW, W and B
//               wait a cycle, and after how many cycles the program is given up by a reset before it is begun anew,
//               0 for never
//   regions.bin of each region, then of each run of results, the first address and bytes, ascending
//   memory.bin  what is in each region before each program, one after another
// and gets
//   after.bin   the same, after each
// Programs run after one another. Standard output is, for each, "program CYCLES SKIPPED RESPONSE ADDRESS STATUS...": the
// cycles from the offer on start until status is valid; blocks that the registers say were skipped, 0 without registers;
// of the first error response bits 3:0 of the status that it calls for, 0 for none, and where its burst began; the words
// of status in hexadecimal, the least significant first. With registers, macros REGISTER_NAME, the program goes through
// them, and half of those that are given up are so by a soft reset.
//
// With bit 1 of its seed the memory raises READY only behind VALID, as it may. It answers reads in the order of their
// addresses, as one ID demands; W may come before its AW; a write is answered once all of it is there. What a channel carries while it is not valid, or with an error, is noise.
// These are errors:
// an offer that is not held with its payload; a burst that crosses 4 KiB, is too long, not INCR, not of whole
// beats, or outside of the memory; WLAST at the wrong beat; a byte written outside of the results; a status while
// a burst is under way; anything after it; an offer on AW or a strobe that begins after an error on what says what
// is to be done; no handshake for 100,000 cycles.

#include <algorithm>
#include <array>
#include <deque>

#include "ports.h"
#include "harness.h"
#include "held.h"
#ifdef REGISTER_CONTROL
#include "axi_lite.h"
#endif

namespace {

constexpr int CHANNELS = 5;
enum { AR, R, AW, W, B };
constexpr uint64_t PATIENCE = 100000, PAGE = 4096, INCR = 1;
constexpr size_t DEEPEST = 8;

struct Plan {
    uint64_t regions, runs, start, failing, response, control, seed, waits[CHANNELS], abandoned;
};

// Bytes from an address on.
struct Region {
    uint64_t address, bytes;
    uint64_t first() const { return address; }
};

struct Place {
    Region region;
    uint8_t* content;
    uint64_t first() const { return region.address; }
};

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

void append(Words& words, uint64_t number) {
    words.push_back(static_cast<uint32_t>(number));
    words.push_back(static_cast<uint32_t>(number >> 32));
}

template <typename Port>
void append_port(Words& words, const Port& port) {
    const size_t begin = words.size();
    words.resize(begin + port_words(port));
    std::memcpy(&words[begin], &port, sizeof(port));
}

#ifdef REGISTER_CONTROL
#include "register_host.h"
#else
#include "stream_host.h"
#endif

class Harness {
public:
    Harness(const std::string& folder, const char* waves)
        : plan_(read_file<uint64_t>(folder + "/plan.bin")),
          regions_(read_file<Region>(folder + "/regions.bin")),
          memory_(read_file<uint8_t>(folder + "/memory.bin")),
          after_(folder + "/after.bin") {
        if (plan_.empty() || plan_.size() % (sizeof(Plan) / 8)) fail("plan.bin: not whole programs");
        if (waves) model_.open_waves(waves);
    }

    void run() {
        top_.m_axi_rid = top_.m_axi_bid = 0;
        reset();
        uint8_t* content = memory_.data();
        const Region* region = regions_.data();
        for (size_t number = 0; number < plan_.size() / (sizeof(Plan) / 8); ++number) {
            std::memcpy(&program_, &plan_[number * (sizeof(Plan) / 8)], sizeof(Plan));
            uint64_t bytes = 0;
            places_.clear();
            for (uint64_t i = 0; i < program_.regions; ++i) {
                places_.push_back({region[i], content + bytes});
                bytes += region[i].bytes;
            }
            region += program_.regions;
            runs_.assign(region, region + program_.runs);
            region += program_.runs;
            name_ = "program " + std::to_string(number);
            if (program_.abandoned) {
                const std::vector<uint8_t> before(content, content + bytes);
                const bool whole = run_program(program_.abandoned);
                std::memcpy(content, before.data(), before.size());
                if (!whole) reset();
            }
            run_program(0);
            after_.write(content, bytes);
            content += bytes;
        }
        model_.finish();
        after_.close();
    }

private:
    // The engine and the memory forget what was under way.
    void reset() {
        reads_.clear();
        writes_.clear();
        written_.clear();
        beats_.clear();
        for (Held& each : held_) each = Held();
        read_beat_ = write_beat_ = 0;
        reading_ = answering_ = false;
        host_.reset();
        top_.m_axi_arready = top_.m_axi_rvalid = top_.m_axi_awready = top_.m_axi_wready = top_.m_axi_bvalid = 0;
        model_.reset(2);
    }

    [[noreturn]] void wrong(const std::string& message) { fail(name_ + ": " + message); }

    bool waits(int channel) { return random_.below_65536() < program_.waits[channel]; }

    // What the memory and the host drive before the clock's edge.
    void drive() {
        const bool asked = program_.seed & 2;
        top_.m_axi_arready = (!asked || top_.m_axi_arvalid) && !waits(AR) && reads_.size() < DEEPEST;
        top_.m_axi_awready = (!asked || top_.m_axi_awvalid) && !waits(AW) && writes_.size() < DEEPEST;
        top_.m_axi_wready = (!asked || top_.m_axi_wvalid) && !waits(W) && beats_.size() < DEEPEST * BURST_BEATS;
        if (!reading_) reading_ = !reads_.empty() && !waits(R);
        top_.m_axi_rvalid = reading_;
        const Burst beat{reading_ ? reads_.front().address + uint64_t(read_beat_) * BEAT_BYTES : 0, 1};
        const uint64_t answer = reading_ ? answer_of(beat) : 0;
        if (reading_ && !answer) {
            std::memcpy(&top_.m_axi_rdata, at(beat.address), BEAT_BYTES);
        } else if (!reading_ || fresh_) {
            for (uint8_t& byte : noise_) byte = random_.word() >> 56;
            std::memcpy(&top_.m_axi_rdata, noise_.data(), BEAT_BYTES);
        }
        fresh_ = false;
        top_.m_axi_rresp = reading_ ? answer : random_.word() >> 62;
        top_.m_axi_rlast = reading_ ? read_beat_ + 1 == reads_.front().beats : random_.word() >> 63;
        if (!answering_) answering_ = !written_.empty() && !waits(B);
        top_.m_axi_bvalid = answering_;
        top_.m_axi_bresp = answering_ ? answer_of(written_.front()) : random_.word() >> 62;
    }

    // Memory's response to an access.
    uint64_t answer_of(const Burst& access) const { return access.has(program_.failing) ? program_.response : 0; }

    // Note the first error response, with the bits of status that it calls for.
    void note(const Burst& burst, uint64_t answer, bool write) {
        if (answer && !answered_) {
            answered_ = 1 | write << 1 | answer << 2;
            answered_at_ = burst.address;
        }
    }

    // What is taken at the clock's edge; whether anything is.
    bool take() {
        bool moved = false;
        if ((answered_ && program_.control) || host_.given_up()) {
            if (top_.m_axi_awvalid && !held_[AW].held()) wrong("AW begins after an error on control data, or a soft reset");
            if (top_.m_axi_wvalid && top_.m_axi_wstrb && !held_[W].held())
                wrong("W has a strobe after an error on control data, or a soft reset");
        }
        Words request;
        append(request, top_.m_axi_araddr);
        append(request, top_.m_axi_arlen);
        if (held_[AR].taken("AR", top_.m_axi_arvalid, top_.m_axi_arready, request)) {
            moved = true;
            reads_.push_back(burst("AR", top_.m_axi_araddr, top_.m_axi_arlen, top_.m_axi_arsize, top_.m_axi_arburst));
        }
        if (reading_ && top_.m_axi_rready) {
            moved = true;
            reading_ = false;
            fresh_ = true;
            note(reads_.front(), top_.m_axi_rresp, false);
            if (++read_beat_ == reads_.front().beats) {
                reads_.pop_front();
                read_beat_ = 0;
            }
        }
        request.clear();
        append(request, top_.m_axi_awaddr);
        append(request, top_.m_axi_awlen);
        if (held_[AW].taken("AW", top_.m_axi_awvalid, top_.m_axi_awready, request)) {
            moved = true;
            writes_.push_back(burst("AW", top_.m_axi_awaddr, top_.m_axi_awlen, top_.m_axi_awsize, top_.m_axi_awburst));
        }
        request.clear();
        append_port(request, top_.m_axi_wdata);
        append(request, top_.m_axi_wstrb);
        append(request, top_.m_axi_wlast);
        if (held_[W].taken("W", top_.m_axi_wvalid, top_.m_axi_wready, request)) {
            moved = true;
            Beat beat;
            std::memcpy(beat.data.data(), &top_.m_axi_wdata, BEAT_BYTES);
            beat.strobe = top_.m_axi_wstrb;
            beat.last = top_.m_axi_wlast;
            beats_.push_back(beat);
        }
        if (answering_ && top_.m_axi_bready) {
            moved = true;
            answering_ = false;
            note(written_.front(), top_.m_axi_bresp, true);
            written_.pop_front();
        }
        while (!writes_.empty() && !beats_.empty()) write();
        return moved;
    }

    Burst burst(const char* channel, uint64_t address, unsigned length, unsigned size, unsigned kind) {
        const unsigned beats = length + 1;
        const uint64_t end = address + uint64_t(beats) * BEAT_BYTES;
        const std::string what = std::string(channel) + " " + hex(address) + ", " + std::to_string(beats) + " beats: ";
        if (kind != INCR) wrong(what + "not INCR");
        if (1u << size != BEAT_BYTES || address % BEAT_BYTES) wrong(what + "not of whole beats");
        if (beats > BURST_BEATS) wrong(what + "too many");
        if (address / PAGE != (end - 1) / PAGE) wrong(what + "crosses 4 KiB");
        const Place* place = last_before(places_, address);
        if (!place || end - place->region.address > place->region.bytes) wrong(what + "outside of the memory");
        return {address, beats};
    }

    // The last of the regions or runs that begins at an address or before it, or none.
    template <typename Item>
    static const Item* last_before(const std::vector<Item>& items, uint64_t address) {
        const auto behind = [](uint64_t address, const Item& item) { return address < item.first(); };
        const auto next = std::upper_bound(items.begin(), items.end(), address, behind);
        return next == items.begin() ? nullptr : &*(next - 1);
    }

    // Where a byte of the memory is.
    uint8_t* at(uint64_t address) {
        const Place* place = last_before(places_, address);
        return place->content + (address - place->region.address);
    }

    bool of_results(uint64_t address) {
        const Region* run = last_before(runs_, address);
        return run && address - run->address < run->bytes;
    }

    // The next beat of the next burst.
    void write() {
        const Burst& burst = writes_.front();
        const Beat& beat = beats_.front();
        const uint64_t address = burst.address + uint64_t(write_beat_) * BEAT_BYTES;
        const bool last = ++write_beat_ == burst.beats;
        if (beat.last != last) wrong("W for " + hex(address) + ": WLAST is wrong");
        for (unsigned byte = 0; byte < BEAT_BYTES; ++byte) {
            if (!(beat.strobe >> byte & 1)) continue;
            if (!of_results(address + byte))
                wrong("W writes " + hex(address + byte) + ", which is not of the results");
            *at(address + byte) = beat.data[byte];
        }
        beats_.pop_front();
        if (last) {
            written_.push_back(burst);
            writes_.pop_front();
            write_beat_ = 0;
        }
    }

    bool at_rest() { return reads_.empty() && writes_.empty() && beats_.empty() && written_.empty() && !answering_; }

    // Run a program to its status, or give it up after so many cycles, 0 for never; whether it came to its end,
    // by itself or by a soft reset.
    bool run_program(uint64_t abandoned) {
        random_ = Random(program_.seed);
        answered_ = answered_at_ = 0;
        fresh_ = true;
        host_.begin(program_.start, program_.seed);
        bool giving_up = false;
        for (uint64_t still = 0; !host_.done();) {
            if (abandoned && host_.since_start() >= abandoned && !giving_up) {
                giving_up = host_.give_up();
                if (!giving_up) return false;
            }
            drive();
            host_.drive([this](int channel) { return waits(channel); });
            model_.clock(0);
            bool moved = take();
            try {
                moved |= host_.take(at_rest());
            } catch (const std::string& message) {
                wrong(message);
            }
            if (host_.done() && !abandoned) {
                std::printf("program %llu %llu %llu %llu", static_cast<unsigned long long>(host_.cycles()),
                            static_cast<unsigned long long>(host_.skipped()),
                            static_cast<unsigned long long>(answered_), static_cast<unsigned long long>(answered_at_));
                for (uint32_t word : host_.status()) std::printf(" %08x", word);
                std::printf("\n");
            }
            still = moved ? 0 : still + 1;
            if (still > PATIENCE) wrong("the engine stands still");
            model_.clock(1);
        }
        rest();
        return giving_up;
    }

    // Nothing may come after the status.
    void rest() {
        for (int i = 0; i < 32; ++i) {
            drive();
            host_.rest();
            model_.clock(0);
            if (take() || top_.m_axi_arvalid || top_.m_axi_awvalid || top_.m_axi_wvalid || !host_.quiet())
                wrong("something comes after the status");
            model_.clock(1);
        }
    }

    Model model_;
    Vtop& top_ = model_.top;
    std::vector<uint64_t> plan_;
    std::vector<Region> regions_, runs_;
    std::vector<Place> places_;
    std::vector<uint8_t> memory_;
    Output after_;
    Plan program_{};
    std::string name_;
    Random random_;
    std::array<Held, CHANNELS> held_;
    Host host_{top_};
    std::deque<Burst> reads_, writes_, written_;
    std::deque<Beat> beats_;
    std::array<uint8_t, BEAT_BYTES> noise_{};
    unsigned read_beat_ = 0, write_beat_ = 0;
    uint64_t answered_ = 0, answered_at_ = 0;
    bool reading_ = false, answering_ = false, fresh_ = true;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) fail("usage: harness FOLDER [WAVES.vcd]");
    Harness harness(argv[1], argc > 2 ? argv[2] : nullptr);
    harness.run();
    return 0;
}
