// Runs layers on block-sparse engines: the Verilator model, its streams fed from files, no Python in the loop.
//
//     harness FOLDER [WAVES.vcd]
//
// ports.h says which streams there are: INPUTS, OUTPUTS and their numbers; GRID_ROWS and GRID_COLUMNS, both 1 for one
// engine. The folder has
//   plan.bin     little-endian 64-bit words: for each layer the transfers of each stream, inputs first; then a seed,
//                of 65536 how often each stream waits a cycle, and after how many cycles the layer is given up by a
//                reset before it is begun anew, 0 for never
//   NUMBER.bin   for each input, the transfers of all layers after one another, each in as many little-endian 32-bit
//                words as it fills
// and gets
//   NUMBER.bin   for each output, numbered on, for each transfer its words, and one more: 1 if it is a packet's last,
//                and from bit 1 on the packet's id
// Layers run after one another; between two all comes to rest. Standard output is, for each layer,
// "layer NUMBER FIRST LAST FAULT MOVED...": the cycles from its first command's offer until its first and its last
// result are taken; the transfers of each stream before the reset that gave it up, 0 without one. A layer that stands
// still for 100,000 cycles, a transfer that is left, an offer that is not held, an engine that stays busy and one that
// is not while activations of a LOAD are to come are errors.

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "ports.h"
#include "harness.h"

namespace {

constexpr int STREAMS = INPUT_STREAMS + OUTPUT_STREAMS;
constexpr int PLAN = 2 * STREAMS + 2, SEED = STREAMS, WAITS = STREAMS + 1, ABANDONED = 2 * STREAMS + 1;
constexpr int ACTIVATIONS = 1 + 2 * GRID_ROWS;
constexpr uint64_t PATIENCE = 100000;
constexpr uint32_t TILE = 0, LOAD = 1;

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

// One output stream: how many transfers are still to come, where they are kept, and what is on offer.
struct Sink {
    std::unique_ptr<Output> file;
    Words shown;
    size_t left = 0;
    uint64_t waits = 0;
    bool held = false;

    // Look at the transfer on offer; whether it is taken in this cycle.
    template <typename Port>
    bool taken(const Port& data, bool last, unsigned id, bool valid, bool ready, bool keep) {
        Words word(port_words(data) + 1);
        get_port(data, word.data());
        word.back() = last | id << 1;
        if (held && (!valid || word != shown)) fail("results: an offer was not held");
        held = valid && !ready;
        shown = word;
        if (!valid || !ready) return false;
        if (keep && !left) fail("more results than expected");
        if (left) --left;
        if (keep) file->write(word.data(), word.size());
        return true;
    }
};

// The name of a port, which is a macro itself.
#define TEXT(name) #name
#define NAME(port) TEXT(port)

#if GRID_ROWS > 1
#define ID(stream) top_.stream##_ID
#else
#define ID(stream) 0
#endif

class Harness {
public:
    Harness(const std::string& folder, const char* waves) : plan_(read_file<uint64_t>(folder + "/plan.bin")) {
        if (plan_.empty() || plan_.size() % PLAN) fail("plan.bin: not whole layers");
        for (int i = 0; i < STREAMS; ++i) {
            const std::string path = folder + "/" + std::to_string(i) + ".bin";
            if (i < INPUT_STREAMS)
                sources_[i].words = read_file<uint32_t>(path);
            else
                sinks_[i - INPUT_STREAMS].file = std::make_unique<Output>(path);
        }
        if (waves) model_.open_waves(waves);
    }

    void run() {
        reset();
        for (size_t layer = 0; layer < plan_.size() / PLAN; ++layer) run_layer(layer);
        model_.finish();
        for (Sink& sink : sinks_) sink.file->close();
    }

private:
    void reset() {
        for (Source& source : sources_) source.offered = false;
        for (Sink& sink : sinks_) sink.held = false;
        loading_.fill(0);
        Random random(0);
        offer(random);
#define REFUSE(stream) top_.stream##_READY = 0;
        OUTPUTS(REFUSE)
        model_.reset(2);
    }

    // A cycle: every stream waits at random, what is offered is offered until taken.
    struct Moved {
        bool in, out;
    };
    Moved step(Random& random, bool keep) {
        offer(random);
        int i = 0;
#define ACCEPT(stream) top_.stream##_READY = random.below_65536() >= sinks_[i++].waits;
        OUTPUTS(ACCEPT)
        model_.clock(0);
        for (const uint64_t loading : loading_)
            if (loading && !top_.busy) fail("the engine is not busy while it loads");
        const Moved moved{take_inputs(), take_results(keep)};
        model_.clock(1);
        return moved;
    }

