// What all compiled harnesses share: messages, files, words on ports, and the model with its clock and waves.
//
// Before it is included, the macros CLOCK, RESET and RESET_ACTIVE name the model's ports (ports.h). Standard
// output is lines "progress NUMBERS..." now and then, and what the harness says in the end; a failure is a
// message on standard error and status 2.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "Vtop.h"
#include "verilated.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

using Words = std::vector<uint32_t>;

[[noreturn]] inline void fail(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(2);
}

template <typename Word>
std::vector<Word> read_file(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) fail("cannot read " + path);
    std::fseek(file, 0, SEEK_END);
    std::vector<Word> words(std::ftell(file) / sizeof(Word));
    std::rewind(file);
    if (std::fread(words.data(), sizeof(Word), words.size(), file) != words.size()) fail("cannot read " + path);
    std::fclose(file);
    return words;
}

// A file that is written; a full disk is noticed at the latest when it is closed.
class Output {
public:
    explicit Output(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "wb")) {
        if (!file_) fail("cannot write " + path_);
    }
    template <typename Word>
    void write(const Word* words, size_t count) {
        if (std::fwrite(words, sizeof(Word), count, file_) != count) fail("cannot write " + path_);
    }
    void close() {
        if (std::fclose(file_)) fail("cannot write " + path_);
    }

private:
    std::string path_;
    std::FILE* file_;
};

// A port of up to 64 bits is an integer, a wider one an array of 32-bit words: in memory both are these words.
template <typename Port>
constexpr size_t port_words(const Port&) {
    return (sizeof(Port) + 3) / 4;
}
template <typename Port>
void set_port(Port& port, const uint32_t* words) {
    std::memcpy(&port, words, sizeof(port));
}
template <typename Port>
void get_port(const Port& port, uint32_t* words) {
    std::memcpy(words, &port, sizeof(port));
}

// A design with faults has the port mutant (tileloom verify --mutate); one inside of a system has the plusarg.
template <typename Top>
auto set_mutant(Top& top, int mutant, int) -> decltype(void(top.mutant)) {
    top.mutant = mutant;
}
template <typename Top>
void set_mutant(Top&, int mutant, long) {
    const std::string argument = "+mutant=" + std::to_string(mutant);
    const char* arguments[] = {"", argument.c_str()};
    Verilated::commandArgs(2, arguments);
}

// The Verilator model, its clock, reset and wave file.
class Model {
public:
    Vtop top;

    Model() {
        if (const char* mutant = std::getenv("TILELOOM_MUTANT")) set_mutant(top, std::atoi(mutant), 0);
    }

    void open_waves(const char* path) {
#if VM_TRACE
        Verilated::traceEverOn(true);
        top.trace(&trace_, 99);
        trace_.open(path);
#else
        (void)path;
        fail("built without waves");
#endif
    }
    // Give the clock a level; half a period passes.
    void clock(int level) {
        top.CLOCK = level;
        top.eval();
#if VM_TRACE
        if (trace_.isOpen()) trace_.dump(time_);
        time_ += 5;
#endif
    }
    // It begins with an edge, as an asynchronous reset needs one where clocks stand still.
    void reset(int cycles) {
        top.RESET = !RESET_ACTIVE;
        top.eval();
        top.RESET = RESET_ACTIVE;
        for (int i = 0; i < cycles; ++i) {
            clock(0);
            clock(1);
        }
        top.RESET = !RESET_ACTIVE;
    }
    void finish() {
        top.final();
#if VM_COVERAGE
        if (const char* counts = std::getenv("TILELOOM_COVERAGE")) VerilatedCov::write(counts);
#endif
#if VM_TRACE
        trace_.close();
#endif
    }

private:
#if VM_TRACE
    VerilatedVcdC trace_;
    uint64_t time_ = 0;
#endif
};

// Progress, at most five times a second.
class Progress {
public:
    // Whether it is time to say something; call it now and then, as it asks for the time.
    bool due() {
        const auto now = std::chrono::steady_clock::now();
        if (now - said_ < std::chrono::milliseconds(200)) return false;
        said_ = now;
        return true;
    }
    template <typename... Numbers>
    void say(Numbers... numbers) {
        std::printf("progress");
        (std::printf(" %llu", static_cast<unsigned long long>(numbers)), ...);
        std::printf("\n");
        std::fflush(stdout);
    }

private:
    std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};
