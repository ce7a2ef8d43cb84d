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
// With bit 1 of its seed the memory raises READY only behind VALID, as it may; axi_memory.h has what else it does and
// which mistakes end the run. So do: a burst outside of the memory; a byte written outside of the results; a status while
// a burst is under way; anything after it; an offer on AW or a strobe that begins after an error on what says what
// is to be done; no handshake for 100,000 cycles.

#include <algorithm>

#include "ports.h"
#include "harness.h"
#include "axi_memory.h"
#ifdef REGISTER_CONTROL
#include "axi_lite.h"
#endif

namespace {

constexpr uint64_t PATIENCE = 100000;

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

#ifdef REGISTER_CONTROL
#include "register_host.h"
#else
#include "stream_host.h"
#endif

class Harness : private AxiSurroundings {
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
        axi_.reset();
        host_.reset();
        model_.reset(2);
    }

    [[noreturn]] void wrong(const std::string& message) override { fail(name_ + ": " + message); }

    bool waits(int channel) override { return axi_.random().below_65536() < program_.waits[channel]; }
    bool ready_behind_valid() const override { return program_.seed & 2; }
    uint64_t answer_of(const Burst& access) override { return access.has(program_.failing) ? program_.response : 0; }
    bool may_not_write() override { return (axi_.answered() && program_.control) || host_.given_up(); }
    void see_burst(const Burst& burst, const std::string& what) override {
        const Place* place = last_before(places_, burst.address);
        const uint64_t end = burst.address + uint64_t(burst.beats) * BEAT_BYTES;
        if (!place || end - place->region.address > place->region.bytes) wrong(what + "outside of the memory");
    }
    void see_write(uint64_t address) override {
        const Region* run = last_before(runs_, address);
        if (!run || address - run->address >= run->bytes)
            wrong("W writes " + hex(address) + ", which is not of the results");
    }
    uint8_t* at(uint64_t address) override {
        const Place* place = last_before(places_, address);
        return place->content + (address - place->region.address);
    }

    // The last of the regions or runs that begins at an address or before it, or none.
    template <typename Item>
    static const Item* last_before(const std::vector<Item>& items, uint64_t address) {
        const auto behind = [](uint64_t address, const Item& item) { return address < item.first(); };
        const auto next = std::upper_bound(items.begin(), items.end(), address, behind);
        return next == items.begin() ? nullptr : &*(next - 1);
    }

    // Run a program to its status, or give it up after so many cycles, 0 for never; whether it came to its end,
    // by itself or by a soft reset.
    bool run_program(uint64_t abandoned) {
        axi_.begin(program_.seed);
        host_.begin(program_.start, program_.seed);
        bool giving_up = false;
        for (uint64_t still = 0; !host_.done();) {
            if (abandoned && host_.since_start() >= abandoned && !giving_up) {
                giving_up = host_.give_up();
                if (!giving_up) return false;
            }
            axi_.drive();
            host_.drive([this](int channel) { return waits(channel); });
            model_.clock(0);
            bool moved = axi_.take();
            try {
                moved |= host_.take(axi_.at_rest());
            } catch (const std::string& message) {
                wrong(message);
            }
            if (host_.done() && !abandoned) {
                std::printf("program %llu %llu %llu %llu", static_cast<unsigned long long>(host_.cycles()),
                            static_cast<unsigned long long>(host_.skipped()),
                            static_cast<unsigned long long>(axi_.answered()),
                            static_cast<unsigned long long>(axi_.answered_at()));
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
            axi_.drive();
            host_.rest();
            model_.clock(0);
            if (axi_.take() || top_.m_axi_arvalid || top_.m_axi_awvalid || top_.m_axi_wvalid || !host_.quiet())
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
    AxiMemory axi_{top_, *this};
    Host host_{top_};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) fail("usage: harness FOLDER [WAVES.vcd]");
    Harness harness(argv[1], argc > 2 ? argv[2] : nullptr);
    harness.run();
    return 0;
}
