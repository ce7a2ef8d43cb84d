// Drives the adapter alone over CV-X-IF: a pipeline like CV32E40X's, with random instructions and faster luck.
//
//     adapter FOLDER SEED INSTRUCTIONS BUILT PRECISE STALL BATCHED [+mutant=NUMBER]
//
// BUILT is the sum of the group sizes that are built. PRECISE: the adapter announces exceptions. STALL, in
// percent, is how likely each port makes the adapter wait in a cycle. BATCHED: commits and kills come as
// CORE-V-XIF 1.0 allows, with the handshake, before it, later, or with that of a neighbour; else as CV32E40X does.
//
// FOLDER/registers.bin has 32 words to start from. FOLDER/log.bin gets five words for everything that
// retires: kind, register or instruction, value, fault, address loaded from. Kind 1: another instruction
// wrote a register. Kind 2: an instruction of ours completed; value is what it gave. The memory's content is
// a function of the address, `byte_at`; the log is compared with the golden model in Python.

#include <optional>
#include <random>

#include "Vtop.h"
#include "verilated.h"
#include "x_if.h"

namespace {

uint8_t byte_at(uint32_t address) { return address * 0x9e3779b1u >> 11; }

class Master {
public:
    Master(const std::string& folder, uint32_t seed, uint64_t count, unsigned built, bool precise, unsigned stall,
           bool batched)
        : random_(seed), count_(count), built_{(built & 4) != 0, (built & 8) != 0, (built & 16) != 0},
          precise_(precise), batched_(batched), stall_(stall), checker_(built_, precise, batched) {
        std::FILE* file = std::fopen((folder + "/registers.bin").c_str(), "rb");
        if (!file || std::fread(registers_, 4, 32, file) != 32) fail("cannot read registers.bin");
        std::fclose(file);
        log_ = std::fopen((folder + "/log.bin").c_str(), "wb");
        if (!log_) fail("cannot write log.bin");
    }

    void run() {
        top_.rst = 1;
        clock();
        top_.rst = 0;
        while (completed_ < count_) {
            drive();
            checker_.cycle(sample());
            move();
            clock();
            if (++cycles_ - progress_ > 20000) fail("stuck after cycle " + std::to_string(progress_));
        }
        std::fclose(log_);
        std::printf("cycles %llu accepted %llu rejected %llu killed %llu results %llu errors %llu exceptions %llu\n",
                    ull(cycles_), ull(checker_.accepted), ull(checker_.rejected), ull(checker_.killed),
                    ull(checker_.results), ull(checker_.errors), ull(checker_.exceptions));
    }

private:
    struct Instruction {
        uint32_t word, value;         // value: what one of the core's own writes
        bool offload;                 // offered to the coprocessor
        bool accepted = false, rejected = false, committed = false, doomed = false;
        uint32_t id = 0;
        unsigned shown = 0;           // cycles in ID
        uint32_t rd() const { return word >> 7 & 31; }
        bool traps() const { return rejected && (word & 0x7f) != 0x73; }  // CSRs are offered too, but the core's
        bool loads() const { return accepted && !is_swap(word); }
    };
    struct Answer {
        uint32_t id, address;
        uint64_t due;
    };

    static unsigned long long ull(uint64_t value) { return value; }
    unsigned draw(unsigned end) { return random_() % end; }
    bool goes() { return draw(100) >= stall_; }

    void clock() {
        top_.clk = 1;
        top_.eval();
        top_.clk = 0;
        top_.eval();
    }

    Instruction random_instruction() {
        // Few registers, so that they meet.
        const uint32_t rd = draw(6), rs1 = draw(3) ? 15 : draw(8), rs2 = draw(3) ? 14 : draw(8);
        const unsigned kind = draw(24);
        if (kind < 4) return {draw(8) << 7 | 0x13, static_cast<uint32_t>(random_()), false};
        if (kind == 4) return {draw(1 << 12) << 20 | 0x1073 | rd << 7, 0, true};
        if (kind < 7) return {0x0600602b | rs1 << 15 | rd << 7, 0, true};
        uint32_t word = rd << 27 | draw(3) << 25 | rs2 << 20 | rs1 << 15 | 6 << 12 | rd << 7 | 0x2b;
        if (kind < 9) word ^= 1u << (7 + draw(25));  // mostly no instruction of ours any more
        return {word, 0, true};
    }

