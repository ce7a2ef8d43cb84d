// The host of an AXI4 engine behind registers, REGISTER_NAME by address: it does as a driver would, one access
// after the other, AW before, after or with W, and B and R waiting.
// Included by axi_harness.cpp; what goes wrong is thrown as a text.
#pragma once

class Host {
public:
    explicit Host(Vtop& top) : top_(top) {}

    void reset() {
        held_b_ = held_r_ = Held();
        accesses_.clear();
        offered_aw_ = offered_w_ = taken_aw_ = taken_w_ = offered_ar_ = taken_ar_ = false;
        top_.s_axi_awvalid = top_.s_axi_wvalid = top_.s_axi_bready = top_.s_axi_arvalid = top_.s_axi_rready = 0;
    }

    void begin(uint64_t start, uint64_t seed) {
        seed_ = seed;
        cycles_ = 0;
        started_ = waiting_ = done_ = giving_up_ = given_up_ = false;
        // In two writes: each has noise where it has no strobe.
        const uint32_t strobe = seed >> 3 & 15, noise = static_cast<uint32_t>(seed * 0x9E3779B1u);
        for (const uint32_t bytes : {strobe, ~strobe & 15}) {
            const uint32_t mask = mask_of(bytes);
            write(REGISTER_PROGRAM_LOW, (static_cast<uint32_t>(start) & mask) | (noise & ~mask), bytes);
        }
#ifdef REGISTER_PROGRAM_HIGH
        write(REGISTER_PROGRAM_HIGH, static_cast<uint32_t>(start >> 32));
#endif
        write(REGISTER_INTERRUPT_ENABLE, DONE);
        read(REGISTER_BUSY_CYCLES, BUSY_BEFORE);
        read(REGISTER_BLOCKS_SKIPPED, SKIPPED_BEFORE);
        write(REGISTER_CONTROL, START);
    }

    template <typename Waits>
    void drive(Waits waits) {
        if (started_) ++cycles_;
        const bool any = !accesses_.empty(), writes = any && accesses_.front().write;
        const Access access = any ? accesses_.front() : Access{};
        offered_aw_ = writes && !taken_aw_ && (offered_aw_ || !waits(AW));
        offered_w_ = writes && !taken_w_ && (offered_w_ || !waits(W));
        offered_ar_ = any && !writes && !taken_ar_ && (offered_ar_ || !waits(AR));
        top_.s_axi_awvalid = offered_aw_;
        top_.s_axi_awaddr = offered_aw_ ? access.address : 0;
        top_.s_axi_wvalid = offered_w_;
        top_.s_axi_wdata = offered_w_ ? access.data : ~0u;
        top_.s_axi_wstrb = offered_w_ ? access.strobe : 15;
        top_.s_axi_bready = !waits(B);
        top_.s_axi_arvalid = offered_ar_;
        top_.s_axi_araddr = offered_ar_ ? access.address : 0;
        top_.s_axi_rready = !waits(R);
    }

