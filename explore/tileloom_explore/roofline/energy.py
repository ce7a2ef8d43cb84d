"""Energy per operation and per byte where none is given: published figures of 45 nm, not measured here.

M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, Fig. 1.1.9, 45 nm, 0.9 V:
additions and multiplications, an access of 64 bits to an 8 kB cache and to DRAM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tileloom.formats import FloatFormat, Format

SOURCE = "Horowitz, ISSCC 2014, 45 nm"
"""Where the default energies are from."""

MULTIPLY = {11 * 11: 1.1, 24 * 24: 3.7}
"""pJ of a floating-point multiplication (FP16, FP32), by the product of the significands' widths."""

ADD = {11: 0.4, 24: 0.9}
"""pJ of a floating-point addition (FP16, FP32), by the width of the significand."""

INT8_MAC = 0.2 + 0.1
"""pJ of an INT8 multiplication and an INT32 addition."""

SRAM_BYTE = 10 / 8
"""pJ of a byte of an 8 kB memory on the chip."""

DRAM_BYTE = 1300 / 8
"""pJ of a byte of DRAM, the least that is given there."""


@dataclass(frozen=True)
class Energies:
    """What the user says of energies, and clock.

    Attributes
    ----------
    operation:
        pJ per operation; None is the default of the formats.
    levels:
        pJ per byte by the name of a level.
    """

    operation: float | None = None
    levels: Mapping[str, float] = field(default_factory=dict)

    def of_level(self, name: str, default: float = SRAM_BYTE) -> float:
        """Return the pJ per byte of a level."""
        return self.levels.get(name, default)

    def of_operation(self, default: float) -> float:
        """Return the pJ per operation."""
        return default if self.operation is None else self.operation


def float_operation(activation: FloatFormat, weight: Format, accumulator: FloatFormat) -> float:
    """Return pJ per operation of a floating-point multiply-accumulate, half of both.

    On the lines through FP16 and FP32: multiplication over the product of the significands' widths (of
    integers the magnitude's), addition over the width of the accumulator's significand.
    """
    width = weight.significand_bits if isinstance(weight, FloatFormat) else weight.magnitude_bits
    multiply = _line(MULTIPLY, activation.significand_bits * width)
    return (multiply + _line(ADD, accumulator.significand_bits)) / 2


def _line(known: Mapping[int, float], width: int) -> float:
    """Return the value at ``width`` of the line through two points; not below a tenth of the lower one."""
    (low, first), (high, second) = known.items()
    return max(first + (second - first) * (width - low) / (high - low), first / 10)