    // Everything of a cycle but the clock edge. What the core tells depends on the adapter's answers of the
    // same cycle, as in the core: first the results, then whether its pipeline moves, then what it offers.
    void drive() {
        if (!id_ && !trapped_ && goes()) id_ = random_instruction();
        trapped_ = false;
        if (id_ && !id_->rejected && !id_->committed && draw(40) == 0 && !(ex_ && ex_->offload))
            id_.reset();  // a branch taken
        drive_commit();
        const bool ours_in_wb = wb_ && wb_->accepted;
        // Of a host that is not CV32E40X it may go away once the load is asked for, until that is taken.
        top_.result_ready = ours_in_wb && !(batched_ && asking_ && draw(3) == 0);
        top_.mem_result_valid = !answers_.empty() && answers_.front().due <= cycles_ && goes();
        if (!answers_.empty()) {
            const Answer& answer = answers_.front();
            top_.mem_result_id = answer.id;
            top_.mem_result_err = draw(20) == 0;
            top_.mem_result_rdata = 0;
            for (int i = 0; i < 4; ++i)
                top_.mem_result_rdata |= static_cast<uint32_t>(byte_at((answer.address & ~3u) + i)) << 8 * i;
        }
        top_.mem_exc = precise_ && draw(30) == 0;
        top_.mem_exccode = draw(64);
        const bool grants = goes();
        top_.mem_ready = grants;
        top_.issue_valid = 0;
        top_.eval();

        wb_done_ = wb_ && (ours_in_wb ? top_.result_valid && top_.result_ready : goes());
        const bool wb_ready = !wb_ || wb_done_;
        held_ = precise_ && wb_ && wb_->loads();
        const bool ex_ready = !ex_ || !ex_->offload || ex_->committed;
        if (!top_.mem_valid) top_.mem_ready = wb_ready && grants && (ex_ready || held_);
        moves_ = top_.mem_ready && !top_.mem_valid && !held_;
        drive_issue(wb_ready);
        top_.eval();
        if (batched_) drive_early_commit();
        top_.eval();
    }

    bool may_trap(const std::optional<Instruction>& which) const {
        return which && ((precise_ && which->loads()) || which->traps());
    }

    void drive_commit() {
        top_.commit_valid = reaches_on_ = 0;
        top_.commit_id = random_();
        top_.commit_kill = draw(2);
        if (!ex_ || !ex_->offload || ex_->committed) return;
        if (!ex_->doomed && may_trap(wb_)) return;
        if (!goes()) return;
        const bool flush = ex_->doomed || (ex_->accepted && draw(12) == 0);
        top_.commit_valid = 1;
        top_.commit_id = ex_->id;
        top_.commit_kill = flush || (batched_ ? ex_->traps() : ex_->rejected);
        // The one in WB is committed; the id before may be nobody's.
        if (batched_ && top_.commit_kill) top_.commit_id = (ex_->id - draw(2)) & 15;
        reaches_on_ = batched_ && !top_.commit_kill && !may_trap(ex_) && draw(2);
        ex_->committed = true;
        if (flush) {
            ex_.reset();
            id_.reset();
        }
    }

    bool ours(uint32_t word) const { return is_swap(word) || is_decimate(word, built_); }

    // For an instruction that is offered in this cycle, taken or not.
    void drive_early_commit() {
        kill_id_ = false;
        if (reaches_on_ && !top_.issue_valid && !(id_ && id_->offload)) top_.commit_id = next_id_;  // nobody's
        if (reaches_on_ && top_.issue_valid && ours(id_->word)) {
            top_.commit_id = next_id_;
            id_->committed = true;
        }
        if (top_.commit_valid || !top_.issue_valid || id_->committed || !ours(id_->word)) return;
        if (may_trap(wb_) || may_trap(ex_) || (ex_ && ex_->offload && !ex_->committed)) return;
        if (draw(3)) return;
        kill_id_ = draw(6) == 0;
        top_.commit_valid = 1;
        top_.commit_kill = kill_id_;
        top_.commit_id = (next_id_ + (kill_id_ ? -draw(2) : draw(2))) & 15;
        id_->committed = !kill_id_;
    }

    void drive_issue(bool wb_ready) {
        top_.issue_instr = id_ ? id_->word : draw(4) << 7 | 0x13;
        top_.issue_id = next_id_;
        if (!id_ || !id_->offload || id_->rejected) {
            offered_ = false;
            return;
        }
        // A register that one of ours is about to write is waited for.
        bool stall = false;
        for (const uint32_t at : {15, 20, 27}) {
            const uint32_t reg = id_->word >> at & 31;
            if (!reg) continue;
            stall |= ex_ && ex_->accepted && ex_->rd() == reg;
            stall |= wb_ && wb_->accepted && wb_->rd() == reg && !wb_ready;
        }
        if (!offered_) rs_valid_ = 0;
        rs_valid_ |= goes() ? 7 : draw(8);
        offered_ = !stall;
        top_.issue_valid = offered_;
        top_.issue_rs_valid = rs_valid_;
        top_.issue_rs1 = forwarded(id_->word >> 15 & 31);
        top_.issue_rs2 = forwarded(id_->word >> 20 & 31);
        top_.issue_rs3 = registers_[id_->word >> 27];  // as it is, CV32E40X forwards the other two only
    }

