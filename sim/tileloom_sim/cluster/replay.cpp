// Plays cycles on a cluster's fabric: sets its inputs, compares its outputs in the same cycle, clocks.
//
//     replay FILE        for each cycle the words of all inputs, then of all outputs, then which bits of those count;
//                        a port has whole words, the first of them the least significant
//
// ports.h names the ports in order: INPUTS(DO) and OUTPUTS(DO) call DO with each. Standard output is a line
// "cycles COUNT" in the end, or "differs CYCLE PORT" and then the words found, expected and which count.
#include <string>
#include <vector>

#include "ports.h"

#include "harness.h"

int main(int argc, char** argv) {
    if (argc != 2) fail("give a file");
    const auto words = read_file<uint32_t>(argv[1]);
    Model model;
    Vtop& top = model.top;
    size_t in = 0, out = 0;
#define COUNT_IN(port) in += port_words(top.port);
#define COUNT_OUT(port) out += port_words(top.port);
    INPUTS(COUNT_IN)
    OUTPUTS(COUNT_OUT)
    const size_t cycles = words.size() / (in + 2 * out);
    // In reset nothing is asked and nothing answered.
    const Words nothing(in);
    const uint32_t* next = nothing.data();
#define SET(port) set_port(top.port, next), next += port_words(top.port);
    INPUTS(SET)
    model.reset(2);
    Words found(out);
    next = words.data();
    for (size_t cycle = 0; cycle < cycles; ++cycle) {
        INPUTS(SET)
        model.clock(0);
        const uint32_t *expected = next, *counts = next + out;
        next += 2 * out;
        uint32_t wrong = 0;
        size_t at = 0;
#define GET(port) get_port(top.port, &found[at]), at += port_words(top.port);
        OUTPUTS(GET)
        for (size_t i = 0; i < out; ++i) wrong |= (found[i] ^ expected[i]) & counts[i];
        if (wrong) {
            at = 0;
            auto check = [&](const char* name, size_t count) {
                for (size_t i = at; i < at + count; ++i) {
                    if (!((found[i] ^ expected[i]) & counts[i])) continue;
                    std::printf("differs %zu %s %zu %u %u %u\n", cycle, name, i - at, found[i], expected[i], counts[i]);
                    model.finish();
                    std::exit(0);
                }
                at += count;
            };
#define CHECK(port) check(#port, port_words(top.port));
            OUTPUTS(CHECK)
        }
        model.clock(1);
    }
    std::printf("cycles %zu\n", cycles);
    model.finish();
    return 0;
}
