"""A configuration in the golden model's terms: the one place where the two vocabularies meet."""

from __future__ import annotations

from typing import Any

from tileloom.formats import FloatFormat, Format
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.formats import Float, Integer


def float_format(number_format: FloatFormat) -> Float:
    """Return the golden model's format of the same widths."""
    return Float(number_format.exponent_bits, number_format.fraction_bits)


def operand_format(number_format: Format) -> Float | Integer:
    """Return the golden model's format, of floats or of sign-magnitude integers."""
    if isinstance(number_format, FloatFormat):
        return float_format(number_format)
    return Integer(number_format.bits)


def arithmetic(config: SystolicConfig) -> dict[str, Any]:
    """Return the keyword arguments that say how ``config`` computes, as ``gemm.tile_result`` takes them."""
    return {
        "activation_format": float_format(config.activation),
        "weight_format": operand_format(config.weight),
        "accumulator_format": float_format(config.accumulator),
        "rounding": config.rounding.value,
    }
