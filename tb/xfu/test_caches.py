"""The caches between the RISC-V system's buses and its memory: what hits, what misses, what it costs."""

import pytest

from tileloom_sim.riscv.compile import compile_program
from tileloom_sim.riscv.run import Cache, Caches, Conditions, run_program
from tileloom_sim.riscv.system import System

CORE = "cv32e40p_fpu"
# Reads `count` words `stride` bytes apart, `rounds` times, and says how long each round took.
SOURCE = """
#include <stdint.h>
extern volatile uint32_t __free;
volatile uint32_t results[8];
#define READ(word) __asm__ volatile("add x0, %0, x0" :: "r"(word))  // the next instruction waits for it
#define WRITE(word) word = 7
static uint32_t now(void) { uint32_t value; __asm__ volatile("csrr %0, mcycle" : "=r"(value)); return value; }
__attribute__((aligned(64))) int main(void) {
    volatile uint32_t *const base = (volatile uint32_t *)(((uintptr_t)&__free + 0xffff) & ~0xffffu);
    uint32_t took[2];
    for (int round = 0; round < 2; ++round) {
        const uint32_t start = now();
        for (int i = 0; i < COUNT; ++i) ACCESS(base[i * STRIDE / 4]);
        took[1] = now() - start;
        if (!round) took[0] = took[1];
    }
    results[0] = took[0], results[1] = took[1];
    return 0;
}
"""
CACHES = Caches(
    level1=Cache(size=1024, ways=2, line=64, cycles=1),  # so that fetches hide nothing
    level2=Cache(size=8192, ways=4, line=64, cycles=20),
    memory_cycles=100,
)


def measured(count, stride, access="READ", caches=CACHES):
    """Cycles of both rounds, and the data cache's and level 2's use."""
    defines = {"COUNT": count, "STRIDE": stride, "ACCESS": access}
    program = compile_program(CORE, {"walk.c": SOURCE}, main=["walk.c"], defines=defines)
    results = (program.symbols["results"], 2)
    run = run_program(System(core=CORE), program, results=results, conditions=Conditions(caches=caches))
    return run.results.tolist(), run.caches[1:]


def test_lines_that_fit_are_read_again_without_a_miss():
    (first, second), (data, level2) = measured(16, 64)  # 16 lines: all of level 1
    assert 16 * 120 <= first - second <= 16 * 120 + 130  # and perhaps a line of the program
    assert data.misses - level2.misses <= 3  # results and the stack


def test_what_fits_level_2_alone_costs_its_cycles():
    (first, second), (data, level2) = measured(64, 64)
    assert 64 * 100 <= first - second <= 64 * 100 + 130  # the memory's cycles
    assert data.misses >= 128
    assert level2.misses < 64 + 24
    (_, inside), _ = measured(16, 64)
    assert second / 64 - inside / 16 == pytest.approx(20, abs=0.5)


def test_neighbours_share_a_line():
    (near, _), (data, _) = measured(64, 4)
    (far, _), _ = measured(64, 64)
    assert data.misses <= 64 * 4 // 64 + 6
    assert far - near > 55 * 120


def test_lines_of_one_set_push_each_other_out_in_order_of_use():
    way = 1024 // 2
    (_, two), _ = measured(2, way)
    (_, three), (data, _) = measured(3, way)
    assert data.misses >= 6
    assert three - two == pytest.approx(3 * 20 + two / 2, abs=6)


def test_a_write_brings_its_line_in():
    (first, second), (data, _) = measured(16, 64, access="WRITE")
    assert first - second > 16 * 90
    assert data.misses <= 16 + 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"line": 48}, "line is 48, not a power of two"),
        ({"size": 1000}, "size is 1000, not a multiple of 2 ways x 64 bytes"),
        ({"cycles": 0}, "cycles is 0"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        Cache(**{"size": 1024, "ways": 2, "line": 64, "cycles": 2} | change)
