// CV-X-IF: what is on the interface in one cycle, and a checker of the protocol.
//
// The rules are those of the CORE-V-XIF specification (OpenHW Group), in the revision that CV32E40X 0.6.0
// implements: every instruction that was issued, accepted or not, gets exactly one commit transaction, in the
// order of issue. Where the core's behaviour is narrower than the specification's, the checker holds the core
// to it too, since the adapter relies on it. In two things the core is allowed less, as CV32E40X does less: of an
// instruction that was rejected and then killed in ID it commits nothing; and after a bubble in ID it gives the
// id of the last instruction again, although that may still be in flight, so that of instructions with the same
// id the oldest that it can be is meant.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

[[noreturn]] inline void fail(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(2);
}

// One cycle, sampled before the clock's rising edge. Names as in the adapter.
#define X_IF_SIGNALS(X)                                                                             \
    X(issue_valid) X(issue_ready) X(issue_instr) X(issue_id) X(issue_rs_valid) X(issue_accept)      \
    X(issue_writeback) X(issue_loadstore) X(issue_exc) X(commit_valid) X(commit_id) X(commit_kill)  \
    X(mem_valid) X(mem_ready) X(mem_id) X(mem_addr) X(mem_mode) X(mem_we) X(mem_size) X(mem_be)     \
    X(mem_attr) X(mem_last) X(mem_spec) X(mem_exc) X(mem_exccode) X(mem_result_valid)               \
    X(mem_result_id) X(mem_result_rdata) X(mem_result_err) X(result_valid) X(result_ready)          \
    X(result_id) X(result_data) X(result_rd) X(result_we) X(result_exc) X(result_exccode) X(result_err) \
    X(load_error)

struct XIf {
#define X(name) uint32_t name = 0;
    X_IF_SIGNALS(X)
#undef X
};

struct Built {
    bool size_4, size_8, size_16;
};

// Whether the coprocessor has to accept an instruction; written apart from the RTL's decoder.
inline bool is_decimate(uint32_t word, const Built& built) {
    const uint32_t which = word >> 25 & 3, rd = word >> 7 & 31, rs3 = word >> 27;
    const bool there[] = {built.size_4, built.size_8, built.size_16, false};
    return (word & 0x707f) == 0x602b && there[which] && rd == rs3;
}
inline bool is_swap(uint32_t word) { return (word & 0xfff0707f) == 0x0600602b; }

class Checker {
public:
    Checker(const Built& built, bool precise, bool batched = false)
        : built_(built), precise_(precise), batched_(batched) {}

    void cycle(const XIf& x) {
        ++cycles_;
        // The order within a cycle: what is answered may be requested in the same cycle.
        issue(x);
        if (batched_)
            commit_in_batches(x);
        else
            commit(x);
        memory(x);
        memory_result(x);
        result(x);
        failed_loads(x);
        for (auto f = flying_.begin(); f != flying_.end();) f = f->over() ? flying_.erase(f) : f + 1;
        for (const Flying& f : flying_)
            expect(cycles_ - f.since < PATIENCE || !f.accepted, "no result for a long time", f.id);
        last_ = x;
    }

    uint32_t result_word = 0;  // the instruction of the last result
    uint64_t accepted = 0, rejected = 0, killed = 0, loads = 0, results = 0, errors = 0, exceptions = 0;

private:
    static constexpr uint64_t PATIENCE = 5000, INTERRUPT_CYCLES = 6;

    struct Flying {
        uint32_t word, id;
        uint64_t since;
        bool accepted, load, may_trap;
        bool committed = false, killed = false;
        uint64_t killed_at = 0, answered_at = 0;
        bool requested = false, answered = false, exc = false, err = false, done = false;
        uint32_t exccode = 0;
        bool failed() const { return exc || err; }
        bool over() const {
            if (!accepted) return committed || killed;
            return done || (killed && (!requested || answered));
        }
    };

    void expect(bool holds, const char* what, uint32_t id) const {
        if (holds) return;
        fail("CV-X-IF: cycle " + std::to_string(cycles_) + ", id " + std::to_string(id) + ": " + what);
    }
    template <typename Condition>
    Flying* oldest(uint32_t id, Condition can_be) {
        for (Flying& f : flying_)
            if (f.id == id && can_be(f)) return &f;
        return nullptr;
    }

