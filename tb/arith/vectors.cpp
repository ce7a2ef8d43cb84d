// Streams pairs of words through all units at once: one pair a cycle, and all results of the cycle in turn.
//
//     vectors PAIRS RESULTS
#include "ports.h"

#include "harness.h"

int main(int, char** arguments) {
    const auto pairs = read_file<uint32_t>(arguments[1]);
    Output results(arguments[2]);
    Model model;
    model.reset(2);
    for (size_t i = 0; i < pairs.size(); i += 2) {
        model.top.a = pairs[i];
        model.top.b = pairs[i + 1];
        model.clock(0);
        model.clock(1);
        uint32_t words[port_words(model.top.results)];
        get_port(model.top.results, words);
        results.write(words, port_words(model.top.results));
    }
    results.close();
    model.finish();
}