    bool take(bool at_rest) {
        bool moved = false;
        if (top_.irq && started_ && !waiting_ && !giving_up_) {
            if (!at_rest) throw std::string("irq while a burst is under way");
            waiting_ = true;
            moved = true;
            read(REGISTER_STATUS, STATUS);
            read(REGISTER_INTERRUPT_STATUS, EVENTS);
            read(REGISTER_FAULT, FAULT);
            read(REGISTER_FAULT_ADDRESS_LOW, ADDRESS_LOW);
#ifdef REGISTER_FAULT_ADDRESS_HIGH
            read(REGISTER_FAULT_ADDRESS_HIGH, ADDRESS_HIGH);
#endif
            read(REGISTER_BUSY_CYCLES, BUSY_AFTER);
            read(REGISTER_BLOCKS_SKIPPED, SKIPPED_AFTER);
            write(REGISTER_INTERRUPT_STATUS, ~0u);
        }
        if (offered_aw_ && top_.s_axi_awready) moved = taken_aw_ = true;
        if (offered_w_ && top_.s_axi_wready) moved = taken_w_ = true;
        if (offered_ar_ && top_.s_axi_arready) moved = taken_ar_ = true;
        const bool b = held_b_.taken("B", top_.s_axi_bvalid, top_.s_axi_bready, {uint32_t(top_.s_axi_bresp)});
        const bool r = held_r_.taken("R", top_.s_axi_rvalid, top_.s_axi_rready,
                                     {uint32_t(top_.s_axi_rdata), uint32_t(top_.s_axi_rresp)});
        // Started as soon as it was carried out, which B tells the first.
        if (top_.s_axi_bvalid && !accesses_.empty() && accesses_.front().starts()) started_ = true;
        if (b || r) {
            moved = true;
            if (accesses_.empty() || accesses_.front().write != b) throw std::string("an answer to no access");
            if (b ? top_.s_axi_bresp : top_.s_axi_rresp) throw std::string("an access to a register failed");
            if (r) found_[accesses_.front().place] = top_.s_axi_rdata;
            accesses_.pop_front();
            offered_aw_ = offered_w_ = taken_aw_ = taken_w_ = offered_ar_ = taken_ar_ = false;
            if (accesses_.empty()) finish(at_rest);
        }
        return moved;
    }

    bool done() const { return done_; }
    const Words& status() const { return status_; }
    uint64_t cycles() const { return found_[BUSY_AFTER] - found_[BUSY_BEFORE]; }
    uint64_t skipped() const { return found_[SKIPPED_AFTER] - found_[SKIPPED_BEFORE]; }
    uint64_t since_start() const { return cycles_; }

    // A soft reset, of every other program that is given up; what was being accessed comes to its end.
    bool give_up() {
        if (seed_ & 4 || waiting_) return false;
        if (accesses_.size() > 1) accesses_.resize(1);
        giving_up_ = true;
        write(REGISTER_CONTROL, SOFT_RESET);
        read(REGISTER_STATUS, STATUS);
        return true;
    }

    // Whether a soft reset has come to the engine.
    bool given_up() {
        const bool answered = giving_up_ && top_.s_axi_bvalid && !accesses_.empty();
        given_up_ |= answered && accesses_.front().write && accesses_.front().address == REGISTER_CONTROL &&
                     accesses_.front().data == SOFT_RESET;
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

    struct Access {
        bool write;
        uint32_t address, data, strobe;
        int place;

        bool starts() const { return write && address == REGISTER_CONTROL && data == START; }
    };

    static uint32_t mask_of(uint32_t strobe) {
        uint32_t mask = 0;
        for (int byte = 0; byte < 4; ++byte) mask |= (strobe >> byte & 1) * (0xFFu << 8 * byte);
        return mask;
    }

    void write(uint32_t address, uint32_t data, uint32_t strobe = 15) {
        accesses_.push_back({true, address, data, strobe, 0});
    }
    void read(uint32_t address, int place) { accesses_.push_back({false, address, 0, 0, place}); }

    // All accesses are done: so is the program, or it is under way, or a soft reset is.
    void finish(bool at_rest) {
        if (giving_up_ && !waiting_) {
            if (found_[STATUS] & RESETTING) {
                read(REGISTER_STATUS, STATUS);
                return;
            }
            if (!at_rest) throw std::string("the soft reset is over while a burst is under way");
            waiting_ = true;
            read(REGISTER_STATUS, STATUS);
            read(REGISTER_FAULT, FAULT);
            read(REGISTER_FAULT_ADDRESS_LOW, ADDRESS_LOW);
            // Of a program that ended just before it.
            write(REGISTER_INTERRUPT_STATUS, ~0u);
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
    Held held_b_, held_r_;
    std::deque<Access> accesses_;
    std::array<uint32_t, PLACES> found_{};
    Words status_;
    uint64_t seed_ = 0, cycles_ = 0;
    bool offered_aw_ = false, offered_w_ = false, taken_aw_ = false, taken_w_ = false, offered_ar_ = false,
         taken_ar_ = false;
    bool started_ = false, waiting_ = false, done_ = false, giving_up_ = false, given_up_ = false;
};
