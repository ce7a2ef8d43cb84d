// The host of an AXI4 engine behind registers, REGISTER_NAME by address: it does as a driver would, one access
// after the other, AW before, after or with W, and B and R waiting.
// Included by axi_harness.cpp; what goes wrong is thrown as a text.
#pragma once

class Host {
public:
    explicit Host(Vtop& top) : top_(top) {}

    void reset() { bus_.reset(); }

    void begin(uint64_t start, uint64_t seed) {
        seed_ = seed;
        cycles_ = 0;
        started_ = waiting_ = done_ = giving_up_ = given_up_ = false;
        // In two writes: each has noise where it has no strobe.
        const uint32_t strobe = seed >> 3 & 15, noise = static_cast<uint32_t>(seed * 0x9E3779B1u);
        for (const uint32_t bytes : {strobe, ~strobe & 15}) {
            const uint32_t mask = mask_of(bytes);
            bus_.write(REGISTER_PROGRAM_LOW, (static_cast<uint32_t>(start) & mask) | (noise & ~mask), bytes);
        }
#ifdef REGISTER_PROGRAM_HIGH
        bus_.write(REGISTER_PROGRAM_HIGH, static_cast<uint32_t>(start >> 32));
#endif
        bus_.write(REGISTER_INTERRUPT_ENABLE, DONE);
        bus_.read(REGISTER_BUSY_CYCLES, BUSY_BEFORE);
        bus_.read(REGISTER_BLOCKS_SKIPPED, SKIPPED_BEFORE);
        bus_.write(REGISTER_CONTROL, START);
    }

    template <typename Waits>
    void drive(Waits waits) {
        if (started_) ++cycles_;
        bus_.drive(waits);
    }

    bool take(bool at_rest) {
        bool moved = false;
        if (top_.irq && started_ && !waiting_ && !giving_up_) {
            if (!at_rest) throw std::string("irq while a burst is under way");
            waiting_ = true;
            moved = true;
            bus_.read(REGISTER_STATUS, STATUS);
            bus_.read(REGISTER_INTERRUPT_STATUS, EVENTS);
            bus_.read(REGISTER_FAULT, FAULT);
            bus_.read(REGISTER_FAULT_ADDRESS_LOW, ADDRESS_LOW);
#ifdef REGISTER_FAULT_ADDRESS_HIGH
            bus_.read(REGISTER_FAULT_ADDRESS_HIGH, ADDRESS_HIGH);
#endif
            bus_.read(REGISTER_BUSY_CYCLES, BUSY_AFTER);
            bus_.read(REGISTER_BLOCKS_SKIPPED, SKIPPED_AFTER);
            bus_.write(REGISTER_INTERRUPT_STATUS, ~0u);
        }
        // Started as soon as it was carried out.
        if (bus_.written(REGISTER_CONTROL, START)) started_ = true;
        return moved | bus_.take([this, at_rest](const AxiLite::Access& access, uint32_t word) {
            if (!access.write) found_[access.place] = word;
            if (bus_.idle()) finish(at_rest);
        });
    }

    bool done() const { return done_; }
    const Words& status() const { return status_; }
    uint64_t cycles() const { return found_[BUSY_AFTER] - found_[BUSY_BEFORE]; }
    uint64_t skipped() const { return found_[SKIPPED_AFTER] - found_[SKIPPED_BEFORE]; }
    uint64_t since_start() const { return cycles_; }

    // A soft reset, of every other program that is given up; what was being accessed comes to its end.
    bool give_up() {
        if (seed_ & 4 || waiting_) return false;
        bus_.take_back();
        giving_up_ = true;
        bus_.write(REGISTER_CONTROL, SOFT_RESET);
        bus_.read(REGISTER_STATUS, STATUS);
        return true;
    }

    // Whether a soft reset has come to the engine.
    bool given_up() {
        given_up_ |= giving_up_ && bus_.written(REGISTER_CONTROL, SOFT_RESET);
        return given_up_;
    }

    void rest() {
        top_.s_axi_bready = top_.s_axi_rready = 1;
        top_.s_axi_awvalid = top_.s_axi_wvalid = top_.s_axi_arvalid = 0;
    }
    bool quiet() const { return !top_.irq && !top_.s_axi_bvalid && !top_.s_axi_rvalid; }

private:
    static constexpr uint32_t START = 1, SOFT_RESET = 2, DONE = 1, EVENT_FAULT = 2, RESETTING = 2;
    enum { STATUS, EVENTS, FAULT, ADDRESS_LOW, ADDRESS_HIGH, BUSY_BEFORE, BUSY_AFTER, SKIPPED_BEFORE,
           SKIPPED_AFTER, PLACES };

    static uint32_t mask_of(uint32_t strobe) {
        uint32_t mask = 0;
        for (int byte = 0; byte < 4; ++byte) mask |= (strobe >> byte & 1) * (0xFFu << 8 * byte);
        return mask;
    }

    // All accesses are done: so is the program, or it is under way, or a soft reset is.
    void finish(bool at_rest) {
        if (giving_up_ && !waiting_) {
            if (found_[STATUS] & RESETTING) {
                bus_.read(REGISTER_STATUS, STATUS);
                return;
            }
            if (!at_rest) throw std::string("the soft reset is over while a burst is under way");
            waiting_ = true;
            bus_.read(REGISTER_STATUS, STATUS);
            bus_.read(REGISTER_FAULT, FAULT);
            bus_.read(REGISTER_FAULT_ADDRESS_LOW, ADDRESS_LOW);
            // Of a program that ended just before it.
            bus_.write(REGISTER_INTERRUPT_STATUS, ~0u);
            return;
        }
        if (!waiting_) return;
        if (found_[STATUS]) throw std::string("STATUS says that it is busy");
        if (giving_up_) {
            if (found_[FAULT] || found_[ADDRESS_LOW]) throw std::string("a fault is left after a soft reset");
        } else if (found_[EVENTS] != (DONE | (found_[FAULT] & 0b110001 ? EVENT_FAULT : 0))) {
            throw std::string("INTERRUPT_STATUS is " + hex(found_[EVENTS]) + ", and FAULT " + hex(found_[FAULT]));
        }
        if (top_.irq) throw std::string("irq stays");
        const uint64_t address = found_[ADDRESS_LOW] | uint64_t(found_[ADDRESS_HIGH]) << 32;
        status_ = {static_cast<uint32_t>(found_[FAULT] | address << 6), static_cast<uint32_t>(address >> 26),
                   static_cast<uint32_t>(address >> 58)};
        done_ = true;
    }

    Vtop& top_;
    AxiLite bus_{top_};
    std::array<uint32_t, PLACES> found_{};
    Words status_;
    uint64_t seed_ = 0, cycles_ = 0;
    bool started_ = false, waiting_ = false, done_ = false, giving_up_ = false, given_up_ = false;
};
