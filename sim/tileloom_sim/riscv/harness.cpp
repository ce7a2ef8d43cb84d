// Runs a program on the RISC-V system: the Verilator model, its memory and registers, no Python in the loop.
//
//     system OPTION=VALUE...            numbers in decimal or 0x...
//
//     memory=BYTES                      size of the memory at 0x8000_0000
//     boot=ADDRESS                      first instruction
//     load=ADDRESS:FILE                 fill memory from a file; may be repeated
//     save=ADDRESS:BYTES:FILE           write memory to a file at the end; may be repeated
//     limit=CYCLES                      give up after so many
//     instr=GRANT:RESPONSE  data=...    wait states before a grant, and between a grant and its answer beyond
//                                       the one cycle that OBI needs
//     level1=BYTES:WAYS:LINE:CYCLES     a cache on each bus, and one behind both (cache.h); CYCLES from a request to its
//     level2=BYTES:WAYS:LINE:CYCLES     answer at a hit, of level2 on top of level1's
//     behind=CYCLES                     of the memory behind them, on top of both
//     random=SEED                       wait states are drawn anew each time, from 0 to the number given
//     instr_error=FIRST:END:TIMES       answer with a bus error; TIMES accesses only, 0: always; may be repeated
//     data_error=FIRST:END:TIMES
//     memory_error=FIRST:END:TIMES      the same at a unit's own memory port
//     count=ADDRESS:BYTES               count the data accesses there; may be repeated
//     axi=AR:R:AW:W:B                   of 65536, how often a channel of the device's AXI4 master waits in a cycle
//     axi_seed=SEED                     of that, and of noise; with bit 1 READY comes only behind VALID
//     axi_error=FIRST:END:RESPONSE      answer the master with an error; may be repeated
//     streams=A:W:R:P                   of 65536, how often the DMA channel of activations, weights, results, psum_in
//                                       waits in a cycle
//     streams_seed=SEED                 of that
//     interrupts=SEED:MEAN              raise line 17 at random, MEAN cycles apart, until acknowledged
//     errors=0|1                        whether the core has error inputs; without, an error ends the run
//     console=FILE                      what the program prints
//     waves=FILE                        VCD, if built with it
//
// The memory map is in system.py. Standard output is a line "progress CYCLES" now and then, at the end a line
// "count READS WRITES BYTES_READ BYTES_WRITTEN" for each place that is counted, in order, with caches a line "cache
// ACCESSES MISSES" for that of the instruction bus, of the data bus, and level 2, and then "done CYCLES CODE" or
// "trap CYCLES CAUSE PC".

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

#define CLOCK clk_i
#define RESET rst_ni
#define RESET_ACTIVE 0
#include "harness.h"
#include "bus.h"
#include "program_memory.h"
#include "cache.h"
#if defined(BEAT_BYTES)
#include "master_memory.h"
#elif defined(SUM_BYTES)
#include "stream_dma.h"
#endif

namespace {

constexpr uint32_t REGISTERS = 0x10000000;
constexpr uint32_t TIMER_LINE = 1u << 7;
constexpr uint32_t RANDOM_LINE = 1u << 17;

// How often the core accesses a place in memory.
struct Counter {
    uint32_t first;
    uint64_t bytes;
    uint64_t accesses[2] = {0, 0};
    uint64_t moved[2] = {0, 0};