    void issue(const XIf& x) {
        if (!x.issue_valid) return;
        if (last_.issue_valid && !last_.issue_ready && last_.issue_id == x.issue_id)
            expect(last_.issue_instr == x.issue_instr, "issue_req.instr changed before it was taken", x.issue_id);
        if (!x.issue_ready) return;
        const bool decimate = is_decimate(x.issue_instr, built_), swap = is_swap(x.issue_instr);
        expect(x.issue_accept == (decimate || swap), "accept is not what the encoding says", x.issue_id);
        expect(x.issue_writeback == x.issue_accept, "writeback is wrong", x.issue_id);
        expect(x.issue_loadstore == decimate, "loadstore is wrong", x.issue_id);
        expect(x.issue_exc == (decimate && precise_), "exc is wrong", x.issue_id);
        if (decimate) expect(x.issue_rs_valid == 7, "accepted before its operands were valid", x.issue_id);
        if (swap) expect(x.issue_rs_valid & 1, "accepted before its operand was valid", x.issue_id);
        flying_.push_back({x.issue_instr, x.issue_id, cycles_, x.issue_accept != 0, decimate, x.issue_exc != 0});
        ++(x.issue_accept ? accepted : rejected);
    }

    // How much younger one id is than another, from -8 to 7; ids have 4 bits.
    static int younger(uint32_t id, uint32_t than) { return static_cast<int>((id - than + 8) & 15) - 8; }

    void commit_in_batches(const XIf& x) {
        if (!x.issue_valid || x.issue_ready) {
            if (x.issue_valid && offer_committed_) flying_.back().committed = true;
            offer_committed_ = false;
        }
        if (!x.commit_valid) return;
        for (Flying& f : flying_) {
            const int distance = younger(x.commit_id, f.id);
            if (x.commit_kill && distance <= 0 && !f.committed && !f.killed) {
                f.killed = true;
                f.killed_at = cycles_;
                if (f.accepted) ++killed;
            }
            if (!x.commit_kill && distance >= 0 && !f.killed) f.committed = true;
        }
        if (x.issue_valid && !x.issue_ready && !x.commit_kill && younger(x.commit_id, x.issue_id) >= 0)
            offer_committed_ = true;
    }

    void commit(const XIf& x) {
        if (!x.commit_valid) return;
        // Of an accepted instruction, if there is one: a rejected one is not in EX any more then.
        const auto open = [&](const Flying& f) { return !f.committed && !f.killed && f.since < cycles_; };
        Flying* f = oldest(x.commit_id, [&](const Flying& f) { return f.accepted && open(f); });
        if (!f) f = oldest(x.commit_id, [&](const Flying& f) { return open(f); });
        expect(f, "commit without issue, or second commit", x.commit_id);
        expect(f->accepted || x.commit_kill, "rejected, and yet committed", x.commit_id);
        for (const Flying& older : flying_) {
            if (&older == f) break;
            const bool decided = older.committed || older.killed || !older.accepted;
            expect(decided, "a newer instruction's commit came before", older.id);
            if (older.may_trap && !older.done && !older.killed)
                expect(x.commit_kill, "committed behind an instruction that may still trap", x.commit_id);
        }
        for (Flying& older : flying_) {
            if (&older == f) break;
            if (!older.accepted) older.killed = true;  // in silence, if not aloud
        }
        if (x.commit_kill) {
            f->killed = true;
            f->killed_at = cycles_;
            if (f->accepted) ++killed;
        } else {
            f->committed = true;
        }
    }

