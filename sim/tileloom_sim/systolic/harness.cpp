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
// "progress CYCLES VECTORS" now and then, and "done CYCLES" at the end. With macros REGISTER_NAME a column of tiles
// is a job that is started through them; streams offer all the same what they have.

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "ports.h"
#include "harness.h"
#ifdef REGISTER_CONTROL
#include "register_host.h"
#else
// An array without registers takes what comes.
struct Host {
    static constexpr bool STARTS_JOBS = false;

    Host(Vtop&, const uint64_t&) {}
    void add(uint64_t, bool) {}
    void reset() {}
    void drive() {}
    bool take() { return false; }
    bool done() const { return true; }
};
#endif

namespace {

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
    Harness(const std::string& folder, const char* waves) : results_file_(folder + "/results.bin") {
        const Words plan = read_file<uint32_t>(folder + "/tiles.bin");
        vectors_ = plan[0];
        for (size_t i = 1; i + 1 < plan.size(); i += 2) tiles_.push_back({plan[i], plan[i + 1]});
        weights_ = read_file<uint32_t>(folder + "/weights.bin");
        activations_ = read_file<uint32_t>(folder + "/activations.bin");
        sums_.resize(vectors_ * RESULT_BEATS * port_words(top_.RESULTS_DATA));
        for (uint64_t tile = 0, first = 0; tile < tiles_.size(); ++tile) {
            if (first_of_column(tile)) first = tile;
            if (last_of_column(tile)) host_.add(tile - first + 1, sums_come_in(tile));
        }
        if (waves) model_.open_waves(waves);
    }

    void run() {
        reset();
        uint64_t idle = 0;
        while (result_.tile < tiles_.size() || !host_.done()) {
            idle = cycle() ? 0 : idle + 1;
            if (idle > 1000000) fail("the array is stuck after cycle " + std::to_string(cycles_));
            if (cycles_ % 1024 == 0 && progress_.due()) progress_.say(cycles_, vectors_done_);
        }
        model_.finish();
        results_file_.close();
        std::printf("done %llu\n", static_cast<unsigned long long>(cycles_));
    }

private:
    void reset() {
        top_.WEIGHTS_VALID = 0;
        top_.ACTIVATIONS_VALID = 0;
#ifdef PSUM_IN_DATA
        top_.PSUM_IN_VALID = 0;
#endif
        top_.RESULTS_READY = 1;
        host_.reset();
        model_.reset(2);
    }

    // Where jobs are started, a column of one tile has no partial sums.
    bool sums_come_in(uint64_t tile) const {
        return !Host::STARTS_JOBS || !first_of_column(tile) || !last_of_column(tile);
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
        host_.drive();
        model_.clock(0);
        const bool moved = host_.take();
        const bool weights = top_.WEIGHTS_VALID && top_.WEIGHTS_READY;
        const bool activations = top_.ACTIVATIONS_VALID && top_.ACTIVATIONS_READY;
        const bool result = top_.RESULTS_VALID;
        if (weights) ++weight_beat_;
        if (activations) activation_.advance(ACTIVATION_BEATS, vectors_);
#ifdef PSUM_IN_DATA
        if (top_.PSUM_IN_VALID && top_.PSUM_IN_READY) psum_.advance(1, vectors_);
#endif
        if (result) take_result();
        model_.clock(1);
        ++cycles_;
        return moved || weights || activations || result;
    }

    void offer_weights() {
        top_.WEIGHTS_VALID = weight_beat_ < tiles_.size() * WEIGHT_BEATS;
        if (top_.WEIGHTS_VALID) set_port(top_.WEIGHTS_DATA, &weights_[weight_beat_ * port_words(top_.WEIGHTS_DATA)]);
    }

    void offer_activations() {
        const Position& at = activation_;
        top_.ACTIVATIONS_VALID = at.tile < tiles_.size();
        if (!top_.ACTIVATIONS_VALID) return;
        const uint64_t vector = tiles_[at.tile].k * vectors_ + at.vector;
        const uint64_t beat = vector * ACTIVATION_BEATS + at.beat;
        set_port(top_.ACTIVATIONS_DATA, &activations_[beat * port_words(top_.ACTIVATIONS_DATA)]);
        top_.ACTIVATIONS_LAST = at.vector + 1 == vectors_ && at.beat + 1 == ACTIVATION_BEATS;
    }

    // A column's first tile starts from zero, the others from the sums of the tile before, once they are back.
    void offer_psums() {
#ifdef PSUM_IN_DATA
        static const Words zero(port_words(top_.PSUM_IN_DATA));
        const Position& at = psum_;
        while (at.tile < tiles_.size() && !sums_come_in(at.tile)) ++psum_.tile;
        top_.PSUM_IN_VALID = 0;
        if (at.tile == tiles_.size()) return;
        const bool starts = first_of_column(at.tile);
        const bool back = result_.tile >= at.tile || (result_.tile + 1 == at.tile && result_.vector > at.vector);
        if (!starts && !back) return;
        top_.PSUM_IN_VALID = 1;
        set_port(top_.PSUM_IN_DATA, starts ? zero.data() : &sums_[at.vector * zero.size()]);
#endif
    }

    void take_result() {
        const size_t size = port_words(top_.RESULTS_DATA);
        const uint64_t beat = result_.vector * RESULT_BEATS + result_.beat;
        get_port(top_.RESULTS_DATA, &sums_[beat * size]);
        const uint64_t tile = result_.tile;
        const bool ends = result_.vector + 1 == vectors_ && result_.beat + 1 == RESULT_BEATS;
        if (ends != static_cast<bool>(top_.RESULTS_LAST)) fail("results: last at the wrong place");
        if (result_.advance(RESULT_BEATS, vectors_)) ++vectors_done_;
#ifdef PSUM_IN_DATA
        const bool write = ends && last_of_column(tile);
#else
        const bool write = ends;
#endif
        if (write) results_file_.write(sums_.data(), sums_.size());
    }

    struct Tile {
        uint64_t k, n;
    };

    Model model_;
    Vtop& top_ = model_.top;
    uint64_t vectors_ = 0;
    Host host_{top_, vectors_};
    std::vector<Tile> tiles_;
    Words weights_, activations_, sums_;
    uint64_t weight_beat_ = 0;
    Position activation_, psum_, result_;
    uint64_t cycles_ = 0, vectors_done_ = 0;
    Output results_file_;
    Progress progress_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) fail("usage: harness FOLDER [WAVES.vcd]");
    Harness harness(argv[1], argc > 2 ? argv[2] : nullptr);
    harness.run();
    return 0;
}