    void see(uint32_t address, bool write, uint32_t lanes) {
        if (address - first >= bytes) return;
        ++accesses[write];
        for (; lanes; lanes &= lanes - 1) ++moved[write];
    }
};

#ifdef MEMORY_BITS
// Words of a signal of the unit's memory port, 32 to 128 bits.
template <typename Signal>
uint32_t word(const Signal& signal, int index) {
    return static_cast<uint32_t>(static_cast<uint64_t>(signal) >> 32 * index);
}
template <std::size_t Words>
uint32_t word(const VlWide<Words>& signal, int index) { return signal[index]; }
template <typename Signal>
void set_word(Signal& signal, int index, uint32_t value) {
    if (index == 0) signal = value;
    else signal = static_cast<Signal>(signal | static_cast<uint64_t>(value) << 32);
}
template <std::size_t Words>
void set_word(VlWide<Words>& signal, int index, uint32_t value) { signal[index] = value; }
#endif

// A device that moves no data by itself.
#if !defined(BEAT_BYTES) && !defined(SUM_BYTES)
class Mover {
public:
    Mover(Vtop&, std::vector<uint8_t>&) {}
    bool option(const std::string&, const std::string&) { return false; }
    void reset() {}
    void drive() {}
    void take() {}
    bool has_register(uint32_t) const { return false; }
    void write(uint32_t, uint32_t) {}
    uint32_t read(uint32_t) const { return 0; }
};
#endif

class System {
public:
    void option(const std::string& key, const std::string& value) {
        if (key == "memory") memory_.bytes().resize(number(value));
        else if (key == "boot") boot_ = number(value);
        else if (key == "load") memory_.load(value);
        else if (key == "save") saves_.push_back(value);
        else if (key == "limit") limit_ = number(value);
        else if (key == "instr") instr_.waits(value);
        else if (key == "data") data_.waits(value), port_.waits(value);
        else if (key == "level1" || key == "level2") levels_[key == "level2"] = value;
        else if (key == "behind") behind_ = number(value);
        else if (key == "random") randomise(number(value));
        else if (key == "instr_error") instr_.add_error(value);
        else if (key == "data_error") data_.add_error(value);
        else if (key == "memory_error") port_.add_error(value);
        else if (key == "count") count(value);
        else if (key == "interrupts") interrupts(value);
        else if (key == "errors") has_errors_ = number(value);
        else if (key == "console") console_ = std::fopen(value.c_str(), "wb");
        else if (key == "waves") waves_ = value;
        else if (!mover_.option(key, value)) fail("no such option: " + key);
    }

    void run() {
        instr_.start(random_waits_ ? &wait_random_ : nullptr);
        data_.start(random_waits_ ? &wait_random_ : nullptr);
        port_.start(random_waits_ ? &wait_random_ : nullptr);
        if (!levels_[0].empty()) build_caches();
        if (!waves_.empty()) model_.open_waves(waves_.c_str());
        reset();
        while (!ended_) {
            cycle();
            if ((cycles_ & 0xffff) == 0 && progress_.due()) progress_.say(cycles_);
            if (cycles_ >= limit_ && !ended_) {
                fail("no end of the program after " + std::to_string(limit_) + " cycles; last fetch from " +
                     hex(last_fetch_));
            }
        }
        model_.finish();
        if (console_) std::fclose(console_);
        for (const auto& text : saves_) memory_.save(text);
        for (const auto& each : counters_) {
            std::printf("count");
            for (const auto* pair : {each.accesses, each.moved})
                for (int i = 0; i < 2; ++i) std::printf(" %llu", static_cast<unsigned long long>(pair[i]));
            std::printf("\n");
        }
        for (const auto* cache : {fetch_cache_, data_cache_, level2_}) {
            if (cache) std::printf("cache %llu %llu\n", static_cast<unsigned long long>(cache->accesses),
                                   static_cast<unsigned long long>(cache->misses));
        }
        const auto cycles = static_cast<unsigned long long>(cycles_);
        if (trapped_) std::printf("trap %llu %u %u\n", cycles, code_, trap_pc_);
        else std::printf("done %llu %u\n", cycles, code_);
    }

private:
    void randomise(uint64_t seed) {
        random_waits_ = true;
        wait_random_.seed(seed);
    }
    void count(const std::string& text) {
        const auto fields = split(text, 2);
        counters_.push_back({static_cast<uint32_t>(number(fields[0])), number(fields[1])});
    }
    void interrupts(const std::string& text) {
        const auto fields = split(text, 2);
        irq_random_.seed(number(fields[0]));
        irq_mean_ = number(fields[1]);
        schedule_interrupt();
    }
    void schedule_interrupt() { next_irq_ = cycles_ + 1 + irq_random_() % (2 * irq_mean_); }