    void memory(const XIf& x) {
        if (last_.mem_valid && !last_.mem_ready) {
            expect(x.mem_valid, "mem_valid went away before it was taken", last_.mem_id);
            expect(x.mem_id == last_.mem_id && x.mem_addr == last_.mem_addr && x.mem_be == last_.mem_be &&
                       x.mem_size == last_.mem_size && x.mem_we == last_.mem_we && x.mem_last == last_.mem_last &&
                       x.mem_mode == last_.mem_mode && x.mem_attr == last_.mem_attr && x.mem_spec == last_.mem_spec,
                   "mem_req changed before it was taken", x.mem_id);
        }
        if (!x.mem_valid) return;
        Flying* f = oldest(x.mem_id, [](const Flying& f) { return f.accepted && f.load && !f.requested; });
        expect(f, "memory request without an accepted load, or after the last one", x.mem_id);
        expect(!f->killed || f->killed_at == cycles_, "memory request of a killed instruction", x.mem_id);
        expect(f->committed || x.mem_spec, "memory request not marked as speculative", x.mem_id);
        expect(!x.mem_we && x.mem_last && x.mem_size == 0 && x.mem_attr == 0 && x.mem_mode == 3,
               "not the only, aligned byte load of an instruction", x.mem_id);
        expect(x.mem_be == 1u << (x.mem_addr & 3), "be does not match addr", x.mem_id);
        if (!x.mem_ready) return;
        f->requested = true;
        ++loads;
        if (x.mem_exc) {
            f->answered = f->exc = true;
            f->answered_at = cycles_;
            f->exccode = x.mem_exccode;
        } else {
            outstanding_.push_back(f->id);
        }
    }

    void memory_result(const XIf& x) {
        if (!x.mem_result_valid) return;
        expect(!outstanding_.empty() && outstanding_.front() == x.mem_result_id,
               "memory result out of order, or of no request", x.mem_result_id);
        outstanding_.pop_front();
        Flying* f = oldest(x.mem_result_id, [](const Flying& f) { return f.requested && !f.answered; });
        expect(f, "memory result for no one", x.mem_result_id);
        f->answered = true;
        f->answered_at = cycles_;
        f->err = x.mem_result_err;
    }

    void result(const XIf& x) {
        if (last_.result_valid && !last_.result_ready)
            expect(x.result_valid && x.result_id == last_.result_id && x.result_data == last_.result_data &&
                       x.result_rd == last_.result_rd && x.result_we == last_.result_we &&
                       x.result_exc == last_.result_exc && x.result_exccode == last_.result_exccode &&
                       x.result_err == last_.result_err,
                   "result changed before it was taken", last_.result_id);
        for (const Flying& f : flying_) {
            if (!f.answered || f.killed || f.done) continue;
            const uint64_t held_back = precise_ && f.failed() ? INTERRUPT_CYCLES : 0;
            expect(x.result_valid == (cycles_ >= f.answered_at + held_back), "result at the wrong time", f.id);
        }
        if (!x.result_valid) return;
        Flying* f = oldest(x.result_id, [](const Flying& f) { return f.accepted && !f.killed && !f.done; });
        expect(f, "result of no accepted instruction", x.result_id);
        expect(f->committed, "result of an instruction that is not committed", x.result_id);
        expect(!f->load || f->answered, "result before the memory result", x.result_id);
        expect(x.result_rd == (f->word >> 7 & 31), "rd is not the instruction's", x.result_id);
        const bool traps = f->exc || (f->err && precise_);
        expect(x.result_err == f->err, "err is not the memory result's", x.result_id);
        expect(x.result_exc == traps, "exc is not what happened to the load", x.result_id);
        expect(!x.result_exc || f->may_trap, "exc of an instruction that was said not to trap", x.result_id);
        if (traps) expect(x.result_exccode == (f->exc ? f->exccode : 5), "exccode is wrong", x.result_id);
        expect(x.result_we == !traps, "we is not writeback", x.result_id);
        for (const Flying& older : flying_) {
            if (&older == f) break;
            expect(!older.accepted || older.done || older.killed, "a newer instruction's result came before",
                   older.id);
        }
        if (!x.result_ready) return;
        f->done = true;
        result_word = f->word;
        ++results;
        errors += f->err;
        exceptions += f->exc;
    }

    // A failed load raises load_error in the next cycle, an xdecimate.counter that completes takes it back.
    void failed_loads(const XIf& x) {
        expect(x.load_error == load_error_, "load_error is not what happened to the loads", x.result_id);
        for (const Flying& f : flying_) {
            if (f.answered && f.failed() && !f.killed) load_error_ = true;
            if (f.done && !f.load) load_error_ = false;
        }
    }

    Built built_;
    bool precise_, batched_, offer_committed_ = false, load_error_ = false;
    std::vector<Flying> flying_;
    std::deque<uint32_t> outstanding_;
    XIf last_;
    uint64_t cycles_ = 0;
};
