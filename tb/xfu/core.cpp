// Runs a program on CV32E40X with the adapter, watching CV-X-IF; memory answers late, fails, and interrupts.
//
//     core FOLDER SEED BUILT PRECISE STALL INTERRUPTS ERRORS
//
// FOLDER/image.bin fills the memory at 0x8000_0000 and is where it is written back to at the end. STALL is in
// percent, how likely a bus makes the core wait in a cycle; INTERRUPTS the mean distance of interrupts on line
// 16, in cycles, 0 for none. ERRORS: 0 none; 1 every tenth load of the coprocessor below FAULT_END fails, at
// random; 2 those fail whose address `always_fails`.
//
// FOLDER/log.bin gets three words for each result: instruction, data, whether the load failed.
//
// Stores to 0x1000_0000 end the program, to +4 acknowledge the interrupt, to +8 mark a cycle.

#include <cstring>
#include <random>

#include "Vtop.h"
#include "Vtop___024root.h"
#include "verilated.h"
#include "x_if.h"

namespace {

constexpr uint32_t BASE = 0x80000000, SIZE = 4 << 20, FAULT_END = 0x80300000;
constexpr uint32_t END = 0x10000000, ACKNOWLEDGE = END + 4, MARK = END + 8;

bool always_fails(uint32_t address) { return address < FAULT_END && (address * 0x85ebca6bu >> 20 & 31) == 0; }

// One OBI bus: grants at random, answers in order.
class Bus {
public:
    struct Answer {
        uint64_t due;
        uint32_t data;
        bool error;
    };
    explicit Bus(std::mt19937& random, unsigned stall) : random_(random), stall_(stall) {}
    bool grants() { return random_() % 100 >= stall_; }
    void push(uint64_t cycle, uint32_t data, bool error) {
        const uint64_t wait = random_() % 100 < stall_ ? random_() % 5 : 0;
        last_ = std::max(last_ + 1, cycle + 1 + wait);
        answers_.push_back({last_, data, error});
    }
    const Answer* due(uint64_t cycle) const {
        return !answers_.empty() && answers_.front().due <= cycle ? &answers_.front() : nullptr;
    }
    void pop() { answers_.pop_front(); }

private:
    std::mt19937& random_;
    unsigned stall_;
    uint64_t last_ = 0;
    std::deque<Answer> answers_;
};

class Bench {
public:
    Bench(const std::string& folder, uint32_t seed, unsigned built, bool precise, unsigned stall, unsigned interrupts,
          unsigned errors)
        : path_(folder + "/image.bin"), random_(seed), instr_(random_, stall), data_(random_, stall),
          interrupts_(interrupts), errors_(errors),
          checker_({(built & 4) != 0, (built & 8) != 0, (built & 16) != 0}, precise), memory_(SIZE) {
        std::FILE* file = std::fopen(path_.c_str(), "rb");
        if (!file) fail("cannot read " + path_);
        if (std::fread(memory_.data(), 1, SIZE, file) == 0) fail("cannot read " + path_);
        std::fclose(file);
        log_ = std::fopen((folder + "/log.bin").c_str(), "wb");
        if (!log_) fail("cannot write log.bin");
    }

    void run() {
        top_.boot_addr_i = BASE;
        top_.rst_ni = 0;
        for (int i = 0; i < 4; ++i) clock();
        top_.rst_ni = 1;
        uint64_t first_mark = 0, last_mark = 0;
        while (!ended_) {
            drive();
            const XIf x = sample();
            checker_.cycle(x);
            answer(x);
            if (marked_) {
                if (!first_mark) first_mark = cycles_;
                last_mark = cycles_;
                marked_ = false;
            }
            if (x.result_valid && x.result_ready) {
                const uint32_t entry[] = {checker_.result_word, x.result_data, x.result_err};
                if (std::fwrite(entry, sizeof entry, 1, log_) != 1) fail("cannot write log.bin");
                progress_ = cycles_;
            }
            clock();
            if (++cycles_ - progress_ > 200000) fail("stuck after cycle " + std::to_string(progress_));
        }
        std::fclose(log_);
        std::FILE* file = std::fopen(path_.c_str(), "wb");
        if (!file || std::fwrite(memory_.data(), 1, SIZE, file) != SIZE) fail("cannot write " + path_);
        std::fclose(file);
        std::printf("cycles %llu marked %llu accepted %llu rejected %llu killed %llu results %llu errors %llu "
                    "interrupts %llu\n",
                    ull(cycles_), ull(last_mark - first_mark), ull(checker_.accepted), ull(checker_.rejected),
                    ull(checker_.killed), ull(checker_.results), ull(checker_.errors), ull(raised_));
    }

private:
    static unsigned long long ull(uint64_t value) { return value; }

