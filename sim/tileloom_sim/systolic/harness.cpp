// Multiplies matrices on a systolic array: the Verilator model, fed from files, no Python in the loop.
//
//     harness FOLDER [WAVES.vcd]
//
// The folder has, all little-endian 32-bit words:
//   tiles.bin        number of vectors; then k and n of each tile to compute, column by column, in order
//                    of k
//   weights.bin      WEIGHT_BEATS beats for each of those tiles
//   activations.bin  for each k tile, all vectors, ACTIVATION_BEATS beats each
// and gets
//   results.bin      with psum_in: for each column of tiles, all vectors; without: the same for each tile.
//
// The macros come from ports.h, which is generated from the array's manifest. Standard output is a line
// "progress CYCLES VECTORS" now and then, and "done CYCLES" at the end.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "Vtop.h"
#include "ports.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

using Words = std::vector<uint32_t>;

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(2);
}

Words read_file(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) fail("cannot read " + path);
    std::fseek(file, 0, SEEK_END);
    Words words(std::ftell(file) / sizeof(uint32_t));
    std::rewind(file);
    if (std::fread(words.data(), sizeof(uint32_t), words.size(), file) != words.size()) fail("cannot read " + path);
    std::fclose(file);
    return words;
}

// A port of up to 64 bits is an integer, a wider one an array of 32-bit words: in memory both are a beat.
template <typename Port>
void set(Port& port, const uint32_t* beat) {
    std::memcpy(&port, beat, sizeof(port));
}

template <typename Port>
constexpr size_t beat_words(const Port&) {
    return (sizeof(Port) + 3) / 4;
}

// Where a stream is in its sequence of beats.
struct Position {
    uint64_t tile = 0, vector = 0, beat = 0;

    // Move to the next beat; true at the end of a vector.
    bool advance(uint64_t beats, uint64_t vectors) {
        if (++beat < beats) return false;
        beat = 0;
        if (++vector == vectors) {
            vector = 0;
            ++tile;
        }
        return true;
    }
};

class Harness {
public:
    Harness(const std::string& folder, const char* waves) : results_path_(folder + "/results.bin") {
        const Words plan = read_file(folder + "/tiles.bin");
        vectors_ = plan[0];
        for (size_t i = 1; i + 1 < plan.size(); i += 2) tiles_.push_back({plan[i], plan[i + 1]});
        weights_ = read_file(folder + "/weights.bin");
        activations_ = read_file(folder + "/activations.bin");
        sums_.resize(vectors_ * RESULT_BEATS * beat_words(top_.RESULTS_DATA));
#if VM_TRACE
        if (waves) {
            Verilated::traceEverOn(true);
            top_.trace(&trace_, 99);
            trace_.open(waves);
        }
#endif
    }

    void run() {
        results_file_ = std::fopen(results_path_.c_str(), "wb");
        if (!results_file_) fail("cannot write " + results_path_);
        reset();
        uint64_t idle = 0;
        while (result_.tile < tiles_.size()) {
            idle = cycle() ? 0 : idle + 1;
            if (idle > 1000000) fail("the array is stuck after cycle " + std::to_string(cycles_));
            if (cycles_ % 1024 == 0) report();
        }
        top_.final();
#if VM_TRACE
        trace_.close();
#endif
        if (std::fclose(results_file_)) fail("cannot write " + results_path_);
        std::printf("done %llu\n", static_cast<unsigned long long>(cycles_));
    }

private:
    void reset() {
        top_.RESET = RESET_ACTIVE;
        top_.WEIGHTS_VALID = 0;
        top_.ACTIVATIONS_VALID = 0;
#ifdef PSUM_IN_DATA
        top_.PSUM_IN_VALID = 0;
#endif
        top_.RESULTS_READY = 1;
        for (int i = 0; i < 2; ++i) {
            clock(0);
            clock(1);
        }
        top_.RESET = !RESET_ACTIVE;
    }

    void clock(int level) {
        top_.CLOCK = level;
        top_.eval();
#if VM_TRACE
        if (trace_.isOpen()) trace_.dump(time_);
        time_ += 5;
#endif
    }

    bool first_of_column(uint64_t tile) const { return tile == 0 || tiles_[tile - 1].n != tiles_[tile].n; }
    bool last_of_column(uint64_t tile) const {
        return tile + 1 == tiles_.size() || tiles_[tile + 1].n != tiles_[tile].n;
    }

