// Runs a program on the cluster: the Verilator model, the cores' instructions, L2 and the registers behind it.
//
//     cluster OPTION=VALUE...           numbers in decimal or 0x...
//
//     memory=BYTES                      size of L2, at 0x8000_0000
//     boot=ADDRESS                      first instruction, of all cores
//     load=ADDRESS:FILE                 fill L2 from a file; may be repeated
//     save=ADDRESS:BYTES:FILE           write L2 to a file at the end; may be repeated
//     limit=CYCLES                      give up after so many
//     console=FILE                      what the program prints
//     errors=0  instr=0:0  data=0:0     as the system of one core has them: no errors, no wait states
//
// An instruction is there in the cycle after its request, for every core; L2 answers L2_LATENCY cycles after a
// request, at the cores' port and at each of the DMA engine's. Registers at 0x1000_0000: those at +0x00, +0x04, +0x14,
// +0x18 and +0x1c in system.py. Standard output is as in harness.cpp.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#define CLOCK clk_i
#define RESET rst_ni
#define RESET_ACTIVE 0
#include "harness.h"
#include "bus.h"
#include "program_memory.h"

namespace {

constexpr uint32_t REGISTERS = 0x10000000;

// Element `i` of a vector of words, which is an integer where it is narrow.
template <typename Port>
uint32_t get_word(const Port& port, int i) {
    return reinterpret_cast<const uint32_t*>(&port)[i];
}
template <typename Port>
void set_word(Port& port, int i, uint32_t value) {
    reinterpret_cast<uint32_t*>(&port)[i] = value;
}

// Answers of one port, in order.
class Pipe {
public:
    void push(uint64_t due, uint32_t word) { answers_.push_back({due, word}); }
    bool pop(uint64_t cycle, uint32_t& word) {
        if (answers_.empty() || answers_.front().first != cycle) return false;
        word = answers_.front().second;
        answers_.pop_front();
        return true;
    }

private:
    std::deque<std::pair<uint64_t, uint32_t>> answers_;
};

class Cluster {
public:
    void option(const std::string& key, const std::string& value) {
        if (key == "memory") memory_.bytes().resize(number(value));
        else if (key == "boot") boot_ = number(value);
        else if (key == "load") memory_.load(value);
        else if (key == "save") saves_.push_back(value);
        else if (key == "limit") limit_ = number(value);
        else if (key == "console") console_ = std::fopen(value.c_str(), "wb");
        else if (key == "waves") waves_ = value;
        else if (!(key == "errors" && value == "0") && !((key == "instr" || key == "data") && value == "0:0"))
            fail("a cluster has no option " + key + "=" + value);
    }

