// Runs layers on a block-sparse engine: the Verilator model, its streams fed from files, no Python in the loop.
//
//     harness FOLDER [WAVES.vcd]
//
// The folder has
//   plan.bin     little-endian 64-bit words: for each layer the transfers of commands, index, weights,
//                activations and results; then a seed, of 65536 how often each of those five waits a cycle, and after
//                how many cycles the layer is given up by a reset before it is begun anew, 0 for never
//   NAME.bin     for each of the first four streams, the transfers of all layers after one another, each
//                in as many little-endian 32-bit words as it fills
// and gets
//   results.bin  for each transfer its words, and one more: 1 if it is a packet's last
// Layers run after one another; between two the engine comes to rest. Standard output is, for each layer,
// "layer NUMBER FIRST LAST FAULT MOVED...": the cycles from its first command's offer until its first and its last
// result are taken; the transfers of each of the five streams before the reset that gave it up, 0 without one. A
// layer that stands still for 100,000 cycles, a transfer that is left, an offer that is not held, an engine that
// stays busy and one that is not while activations of a LOAD are to come are errors.

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "ports.h"
#include "harness.h"

namespace {

constexpr int INPUTS = 4, STREAMS = 5, RESULTS = 4;
const char* const NAMES[STREAMS] = {"commands", "index", "weights", "activations", "results"};
constexpr int PLAN = 2 * STREAMS + 2, SEED = STREAMS, WAITS = STREAMS + 1, ABANDONED = 2 * STREAMS + 1;
constexpr uint64_t PATIENCE = 100000;
constexpr uint32_t LOAD = 1;

// xorshift64*: the same waits for the same seed, wherever it runs.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
    uint32_t below_65536() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return (state_ * 0x2545F4914F6CDD1DULL) >> 48;
    }

private:
    uint64_t state_;
};

// One input stream: what is still to be sent, and whether it is on offer. An offer stays until taken.
struct Source {
    Words words;
    size_t at = 0, left = 0;
    uint64_t waits = 0;
    bool offered = false;

    template <typename Port>
    void offer(Port& data, CData& valid, Random& random) {
        if (!offered) offered = left > 0 && random.below_65536() >= waits;
        valid = offered;
        if (offered) set_port(data, &words[at]);
    }

    template <typename Port>
    bool taken(const Port& data, bool ready) {
        if (!offered || !ready) return false;
        offered = false;
        at += port_words(data);
        --left;
        return true;
    }
};

class Harness {
public:
    Harness(const std::string& folder, const char* waves)
        : plan_(read_file<uint64_t>(folder + "/plan.bin")), results_(folder + "/results.bin") {
        if (plan_.empty() || plan_.size() % PLAN) fail("plan.bin: not whole layers");
        for (int i = 0; i < INPUTS; ++i) sources_[i].words = read_file<uint32_t>(folder + "/" + NAMES[i] + ".bin");
        if (waves) model_.open_waves(waves);
    }

    void run() {
        reset();
        for (size_t layer = 0; layer < plan_.size() / PLAN; ++layer) run_layer(layer);
        model_.finish();
        results_.close();
    }

private:
    void reset() {
        for (int i = 0; i < INPUTS; ++i) sources_[i].offered = false;
        held_ = false;
        loading_ = 0;
        Random random(0);
        offer(random);
        top_.RESULTS_READY = 0;
        model_.reset(2);
    }

    // A cycle: every stream waits at random, what is offered is offered until taken.
    struct Moved {
        bool in, out;
    };
    Moved step(const uint64_t* plan, Random& random, bool keep) {
        offer(random);
        top_.RESULTS_READY = random.below_65536() >= plan[WAITS + RESULTS];
        model_.clock(0);
        if (loading_ && !top_.busy) fail("the engine is not busy while it loads");
        const Moved moved{take_inputs(), take_result(keep)};
        model_.clock(1);
        return moved;
    }

    // Begin a layer and give it up: nothing of it may be left after the reset.
    void abandon(const uint64_t* plan, Random& random) {
        const std::array<Source, INPUTS> before = sources_;
        uint64_t left = plan[RESULTS];
        for (uint64_t cycle = 0; cycle < plan[ABANDONED] && left; ++cycle) left -= step(plan, random, false).out;
        for (int i = 0; i < INPUTS; ++i) {
            moved_[i] = before[i].left - sources_[i].left;
            sources_[i].at = before[i].at;
            sources_[i].left = 0;
        }
        moved_[RESULTS] = plan[RESULTS] - left;
        reset();
        for (int i = 0; i < INPUTS; ++i) sources_[i].left = before[i].left;
    }

