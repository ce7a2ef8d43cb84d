// A simulated board at the other end of a serial port: bytes in and out, bits on its two pins.
//
//     harness DIVISOR SEED ERRORS RESET [WAVES.vcd]
//
// DIVISOR are clock cycles of a bit; of 2^32 bits on the line ERRORS are turned round, in either direction;
// in cycle RESET, unless that is 0, the board is reset for a cycle. Standard input has requests, numbers of 32 bits,
// the lowest byte first:
//   W, n, n bytes           the bytes go onto the line, as soon as it is free
//   R, n, bits              time passes until n bytes have come, or no byte has for so many bits
// To R the answer is, on standard output, how many bytes came, those bytes, and the cycle, 64 bits. Time passes in R only.

#include <deque>

#include "ports.h"
#include "harness.h"

namespace {

constexpr int BITS = 10;

uint32_t number() {
    uint8_t bytes[4];
    if (std::fread(bytes, 1, 4, stdin) != 4) fail("a request that ends early");
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | uint32_t(bytes[3]) << 24;
}

// xorshift64*: the same errors for the same seed, wherever it runs.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
    uint32_t word() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return (state_ * 0x2545F4914F6CDD1DULL) >> 32;
    }

private:
    uint64_t state_;
};

class Line {
public:
    Line(unsigned divisor, uint64_t seed, uint64_t errors, uint64_t reset)
        : divisor_(divisor), random_(seed), errors_(errors), reset_(reset) {
        model_.top.RECEIVE = 1;
        model_.reset(4);
    }

    void waves(const char* path) { model_.open_waves(path); }

    void write(const std::vector<uint8_t>& bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }

    std::vector<uint8_t> read(size_t count, uint64_t bits) {
        uint64_t left = bits * divisor_;
        while (came_.size() < count && left) {
            const size_t before = came_.size() - waiting_.size();
            cycle();
            left = came_.size() - waiting_.size() != before || sending_ ? bits * divisor_ : left - 1;
        }
        const size_t found = std::min(count, came_.size());
        const std::vector<uint8_t> bytes(came_.begin(), came_.begin() + found);
        came_.erase(came_.begin(), came_.begin() + found);
        return bytes;
    }

    uint64_t cycles() const { return cycles_; }
    void finish() { model_.finish(); }

private:
    bool bad() { return errors_ && random_.word() < errors_; }

    void cycle() {
        send();
        model_.top.RESET = reset_ && cycles_ == reset_ ? RESET_ACTIVE : !RESET_ACTIVE;
        model_.clock(0);
        take();
        model_.clock(1);
        ++cycles_;
    }

    // A bit of a byte that is sent: a start bit, eight bits, a stop bit.
    void send() {
        if (send_cycle_) {
            --send_cycle_;
            return;
        }
        send_cycle_ = divisor_ - 1;
        if (!sending_ && !waiting_.empty()) {
            send_frame_ = 1u << (BITS - 1) | waiting_.front() << 1;
            waiting_.pop_front();
            sending_ = BITS;
        }
        bool level = true;
        if (sending_) {
            level = (send_frame_ & 1) ^ bad();
            send_frame_ >>= 1;
            --sending_;
        }
        model_.top.RECEIVE = level;
    }

    // In the middle of a bit that the board sends.
    void take() {
        const bool level = model_.top.TRANSMIT;
        if (!taking_) {
            if (!level) {
                taking_ = BITS;
                take_cycle_ = divisor_ / 2;
            }
            return;
        }
        if (take_cycle_) {
            --take_cycle_;
            return;
        }
        take_cycle_ = divisor_ - 1;
        take_frame_ = take_frame_ >> 1 | (level ^ bad()) << (BITS - 1);
        if (--taking_) return;
        if (take_frame_ >> (BITS - 1)) came_.push_back(take_frame_ >> 1 & 0xFF);
        take_frame_ = 0;
    }

    Model model_;
    const unsigned divisor_;
    Random random_;
    const uint64_t errors_, reset_;
    std::deque<uint8_t> waiting_, came_;
    unsigned sending_ = 0, send_frame_ = 0, send_cycle_ = 0, taking_ = 0, take_frame_ = 0, take_cycle_ = 0;
    uint64_t cycles_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) fail("usage: harness DIVISOR SEED ERRORS RESET [WAVES.vcd]");
    Line line(std::atoi(argv[1]), std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10),
              std::strtoull(argv[4], nullptr, 10));
    if (argc > 5) line.waves(argv[5]);
    for (int kind = std::getchar(); kind != EOF; kind = std::getchar()) {
        const uint32_t count = number();
        if (kind == 'W') {
            std::vector<uint8_t> bytes(count);
            if (std::fread(bytes.data(), 1, count, stdin) != count) fail("a request that ends early");
            line.write(bytes);
        } else if (kind == 'R') {
            const std::vector<uint8_t> bytes = line.read(count, number());
            const uint32_t found = bytes.size();
            const uint64_t cycles = line.cycles();
            std::fwrite(&found, 4, 1, stdout);
            std::fwrite(bytes.data(), 1, found, stdout);
            std::fwrite(&cycles, 8, 1, stdout);
            std::fflush(stdout);
        } else {
            fail("no such request");
        }
    }
    line.finish();
    return 0;
}