    void build_caches() {
        level2_ = cache(levels_[1], nullptr);
        fetch_cache_ = cache(levels_[0], level2_);
        data_cache_ = cache(levels_[0], level2_);
    }
    Cache* cache(const std::string& text, Cache* next) {
        const auto fields = split(text, 4);
        uint64_t numbers[4];
        for (int i = 0; i < 4; ++i) numbers[i] = number(fields[i]);
        caches_.emplace_back(numbers[0], numbers[1], numbers[2], numbers[3], next, behind_);
        return &caches_.back();
    }

    void reset() {
        top_.boot_addr_i = boot_;
        top_.irq_i = 0;
        top_.instr_gnt_i = top_.instr_rvalid_i = top_.data_gnt_i = top_.data_rvalid_i = 0;
        mover_.reset();
        model_.reset(4);
        drive();
    }

    // One cycle: settle, see what is asked for, clock, and set what is seen in the next cycle.
    void cycle() {
        model_.clock(0);
        const bool fetch = top_.instr_req_o && top_.instr_gnt_i;
        const bool access = top_.data_req_o && top_.data_gnt_i;
        if (fetch) answer_fetch(top_.instr_addr_o);
        if (access) answer_access(top_.data_addr_o);
        mover_.take();
        instr_.next(top_.instr_req_o, fetch);
        data_.next(top_.data_req_o, access);
        answer_port();
        model_.clock(1);
        ++cycles_;
        drive();
    }
    void drive() {
        Answer answer;
        top_.instr_gnt_i = instr_.grant();
        top_.instr_rvalid_i = instr_.take(cycles_, answer);
        if (top_.instr_rvalid_i) {
            top_.instr_rdata_i = answer.data;
            top_.instr_err_i = answer.error;
        }
        top_.data_gnt_i = data_.grant();
        top_.data_rvalid_i = data_.take(cycles_, answer);
        if (top_.data_rvalid_i) {
            top_.data_rdata_i = answer.data;
            top_.data_err_i = answer.error;
        }
        drive_port();
        if (timer_ != 0 && cycles_ >= timer_) lines_ |= TIMER_LINE;
        if (irq_mean_ != 0 && cycles_ >= next_irq_) lines_ |= RANDOM_LINE;
        top_.irq_i = lines_;
        mover_.drive();
    }

    void answer_fetch(uint32_t address) {
        last_fetch_ = address;
        uint32_t word = 0;
        const uint8_t* source = memory_.place(address & ~3u, 4);
        if (source) std::memcpy(&word, source, 4);
        // A prefetch from nowhere is no mistake; executing what it brought (0: illegal) is.
        instr_.answer(cycles_, word, !source || instr_.must_fail(address),
                      source && fetch_cache_ ? fetch_cache_->access(address) : 1);
    }
    void answer_access(uint32_t address) {
        const bool write = top_.data_we_o;
        for (auto& each : counters_) each.see(address & ~3u, write, top_.data_be_o);
        uint32_t word = 0;
        uint64_t cycles = 1;
        bool error = data_.must_fail(address);
        if (!error) {
            if (uint8_t* target = memory_.place(address & ~3u, 4)) {
                std::memcpy(&word, target, 4);
                if (data_cache_) cycles = data_cache_->access(address);
                if (write) {
                    const uint32_t data = top_.data_wdata_o;
                    for (int i = 0; i < 4; ++i) {
                        if (top_.data_be_o >> i & 1) target[i] = data >> 8 * i;
                    }
                }
            } else if (address - REGISTERS < 0x1000) {
                if (write) write_register(address - REGISTERS, top_.data_wdata_o);
                else word = read_register(address - REGISTERS);
            } else if (mover_.has_register(address)) {
                if (write) mover_.write(address, top_.data_wdata_o);
                else word = mover_.read(address);
            } else {
                error = true;
            }
        }
        if (error && !has_errors_) {
            fail(std::string("the program ") + (write ? "writes to " : "reads from ") + hex(address) +
                 ", where nothing is; last fetch from " + hex(last_fetch_));
        }
        data_.answer(cycles_, word, error, cycles);
    }

#ifdef MEMORY_BITS
    static constexpr int PORT_BYTES = MEMORY_BITS / 8;