    void offer(Random& random) {
        sources_[0].offer(top_.COMMANDS_DATA, top_.COMMANDS_VALID, random);
        sources_[1].offer(top_.INDEX_DATA, top_.INDEX_VALID, random);
        sources_[2].offer(top_.WEIGHTS_DATA, top_.WEIGHTS_VALID, random);
        sources_[3].offer(top_.ACTIVATIONS_DATA, top_.ACTIVATIONS_VALID, random);
    }

    // Activations that a command takes: of a LOAD iterations x blocks x rows x width, slots 1 to 4 of 16 bits.
    static uint64_t units(const uint32_t* command) {
        if ((command[0] & 3) != LOAD) return 0;
        return uint64_t(command[0] >> 16) * (command[1] & 0xffff) * (command[1] >> 16) * (command[2] & 0xffff);
    }

    bool take_inputs() {
        if (sources_[0].offered && top_.COMMANDS_READY) loading_ += units(&sources_[0].words[sources_[0].at]);
        if (sources_[3].offered && top_.ACTIVATIONS_READY) --loading_;
        bool moved = sources_[0].taken(top_.COMMANDS_DATA, top_.COMMANDS_READY);
        moved |= sources_[1].taken(top_.INDEX_DATA, top_.INDEX_READY);
        moved |= sources_[2].taken(top_.WEIGHTS_DATA, top_.WEIGHTS_READY);
        moved |= sources_[3].taken(top_.ACTIVATIONS_DATA, top_.ACTIVATIONS_READY);
        return moved;
    }

    // Look at the result on offer; whether it is taken in this cycle.
    bool take_result(bool keep) {
        Words word(port_words(top_.RESULTS_DATA) + 1);
        get_port(top_.RESULTS_DATA, word.data());
        word.back() = top_.RESULTS_LAST;
        if (held_ && (!top_.RESULTS_VALID || word != shown_)) fail("results: an offer was not held");
        const bool taken = top_.RESULTS_VALID && top_.RESULTS_READY;
        held_ = top_.RESULTS_VALID && !taken;
        shown_ = word;
        if (taken && keep) results_.write(word.data(), word.size());
        return taken;
    }

    void run_layer(size_t layer) {
        const uint64_t* plan = &plan_[layer * PLAN];
        Random random(plan[SEED]);
        for (int i = 0; i < INPUTS; ++i) {
            sources_[i].left = plan[i];
            sources_[i].waits = plan[WAITS + i];
        }
        moved_.fill(0);
        if (plan[ABANDONED]) abandon(plan, random);
        const std::string name = "layer " + std::to_string(layer);
        uint64_t left = plan[RESULTS], cycle = 0, first = 0, last = 0, still = 0;
        while (left) {
            ++cycle;
            const Moved moved = step(plan, random, true);
            if (moved.out) {
                --left;
                last = cycle;
                if (!first) first = cycle;
            }
            still = moved.in || moved.out ? 0 : still + 1;
            if (still > PATIENCE)
                fail(name + ": the engine stands still with " + std::to_string(left) + " results to come");
        }
        rest(name);
        std::printf("%s %llu %llu %u", name.c_str(), static_cast<unsigned long long>(first),
                    static_cast<unsigned long long>(last), static_cast<unsigned>(top_.fault));
        for (const uint64_t moved : moved_) std::printf(" %llu", static_cast<unsigned long long>(moved));
        std::printf("\n");
    }

    // Nothing may be left, come or stay busy.
    void rest(const std::string& layer) {
        Random random(0);
        for (int i = 0; i < 32; ++i) {
            offer(random);
            top_.RESULTS_READY = 1;
            model_.clock(0);
            take_inputs();
            if (top_.RESULTS_VALID) fail(layer + ": more results than expected");
            model_.clock(1);
        }
        for (int i = 0; i < INPUTS; ++i)
            if (sources_[i].left)
                fail(layer + ": " + std::to_string(sources_[i].left) + " transfers of " + NAMES[i] + " are left");
        if (top_.busy) fail(layer + ": the engine stays busy");
    }

    Model model_;
    Vtop& top_ = model_.top;
    std::vector<uint64_t> plan_;
    std::array<Source, INPUTS> sources_;
    Output results_;
    Words shown_;
    std::array<uint64_t, STREAMS> moved_{};
    bool held_ = false;
    uint64_t loading_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) fail("usage: harness FOLDER [WAVES.vcd]");
    Harness harness(argv[1], argc > 2 ? argv[2] : nullptr);
    harness.run();
    return 0;
}
