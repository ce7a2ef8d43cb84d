// The host of a block behind registers: accesses on s_axi_, one after the other, AW before, after or with W, and
// B and R waiting.
#pragma once
#include <deque>
#include <string>

#include "held.h"

class AxiLite {
public:
    enum Channel { AR, R, AW, W, B };

    struct Access {
        bool write;
        uint32_t address, data, strobe;
        int place;  // the caller's, of a read
    };

    explicit AxiLite(Vtop& top) : top_(top) {}

    void reset() {
        held_b_ = held_r_ = Held();
        accesses_.clear();
        begin();
        top_.s_axi_awvalid = top_.s_axi_wvalid = top_.s_axi_bready = top_.s_axi_arvalid = top_.s_axi_rready = 0;
    }

    void write(uint32_t address, uint32_t data, uint32_t strobe = 15) {
        accesses_.push_back({true, address, data, strobe, 0});
    }
    void read(uint32_t address, int place) { accesses_.push_back({false, address, 0, 0, place}); }

    // Take back all that is not under way.
    void take_back() {
        if (accesses_.size() > 1) accesses_.resize(1);
    }

    bool idle() const { return accesses_.empty(); }

    // Whether the access under way writes this word there, and has been carried out: B tells it the first.
    bool written(uint32_t address, uint32_t data) const {
        return top_.s_axi_bvalid && !accesses_.empty() && accesses_.front().write &&
               accesses_.front().address == address && accesses_.front().data == data;
    }

    // Set the inputs of a cycle; waits(channel) says whether a channel does nothing in it.
    template <typename Waits>
    void drive(Waits waits) {
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

    // Look at what the coming edge does; whether anything moves. answered(access, word) is called for an
    // access that is done.
    template <typename Answered>
    bool take(Answered answered) {
        bool moved = false;
        if (offered_aw_ && top_.s_axi_awready) moved = taken_aw_ = true;
        if (offered_w_ && top_.s_axi_wready) moved = taken_w_ = true;
        if (offered_ar_ && top_.s_axi_arready) moved = taken_ar_ = true;
        const bool b = held_b_.taken("B", top_.s_axi_bvalid, top_.s_axi_bready, {uint32_t(top_.s_axi_bresp)});
        const bool r = held_r_.taken("R", top_.s_axi_rvalid, top_.s_axi_rready,
                                     {uint32_t(top_.s_axi_rdata), uint32_t(top_.s_axi_rresp)});
        if (!b && !r) return moved;
        if (accesses_.empty() || accesses_.front().write != b) fail("an answer to no access");
        if (b ? top_.s_axi_bresp : top_.s_axi_rresp) fail("an access to a register failed");
        const Access done = accesses_.front();
        accesses_.pop_front();
        begin();
        answered(done, static_cast<uint32_t>(top_.s_axi_rdata));
        return true;
    }

private:
    void begin() { offered_aw_ = offered_w_ = taken_aw_ = taken_w_ = offered_ar_ = taken_ar_ = false; }

    Vtop& top_;
    Held held_b_, held_r_;
    std::deque<Access> accesses_;
    bool offered_aw_ = false, offered_w_ = false, taken_aw_ = false, taken_w_ = false, offered_ar_ = false,
         taken_ar_ = false;
};
