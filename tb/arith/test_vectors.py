"""Vectors that are not ours: operands in the style of TestFloat's level 1, results by Berkeley SoftFloat.

Adders and multipliers of FP32 and FP16, in both roundings, in RTL by Verilator, a build for each format.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import softfloatpy
from amaranth.hdl import Cat, ClockDomain, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from support.exact import flushed
from support.softfloat import softfloat
from tileloom.arith.add import Add
from tileloom.arith.multiply import FloatMultiply
from tileloom.export import export
from tileloom.formats import FP16, FP32, FloatFormat, Rounding
from tileloom_golden import formats as golden_formats
from tileloom_sim.build import harness
from tileloom_sim.build.verilator import control_file

LEAST = 40_000
"""Pairs of an operator and a rounding."""

WIDTH = 32
"""Of each result in the word of all of them."""

UNITS = [(kind, rounding) for kind in (Add, FloatMultiply) for rounding in Rounding]

OPERATIONS: dict[tuple[type, FloatFormat], Callable[..., Any]] = {
    (Add, FP32): softfloatpy.f32_add,
    (Add, FP16): softfloatpy.f16_add,
    (FloatMultiply, FP32): softfloatpy.f32_mul,
    (FloatMultiply, FP16): softfloatpy.f16_mul,
}
Words = npt.NDArray[np.uint64]


class Units(Component):
    """All units of a format side by side, a register behind each."""

    a: In(WIDTH)
    b: In(WIDTH)
    results: Out(WIDTH * len(UNITS))

    def __init__(self, float_format: FloatFormat) -> None:
        self.format = float_format
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        results = []
        for kind, rounding in UNITS:
            if kind is Add:
                unit: Any = Add(self.format, rounding, stages=1)
                result = unit.sum
            else:
                unit = FloatMultiply(*[self.format] * 3, rounding, stages=1)
                result = unit.product
            m.submodules += unit
            m.d.comb += [unit.enable.eq(1), unit.a.eq(self.a), unit.b.eq(self.b)]
            word = Signal(WIDTH)
            m.d.comb += word.eq(result)
            results.append(word)
        m.d.comb += self.results.eq(Cat(results))
        return m


class Top(Component):
    """The units with a clock and a reset that have names."""

    def __init__(self, float_format: FloatFormat) -> None:
        self.units = Units(float_format)
        super().__init__({"clk": In(1), "rst": In(1), **self.units.signature.members})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.submodules.units = self.units
        m.d.comb += [
            domain.clk.eq(self.clk),
            domain.rst.eq(self.rst),
            self.units.a.eq(self.a),
            self.units.b.eq(self.b),
            self.results.eq(self.units.results),
        ]
        return m


def operands(float_format: FloatFormat, *, infinity: bool) -> Words:
    """Return words with the exponents and fractions at which something changes, no NaN among them."""
    bits, bias = float_format.fraction_bits, float_format.bias
    most = float_format.infinity_exponent - 1
    ones = (1 << bits) - 1
    exponents = [0, 1, 2, bias - bits - 1, bias - bits, bias - 1, bias, bias + 1, bias + bits, most - 1, most]
    fractions = [0, 1, 2, ones, ones - 1, ones >> 1, (ones >> 1) + 1, ones // 3]
    chosen = {(exponent, fraction) for exponent in exponents for fraction in fractions}
    # A bit that moves along, on its own and missing.
    for place in range(bits):
        chosen |= {(bias, 1 << place), (bias, ones ^ 1 << place)}
    if infinity:
        chosen.add((most + 1, 0))
    magnitudes = [exponent << bits | fraction for exponent, fraction in sorted(chosen)]
    return np.array([sign << float_format.width - 1 | m for sign in (0, 1) for m in magnitudes], np.uint64)


def golden(float_format: FloatFormat) -> golden_formats.Float:
    """Return the format as the tests' own arithmetic has it."""
    return golden_formats.Float(float_format.exponent_bits, float_format.fraction_bits)


@cache
def program(float_format: FloatFormat) -> Path:
    """Return the compiled units of a format."""
    top = Top(float_format)
    netlist = export(top, "units", [top.clk, top.rst, top.a, top.b, top.results])
    sources = {
        "ports.h": "#define CLOCK clk\n#define RESET rst\n#define RESET_ACTIVE 1\n",
        "vectors.cpp": Path(__file__).with_name("vectors.cpp").read_text(encoding="utf-8"),
    }
    control = control_file([], blocks=False)
    return harness.compile_harness(
        "vectors", netlist.verilog, "units", sources, "vectors.cpp", control=control
    )


@pytest.mark.parametrize("rounding", Rounding, ids=lambda rounding: rounding.value)
@pytest.mark.parametrize("float_format", [FP32, FP16], ids=str)
@pytest.mark.parametrize("kind", [Add, FloatMultiply], ids=lambda kind: kind.__name__)
def test_softfloats_results(
    kind: type, float_format: FloatFormat, rounding: Rounding, tmp_path: Path
) -> None:
    words = operands(float_format, infinity=kind is Add)
    a, b = (each.ravel() for each in np.meshgrid(words, words))
    if kind is Add:
        # Of two infinities the partial sum's wins, where SoftFloat has NaN.
        opposed = (a ^ b) == 1 << float_format.width - 1
        finite = (a >> float_format.fraction_bits) % (float_format.infinity_exponent + 1)
        known = ~(opposed & (finite == float_format.infinity_exponent))
        a, b = a[known], b[known]
    assert len(a) >= LEAST
    np.stack([a, b], axis=1).astype(np.uint32).tofile(tmp_path / "pairs")
    harness.run(program(float_format), [tmp_path / "pairs", tmp_path / "results"])
    all_results = np.fromfile(tmp_path / "results", np.uint32).reshape(len(a), len(UNITS))
    number_format = golden(float_format)
    own = flushed(all_results[:, UNITS.index((kind, rounding))].astype(np.uint64), number_format)
    left, right = (flushed(each, number_format) for each in (a, b))
    operation = OPERATIONS[kind, float_format]
    expected = softfloat(operation, left, right, number_format, golden_formats.Rounding(rounding.value))
    wrong = np.flatnonzero(own != expected)
    assert wrong.size == 0, [f"{a[i]:x} {b[i]:x}: {own[i]:x}, not {expected[i]:x}" for i in wrong[:4]]
    print(f"{kind.__name__} {float_format} {rounding.value}: {len(a):,} pairs equal")