    // Begin a layer and give it up: nothing of it may be left after the reset.
    void abandon(const uint64_t* plan, Random& random) {
        const std::array<Source, INPUT_STREAMS> before = sources_;
        for (uint64_t cycle = 0; cycle < plan[ABANDONED] && left(); ++cycle) step(random, false);
        for (int i = 0; i < INPUT_STREAMS; ++i) {
            moved_[i] = before[i].left - sources_[i].left;
            sources_[i].at = before[i].at;
            sources_[i].left = 0;
        }
        for (int i = 0; i < OUTPUT_STREAMS; ++i) {
            moved_[INPUT_STREAMS + i] = plan[INPUT_STREAMS + i] - sinks_[i].left;
            sinks_[i].left = plan[INPUT_STREAMS + i];
        }
        reset();
        for (int i = 0; i < INPUT_STREAMS; ++i) sources_[i].left = before[i].left;
    }

    uint64_t left() const {
        return std::accumulate(sinks_.begin(), sinks_.end(), uint64_t(0),
                               [](uint64_t sum, const Sink& sink) { return sum + sink.left; });
    }

    void offer(Random& random) {
        int i = 0;
#define OFFER(stream) sources_[i++].offer(top_.stream##_DATA, top_.stream##_VALID, random);
        INPUTS(OFFER)
    }

    // Activations that a command takes from outside: of a LOAD iterations x blocks x rows x width, slots 1 to 4 of 16
    // bits, and where there are memory tiles not of LOADs but of theirs, iterations x units; in a grid for each column
    // whose bit is set in slot 11.
    void expect_activations(const uint32_t* command) {
        if ((command[0] & 3) != (GRID_TILES ? TILE : LOAD)) return;
        const uint64_t iterations = command[0] >> 16, blocks = command[1] & 0xffff;
        const uint64_t rows = command[1] >> 16, width = command[2] & 0xffff;
        const uint64_t units = iterations * (GRID_TILES ? rows | width << 16 : blocks * rows * width);
        for (int column = 0; column < GRID_COLUMNS; ++column)
            if (GRID_ROWS * GRID_COLUMNS == 1 || command[5] >> (16 + column) & 1) loading_[column] += units;
    }

    bool take_inputs() {
        if (sources_[0].offered && top_.COMMANDS_READY) expect_activations(&sources_[0].words[sources_[0].at]);
        int i = 0;
        bool moved = false;
#define TAKE(stream)                                                                                 \
    {                                                                                                \
        const bool taken = sources_[i].taken(top_.stream##_DATA, top_.stream##_READY);               \
        if (taken && i >= ACTIVATIONS) --loading_[i - ACTIVATIONS];                                  \
        moved |= taken;                                                                              \
        ++i;                                                                                         \
    }
        INPUTS(TAKE)
        return moved;
    }

    bool take_results(bool keep) {
        int i = 0;
        bool moved = false;
#define GIVE(stream)                                                                                          \
    moved |= sinks_[i++].taken(top_.stream##_DATA, top_.stream##_LAST, ID(stream), top_.stream##_VALID,       \
                               top_.stream##_READY, keep);
        OUTPUTS(GIVE)
        return moved;
    }

    void run_layer(size_t layer) {
        const uint64_t* plan = &plan_[layer * PLAN];
        Random random(plan[SEED]);
        for (int i = 0; i < INPUT_STREAMS; ++i) {
            sources_[i].left = plan[i];
            sources_[i].waits = plan[WAITS + i];
        }
        for (int i = 0; i < OUTPUT_STREAMS; ++i) {
            sinks_[i].left = plan[INPUT_STREAMS + i];
            sinks_[i].waits = plan[WAITS + INPUT_STREAMS + i];
        }
        moved_.fill(0);
        if (plan[ABANDONED]) abandon(plan, random);
        const std::string name = "layer " + std::to_string(layer);
        uint64_t cycle = 0, first = 0, last = 0, still = 0;
        while (left()) {
            ++cycle;
            const Moved moved = step(random, true);
            if (moved.out) {
                last = cycle;
                if (!first) first = cycle;
            }
            still = moved.in || moved.out ? 0 : still + 1;
            if (still > PATIENCE)
                fail(name + ": the engine stands still with " + std::to_string(left()) + " results to come");
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
#define ALLOW(stream) top_.stream##_READY = 1;
            OUTPUTS(ALLOW)
            model_.clock(0);
            take_inputs();
#define REST(stream) \
    if (top_.stream##_VALID) fail(layer + ": more results than expected");
            OUTPUTS(REST)
            model_.clock(1);
        }
        int i = 0;
#define USED(stream)                                                                                          \
    if (const size_t left = sources_[i++].left)                                                               \
        fail(layer + ": " + std::to_string(left) + " transfers of " NAME(stream##_DATA) " are left");
        INPUTS(USED)
        if (top_.busy) fail(layer + ": the engine stays busy");
    }

    Model model_;
    Vtop& top_ = model_.top;
    std::vector<uint64_t> plan_;
    std::array<Source, INPUT_STREAMS> sources_;
    std::array<Sink, OUTPUT_STREAMS> sinks_;
    std::array<uint64_t, STREAMS> moved_{};
    std::array<uint64_t, GRID_COLUMNS> loading_{};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) fail("usage: harness FOLDER [WAVES.vcd]");
    Harness harness(argv[1], argc > 2 ? argv[2] : nullptr);
    harness.run();
    return 0;
}
