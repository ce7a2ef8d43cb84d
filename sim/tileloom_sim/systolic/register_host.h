// The host of an array behind registers, REGISTER_NAME by address: one job after the other, each started once
// the interrupt has said that the one before is done. Included by harness.cpp.
#pragma once
#include "axi_lite.h"

class Host {
public:
    static constexpr bool STARTS_JOBS = true;

    Host(Vtop& top, const uint64_t& vectors) : top_(top), vectors_(vectors) {}

    // A job of tiles with vectors each.
    void add(uint64_t tiles, bool psum_in) { jobs_.push_back({tiles, psum_in}); }
    void reset() { bus_.reset(); }
    bool done() const { return finished_; }

    void drive() {
        if (bus_.idle() && !running_ && !finished_) next();
        bus_.drive([](int) { return false; });
    }

    // Whether anything moves.
    bool take() {
        if (top_.irq && running_ && bus_.idle()) {
            running_ = false;
            bus_.read(REGISTER_STATUS, STATUS);
            bus_.read(REGISTER_FAULT, FAULT);
            bus_.read(REGISTER_RESULTS, RESULTS);
            bus_.write(REGISTER_INTERRUPT_STATUS, ~0u);
        }
        return bus_.take([this](const AxiLite::Access& access, uint32_t word) {
            if (!access.write) check(access.place, word);
        });
    }

private:
    static constexpr uint32_t START = 1, DONE = 1, OVERFLOW_FAULT = 8, MOST_TILES = 0xFFFF;
    enum { STATUS, FAULT, RESULTS };

    struct Job {
        uint64_t tiles;
        bool psum_in;
    };

    void next() {
        if (number_ == jobs_.size()) {
            finished_ = true;
            return;
        }
        // As many tiles as a job may have, and the rest in a further one.
        Job& job = jobs_[number_];
        const uint64_t tiles = job.tiles < MOST_TILES ? job.tiles : MOST_TILES;
        job.tiles -= tiles;
        if (!job.tiles) ++number_;
        results_ += static_cast<uint32_t>(tiles * vectors_);
        bus_.write(REGISTER_VECTORS, static_cast<uint32_t>(vectors_));
        bus_.write(REGISTER_TILES, static_cast<uint32_t>(tiles));
        bus_.write(REGISTER_JOB, job.psum_in);
        bus_.write(REGISTER_INTERRUPT_ENABLE, DONE);
        bus_.write(REGISTER_CONTROL, START);
        running_ = true;
    }

    void check(int place, uint32_t word) const {
        if (place == STATUS && word) fail("STATUS is " + hex(word) + " after a job");
        if (place == FAULT && word & ~OVERFLOW_FAULT) fail("FAULT is " + hex(word));
        if (place == RESULTS && word != results_)
            fail("RESULTS is " + std::to_string(word) + ", and " + std::to_string(results_) + " were to come");
    }

    Vtop& top_;
    AxiLite bus_{top_};
    std::vector<Job> jobs_;
    const uint64_t& vectors_;
    size_t number_ = 0;
    uint32_t results_ = 0;
    bool running_ = false, finished_ = false;
};