    uint32_t forwarded(uint32_t reg) const {
        if (!reg) return 0;
        if (ex_ && ex_->rd() == reg && !ex_->rejected) return ex_->value;
        if (wb_ && wb_->rd() == reg && !wb_->rejected) return wb_->accepted ? top_.result_data : wb_->value;
        return registers_[reg];
    }

    XIf sample() const {
        XIf x;
#define X(name) x.name = top_.name;
        X_IF_SIGNALS(X)
#undef X
        return x;
    }

    // The clock edge.
    void move() {
        if (top_.mem_result_valid) answers_.pop_front();
        asking_ = top_.mem_valid && !top_.mem_ready;
        if (top_.mem_valid && top_.mem_ready) {
            address_ = top_.mem_addr;
            if (!top_.mem_exc)
                answers_.push_back({top_.mem_id, top_.mem_addr, cycles_ + 1 + (goes() ? 0 : draw(6))});
        }
        if (top_.issue_valid && top_.issue_ready) {
            id_->accepted = top_.issue_accept;
            id_->rejected = !top_.issue_accept;
            id_->id = next_id_;
            // CV32E40X repeats it if a bubble follows; others leave some out.
            next_id_ = (next_id_ + (batched_ ? 1 + draw(2) : draw(4) != 0)) & 15;
            offered_ = false;
            if (id_->accepted && !moves_) fail("accepted in a cycle in which EX takes nothing");
        }
        if (kill_id_) {
            id_.reset();
            next_id_ = (next_id_ + 1) & 15;  // if it was not taken: the offer's end
        }
        if (wb_done_) {
            trapped_ = retire(*wb_);
            wb_.reset();
        }
        if (moves_) {
            wb_ = ex_;
            ex_.reset();
            if (id_ && (id_->accepted || id_->rejected || (!id_->offload && id_->shown && goes()))) {
                ex_ = id_;
                id_.reset();
            }
        }
        if (id_) ++id_->shown;
        if (trapped_) {
            id_.reset();
            if (ex_ && ex_->offload) {
                ex_->doomed = true;
            } else {
                ex_.reset();
            }
        }
    }

    // Returns whether it traps, as it should, and as CV32E40X does not.
    bool retire(const Instruction& done) {
        if (done.rejected) return done.traps();
        if (!done.accepted) {
            if (done.rd()) registers_[done.rd()] = done.value;
            log(1, done.rd(), done.value, 0);
            return false;
        }
        if (!top_.result_exc && done.rd()) registers_[done.rd()] = top_.result_data;
        log(2, done.word, top_.result_data, top_.result_exc || top_.result_err);
        ++completed_;
        progress_ = cycles_;  // of ours: the others retire, whatever the adapter does
        return top_.result_exc && draw(2);
    }

    void log(uint32_t kind, uint32_t what, uint32_t value, uint32_t fault) {
        const uint32_t entry[] = {kind, what, value, fault, address_};
        if (std::fwrite(entry, sizeof entry, 1, log_) != 1) fail("cannot write log.bin");
    }

    Vtop top_;
    std::mt19937 random_;
    uint64_t count_;
    Built built_;
    bool precise_, batched_;
    unsigned stall_;
    Checker checker_;
    std::FILE* log_ = nullptr;
    uint32_t registers_[32];
    uint64_t cycles_ = 0, completed_ = 0, progress_ = 0;
    std::optional<Instruction> id_, ex_, wb_;
    std::deque<Answer> answers_;
    bool offered_ = false, wb_done_ = false, held_ = false, moves_ = false, trapped_ = false,
         kill_id_ = false, reaches_on_ = false, asking_ = false;
    uint32_t next_id_ = 0, rs_valid_ = 0, address_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 8) fail("usage: adapter FOLDER SEED INSTRUCTIONS BUILT PRECISE STALL BATCHED [+mutant=NUMBER]");
    Verilated::commandArgs(argc, argv);
    Master master(argv[1], std::atoi(argv[2]), std::atoll(argv[3]), std::atoi(argv[4]), std::atoi(argv[5]) != 0,
                  std::atoi(argv[6]), std::atoi(argv[7]) != 0);
    master.run();
    return 0;
}