    void drive_port() {
        Answer answer;
        top_.memory_gnt_i = port_.grant();
        top_.memory_rvalid_i = port_.take(cycles_, answer);
        // While nothing is answered there is what no unit must look at.
        top_.memory_err_i = top_.memory_rvalid_i ? answer.error : cycles_ & 1;
        for (int i = 0; i < PORT_BYTES / 4; ++i) {
            uint32_t data = 0xdeadbeef;
            if (top_.memory_rvalid_i && !answer.error) data = port_words_.front(), port_words_.pop_front();
            set_word(top_.memory_rdata_i, i, data);
        }
    }
    void answer_port() {
        const bool taken = top_.memory_req_o && top_.memory_gnt_i;
        port_.next(top_.memory_req_o, taken);
        if (!taken) return;
        const uint32_t address = top_.memory_addr_o;
        uint8_t* target = port_.must_fail(address) ? nullptr : memory_.place(address, PORT_BYTES);
        uint64_t cycles = 1;
        if (target) {
            if (data_cache_) cycles = data_cache_->access(address);
            for (int i = 0; i < PORT_BYTES; i += 4) {
                uint32_t data;
                std::memcpy(&data, target + i, 4);
                port_words_.push_back(data);
                if (!top_.memory_we_o) continue;
                const uint32_t written = word(top_.memory_wdata_o, i / 4);
                for (int byte = 0; byte < 4; ++byte) {
                    if (top_.memory_be_o >> (i + byte) & 1) target[i + byte] = written >> 8 * byte;
                }
            }
        }
        port_.answer(cycles_, 0, !target, cycles);
    }
#else
    void drive_port() {}
    void answer_port() {}
#endif

    void write_register(uint32_t offset, uint32_t value) {
        switch (offset) {
            case 0x00: end(value, false); break;
            case 0x04: if (console_) std::fputc(value & 0xff, console_); break;
            case 0x08: lines_ = (lines_ & (TIMER_LINE | RANDOM_LINE)) | (value & ~(TIMER_LINE | RANDOM_LINE)); break;
            case 0x0c: timer_ = value ? cycles_ + value : 0; lines_ &= ~TIMER_LINE; break;
            case 0x10: lines_ &= ~RANDOM_LINE; if (irq_mean_) schedule_interrupt(); break;
            case 0x14: trap_pc_ = value; break;
            case 0x18: end(value, true); break;
            default: fail("the program writes to register " + hex(REGISTERS + offset) + ", which is not there");
        }
    }
    uint32_t read_register(uint32_t offset) const {
        switch (offset) {
            case 0x08: return lines_;
            case 0x1c: return static_cast<uint32_t>(cycles_);
            case 0x20: return static_cast<uint32_t>(cycles_ >> 32);
            default: fail("the program reads register " + hex(REGISTERS + offset) + ", which is not there");
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
    ProgramMemory memory_{"the memory"};
    Mover mover_{top_, memory_.bytes()};
    Bus instr_, data_, port_;
    std::deque<uint32_t> port_words_;  // read there, of answers to come
    std::string levels_[2];
    uint64_t behind_ = 0;
    std::deque<Cache> caches_;
    Cache *fetch_cache_ = nullptr, *data_cache_ = nullptr, *level2_ = nullptr;
    std::vector<std::string> saves_;
    std::vector<Counter> counters_;
    std::string waves_;
    std::FILE* console_ = nullptr;
    std::mt19937 wait_random_, irq_random_;
    bool random_waits_ = false, has_errors_ = true, ended_ = false, trapped_ = false;
    uint32_t boot_ = MEMORY, lines_ = 0, code_ = 0, trap_pc_ = 0, last_fetch_ = 0;
    uint64_t cycles_ = 0, limit_ = ~0ull, timer_ = 0, irq_mean_ = 0, next_irq_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    System system;
    // The memory must be there before anything is loaded into it.
    for (int pass = 0; pass < 2; ++pass) {
        for (int i = 1; i < argc; ++i) {
            const std::string text = argv[i];
            const size_t equal = text.find('=');
            if (equal == std::string::npos) fail("not OPTION=VALUE: " + text);
            const std::string key = text.substr(0, equal);
            if ((key == "memory") == (pass == 0)) system.option(key, text.substr(equal + 1));
        }
    }
    system.run();
}
