// The host of an AXI4 engine without registers: the address of a program goes to start, status comes back.
// Included by axi_harness.cpp; what goes wrong is thrown as a text.
#pragma once

class Host {
public:
    explicit Host(Vtop& top) : top_(top) {}

    void reset() {
        held_ = Held();
        top_.START_VALID = top_.STATUS_READY = 0;
    }

    void begin(uint64_t start, uint64_t) {
        start_ = start;
        starting_ = true;
        offered_ = ended_ = done_ = false;
        cycles_ = 0;
    }

    // Drive the ports before the clock's edge; each call of waits says whether to wait this cycle.
    template <typename Waits>
    void drive(Waits waits) {
        offered_ = offered_ || (starting_ && !waits(AR));
        top_.START_VALID = offered_;
        const uint64_t shown = offered_ ? start_ : 0;
        std::memcpy(&top_.START_DATA, &shown, sizeof(top_.START_DATA));
        if (cycles_ || offered_) ++cycles_;
        top_.STATUS_READY = !waits(B);
    }

    // What is taken at the clock's edge; whether anything is. Memory is at rest, or not.
    bool take(bool at_rest) {
        bool moved = false;
        if (!top_.busy && !starting_) throw std::string("not busy before the status");
        if (offered_ && top_.START_READY) {
            moved = true;
            starting_ = offered_ = false;
        }
        status_.clear();
        append_port(status_, top_.STATUS_DATA);
        if (top_.STATUS_VALID && !ended_) {
            if (starting_) throw std::string("status before the start");
            if (!at_rest) throw std::string("status while a burst is under way");
            ended_ = cycles_;
        }
        done_ = held_.taken("status", top_.STATUS_VALID, top_.STATUS_READY, status_);
        return moved || done_;
    }

    // Whether the status is taken; then it, and the cycles from the offer on start until it was valid.
    bool done() const { return done_; }
    const Words& status() const { return status_; }
    uint64_t cycles() const { return ended_; }
    uint64_t skipped() const { return 0; }

    // Cycles since the program was offered.
    uint64_t since_start() const { return cycles_; }

    // Give the program up by the host's own means: there are none.
    bool give_up() { return false; }
    bool given_up() { return false; }

    // Drive nothing more, and whether all is quiet.
    void rest() {
        top_.START_VALID = 0;
        top_.STATUS_READY = 1;
    }
    bool quiet() const { return !top_.STATUS_VALID && !top_.busy; }

private:
    Vtop& top_;
    Held held_;
    Words status_;
    uint64_t start_ = 0, cycles_ = 0, ended_ = 0;
    bool starting_ = false, offered_ = false, done_ = false;
};