    void run() {
        if (!waves_.empty()) model_.open_waves(waves_.c_str());
        top_.boot_addr_i = boot_;
        top_.instr_rvalid_i = top_.l2_rvalid_i = top_.dma_rvalid_i = 0;
        model_.reset(4);
        while (!ended_) {
            cycle();
            if ((cycles_ & 0x3fff) == 0 && progress_.due()) progress_.say(cycles_);
            if (cycles_ >= limit_ && !ended_) {
                std::string where;
                for (uint32_t address : fetched_) where += " " + hex(address);
                fail("no end of the program after " + std::to_string(limit_) + " cycles; last fetches from" + where);
            }
        }
        model_.finish();
        if (console_) std::fclose(console_);
        for (const auto& text : saves_) memory_.save(text);
        const auto cycles = static_cast<unsigned long long>(cycles_);
        if (trapped_) std::printf("trap %llu %u %u\n", cycles, code_, trap_pc_);
        else std::printf("done %llu %u\n", cycles, code_);
    }

private:
    // One cycle: settle, see what is asked for, clock, and set what is seen in the next cycle.
    void cycle() {
        model_.clock(0);
        if (top_.err_o) fail("core" + cores(top_.err_o) + ": an access where nothing is");
        const uint32_t fetches = top_.instr_req_o;
        for (int i = 0; i < CORES; ++i) {
            if (fetches >> i & 1) fetched_[i] = get_word(top_.instr_addr_o, i);
        }
        if (top_.l2_req_o) access();
        for (int i = 0; i < LANES; ++i) {
            if (!(top_.dma_req_o >> i & 1)) continue;
            const uint32_t address = get_word(top_.dma_addr_o, i);
            uint8_t* target = memory_.place(address, 4);
            if (!target) fail("the DMA engine asks for " + hex(address) + ", where nothing is");
            uint32_t word;
            std::memcpy(&word, target, 4);
            const uint32_t data = get_word(top_.dma_wdata_o, i);
            if (top_.dma_we_o >> i & 1) std::memcpy(target, &data, 4);
            lanes_[i].push(cycles_ + L2_LATENCY, word);
        }
        model_.clock(1);
        ++cycles_;
        top_.instr_rvalid_i = fetches;
        for (int i = 0; i < CORES; ++i) {
            if (!(fetches >> i & 1)) continue;
            uint32_t word = 0;  // illegal; a prefetch from nowhere is no mistake
            if (const uint8_t* source = memory_.place(fetched_[i] & ~3u, 4)) std::memcpy(&word, source, 4);
            set_word(top_.instr_rdata_i, i, word);
        }
        uint32_t word;
        if ((top_.l2_rvalid_i = l2_.pop(cycles_, word))) top_.l2_rdata_i = word;
        uint32_t valid = 0;
        for (int i = 0; i < LANES; ++i) {
            if (!lanes_[i].pop(cycles_, word)) continue;
            valid |= 1u << i;
            set_word(top_.dma_rdata_i, i, word);
        }
        top_.dma_rvalid_i = valid;
    }
    static std::string cores(uint32_t bits) {
        std::string text;
        for (int i = 0; i < CORES; ++i) if (bits >> i & 1) text += " " + std::to_string(i);
        return text;
    }
    // Of a core, to L2 or a register.
    void access() {
        const uint32_t address = top_.l2_addr_o & ~3u;
        const bool write = top_.l2_we_o;
        uint32_t word = 0;
        if (uint8_t* target = memory_.place(address, 4)) {
            std::memcpy(&word, target, 4);
            for (int i = 0; write && i < 4; ++i) {
                if (top_.l2_be_o >> i & 1) target[i] = top_.l2_wdata_o >> 8 * i;
            }
        } else if (address - REGISTERS < 0x20) {
            if (write) write_register(address - REGISTERS, top_.l2_wdata_o);
            else word = static_cast<uint32_t>(cycles_);
        } else {
            fail(std::string("a core ") + (write ? "writes to " : "reads from ") + hex(address) +
                 ", where nothing is");
        }
        l2_.push(cycles_ + L2_LATENCY, word);
    }
    void write_register(uint32_t offset, uint32_t value) {
        switch (offset) {
            case 0x00: end(value, false); break;
            case 0x04: if (console_) std::fputc(value & 0xff, console_); break;
            case 0x14: trap_pc_ = value; break;
            case 0x18: end(value, true); break;
            default: fail("a core writes to register " + hex(REGISTERS + offset) + ", which is not there");
        }
    }
    void end(uint32_t code, bool trap) {
        ended_ = true;
        trapped_ = trap;
        code_ = code;
    }

    Model model_;
    Vtop& top_ = model_.top;
    Progress progress_;
    ProgramMemory memory_{"L2"};
    std::vector<std::string> saves_;
    Pipe l2_, lanes_[LANES];
    std::string waves_;
    std::FILE* console_ = nullptr;
    bool ended_ = false, trapped_ = false;
    uint32_t boot_ = MEMORY, code_ = 0, trap_pc_ = 0, fetched_[CORES] = {};
    uint64_t cycles_ = 0, limit_ = ~0ull;
};

}  // namespace

int main(int argc, char** argv) {
    Cluster cluster;
    // L2 must be there before anything is loaded into it.
    for (int pass = 0; pass < 2; ++pass) {
        for (int i = 1; i < argc; ++i) {
            const std::string text = argv[i];
            const size_t equal = text.find('=');
            if (equal == std::string::npos) fail("not OPTION=VALUE: " + text);
            const std::string key = text.substr(0, equal);
            if ((key == "memory") == (pass == 0)) cluster.option(key, text.substr(equal + 1));
        }
    }
    cluster.run();
}