    void clock() {
        top_.clk_i = 1;
        top_.eval();
        top_.clk_i = 0;
        top_.eval();
    }

    void drive() {
        if (interrupts_ && !pending_ && random_() % interrupts_ == 0) {
            pending_ = true;
            ++raised_;
        }
        const auto& root = *top_.rootp;
        top_.irq_i = pending_ << 16 |
                     static_cast<uint32_t>(root.tileloom_riscv_core__DOT__coprocessor__DOT__load_error) << 31;
        top_.instr_gnt_i = instr_.grants();
        top_.data_gnt_i = data_.grants();
        const Bus::Answer* answer = instr_.due(cycles_);
        top_.instr_rvalid_i = answer != nullptr;
        if (answer) top_.instr_rdata_i = answer->data;
        answer = data_.due(cycles_);
        top_.data_rvalid_i = answer != nullptr;
        if (answer) {
            top_.data_rdata_i = answer->data;
            top_.data_err_i = answer->error;
        }
        top_.eval();
    }

    XIf sample() const {
        XIf x;
        const auto& root = *top_.rootp;
#define X(name) x.name = root.tileloom_riscv_core__DOT__coprocessor__DOT__##name;
        X_IF_SIGNALS(X)
#undef X
        return x;
    }

    void answer(const XIf& x) {
        if (top_.instr_rvalid_i) instr_.pop();
        if (top_.data_rvalid_i) data_.pop();
        if (top_.instr_req_o && top_.instr_gnt_i) instr_.push(cycles_, word(top_.instr_addr_o), false);
        if (!top_.data_req_o || !top_.data_gnt_i) return;
        const uint32_t address = top_.data_addr_o;
        uint32_t value = 0;
        bool error = false;
        if (top_.data_we_o) {
            store(address, top_.data_wdata_o);
        } else {
            value = word(address);
            if (x.mem_valid && errors_ == 1) error = address < FAULT_END && random_() % 10 == 0;
            if (x.mem_valid && errors_ == 2) error = always_fails(x.mem_addr);
        }
        data_.push(cycles_, error ? random_() : value, error);
    }

    uint32_t word(uint32_t address) const {
        const uint32_t at = (address & ~3u) - BASE;
        // A fetch past the end, or down a wrong path, gets something; loads do not stray.
        uint32_t value = 0;
        if (at <= SIZE - 4) std::memcpy(&value, &memory_[at], 4);
        return value;
    }
    void store(uint32_t address, uint32_t value) {
        if (address == END) ended_ = true;
        if (address == ACKNOWLEDGE) pending_ = false;
        if (address == MARK) marked_ = true;
        const uint32_t at = (address & ~3u) - BASE;
        if (at > SIZE - 4) {
            if (address < END || address > MARK) fail("stored to " + std::to_string(address));
            return;
        }
        for (int i = 0; i < 4; ++i)
            if (top_.data_be_o >> i & 1) memory_[at + i] = value >> 8 * i;
    }

    Vtop top_;
    std::string path_;
    std::mt19937 random_;
    Bus instr_, data_;
    unsigned interrupts_, errors_;
    Checker checker_;
    std::vector<uint8_t> memory_;
    std::FILE* log_ = nullptr;
    uint64_t cycles_ = 0, progress_ = 0, raised_ = 0;
    bool pending_ = false, ended_ = false, marked_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 8) fail("usage: core FOLDER SEED BUILT PRECISE STALL INTERRUPTS ERRORS");
    Bench bench(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]) != 0, std::atoi(argv[5]),
                std::atoi(argv[6]), std::atoi(argv[7]));
    bench.run();
    return 0;
}
