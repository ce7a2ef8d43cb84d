"""CV32E40P with its FPU: single precision, with what NumPy and exact fractions say beside it."""

from fractions import Fraction

import numpy as np

from tileloom_sim.riscv.compile import compile_program
from tileloom_sim.riscv.run import run_program
from tileloom_sim.riscv.system import System

SYSTEM = System(core="cv32e40p_fpu")

SOURCE = """
#include <stdint.h>
struct job { uint32_t count; float data[]; };
extern struct job __free;
int main(void) {
    const uint32_t n = __free.count;
    const float *a = __free.data, *b = a + n, *c = b + n;
    float *out = __free.data + 3 * n;
    for (uint32_t i = 0; i < n; ++i, out += 4) {
        __asm__("fmadd.s %0, %1, %2, %3" : "=f"(out[0]) : "f"(a[i]), "f"(b[i]), "f"(c[i]));
        out[1] = a[i] + b[i];
        out[2] = a[i] / b[i];
        out[3] = (float)(int32_t)c[i];
    }
    return 0;
}
"""


def fused(a, b, c):
    """Return the exact a * b + c, rounded once to nearest, even."""
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    near = np.float32(float(exact))  # within one ulp of it: double rounding
    around = (np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf)))
    return min(around, key=lambda value: (abs(Fraction(float(value)) - exact), value.view(np.uint32) & 1))


def test_arithmetic_is_ieee_single_precision():
    random = np.random.default_rng(5)
    a, b, c = (random.normal(size=200).astype(np.float32) for _ in range(3))
    c[::2] = -(a * b)[::2]  # the sum cancels: only a fused multiply-add keeps the product's low bits
    c[1::4] *= np.float32(2.0**20)
    program = compile_program(SYSTEM.core, {"fpu.c": SOURCE}, main=["fpu.c"])
    memory = np.uint32(len(a)).tobytes() + np.concatenate([a, b, c]).tobytes()
    results = (program.free + len(memory), 4 * len(a))
    run = run_program(SYSTEM, program, memory={program.free: memory}, results=results)
    found = run.results.view(np.float32).reshape(-1, 4)
    assert found[:, 0].tolist() == [fused(*each) for each in zip(a, b, c, strict=True)]
    assert found[:, 1].tolist() == (a + b).tolist()
    assert found[:, 2].tolist() == (a / b).tolist()
    assert found[:, 3].tolist() == np.trunc(c).tolist()