    // One clock cycle; whether anything moved.
    bool cycle() {
        offer_weights();
        offer_activations();
        offer_psums();
        clock(0);
        const bool weights = top_.WEIGHTS_VALID && top_.WEIGHTS_READY;
        const bool activations = top_.ACTIVATIONS_VALID && top_.ACTIVATIONS_READY;
        const bool result = top_.RESULTS_VALID;
        if (weights) ++weight_beat_;
        if (activations) activation_.advance(ACTIVATION_BEATS, vectors_);
#ifdef PSUM_IN_DATA
        if (top_.PSUM_IN_VALID && top_.PSUM_IN_READY) psum_.advance(1, vectors_);
#endif
        if (result) take_result();
        clock(1);
        ++cycles_;
        return weights || activations || result;
    }

    void offer_weights() {
        top_.WEIGHTS_VALID = weight_beat_ < tiles_.size() * WEIGHT_BEATS;
        if (top_.WEIGHTS_VALID) set(top_.WEIGHTS_DATA, &weights_[weight_beat_ * beat_words(top_.WEIGHTS_DATA)]);
    }

    void offer_activations() {
        const Position& at = activation_;
        top_.ACTIVATIONS_VALID = at.tile < tiles_.size();
        if (!top_.ACTIVATIONS_VALID) return;
        const uint64_t vector = tiles_[at.tile].k * vectors_ + at.vector;
        const uint64_t beat = vector * ACTIVATION_BEATS + at.beat;
        set(top_.ACTIVATIONS_DATA, &activations_[beat * beat_words(top_.ACTIVATIONS_DATA)]);
        top_.ACTIVATIONS_LAST = at.vector + 1 == vectors_ && at.beat + 1 == ACTIVATION_BEATS;
    }

    // A column's first tile starts from zero, the others from the sums of the tile before, once they are back.
    void offer_psums() {
#ifdef PSUM_IN_DATA
        static const Words zero(beat_words(top_.PSUM_IN_DATA));
        const Position& at = psum_;
        top_.PSUM_IN_VALID = 0;
        if (at.tile == tiles_.size()) return;
        const bool starts = first_of_column(at.tile);
        const bool back = result_.tile >= at.tile || (result_.tile + 1 == at.tile && result_.vector > at.vector);
        if (!starts && !back) return;
        top_.PSUM_IN_VALID = 1;
        set(top_.PSUM_IN_DATA, starts ? zero.data() : &sums_[at.vector * zero.size()]);
#endif
    }

    void take_result() {
        const size_t size = beat_words(top_.RESULTS_DATA);
        const uint64_t beat = result_.vector * RESULT_BEATS + result_.beat;
        std::memcpy(&sums_[beat * size], &top_.RESULTS_DATA, sizeof(top_.RESULTS_DATA));
        const uint64_t tile = result_.tile;
        const bool ends = result_.vector + 1 == vectors_ && result_.beat + 1 == RESULT_BEATS;
        if (ends != static_cast<bool>(top_.RESULTS_LAST)) fail("results: last at the wrong place");
        if (result_.advance(RESULT_BEATS, vectors_)) ++vectors_done_;
#ifdef PSUM_IN_DATA
        const bool write = ends && last_of_column(tile);
#else
        const bool write = ends;
#endif
        if (write && std::fwrite(sums_.data(), sizeof(uint32_t), sums_.size(), results_file_) != sums_.size())
            fail("cannot write " + results_path_);
    }

    void report() {
        const auto now = std::chrono::steady_clock::now();
        if (now - reported_ < std::chrono::milliseconds(200)) return;
        reported_ = now;
        std::printf("progress %llu %llu\n", static_cast<unsigned long long>(cycles_),
                    static_cast<unsigned long long>(vectors_done_));
        std::fflush(stdout);
    }

    struct Tile {
        uint64_t k, n;
    };

    Vtop top_;
#if VM_TRACE
    VerilatedVcdC trace_;
    uint64_t time_ = 0;
#endif
    uint64_t vectors_ = 0;
    std::vector<Tile> tiles_;
    Words weights_, activations_, sums_;
    uint64_t weight_beat_ = 0;
    Position activation_, psum_, result_;
    uint64_t cycles_ = 0, vectors_done_ = 0;
    std::string results_path_;
    std::FILE* results_file_ = nullptr;
    std::chrono::steady_clock::time_point reported_ = std::chrono::steady_clock::now();
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) fail("usage: harness FOLDER [WAVES.vcd]");
    Harness harness(argv[1], argc > 2 ? argv[2] : nullptr);
    harness.run();
    return 0;
}
