"""Number formats: the table from which every width, bias and limit in the hardware is derived.

Plain data, no Amaranth. ``config`` names the formats, ``arith`` builds hardware for them.

A floating-point word is sign, exponent, fraction from the most significant bit down, as in IEEE 754.
The exponent field 0 means zero (subnormals are zero); all ones with fraction 0 means infinity; NaN does
not exist. A sign-magnitude word is sign, then magnitude.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Rounding(enum.Enum):
    """How a result that does not fit its format is rounded.

    ``TRUNCATE`` rounds toward zero, as the hybrid multiplier of SASP does. ``NEAREST_EVEN`` is the default
    rounding of IEEE 754.
    """

    TRUNCATE = "truncate"
    NEAREST_EVEN = "nearest-even"


@dataclass(frozen=True)
class FloatFormat:
    """A binary floating-point format of ``1 + exponent_bits + fraction_bits`` bits.

    Raises ValueError where the exponent has fewer than 2 or more than 11 bits, or the fraction fewer than
    1 or more than 52: nothing outside float64 can be checked against a machine's own arithmetic.
    """

    exponent_bits: int
    fraction_bits: int

    def __post_init__(self) -> None:
        if not 2 <= self.exponent_bits <= 11:
            raise ValueError(f"exponent_bits must be from 2 to 11, not {self.exponent_bits}")
        if not 1 <= self.fraction_bits <= 52:
            raise ValueError(f"fraction_bits must be from 1 to 52, not {self.fraction_bits}")

    @property
    def width(self) -> int:
        """Bits in a word."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def significand_bits(self) -> int:
        """Bits of the significand, its leading one included."""
        return self.fraction_bits + 1

    @property
    def bias(self) -> int:
        """What is subtracted from the exponent field to give the exponent."""
        return (1 << self.exponent_bits - 1) - 1

    @property
    def infinity_exponent(self) -> int:
        """The exponent field of infinity: all ones."""
        return (1 << self.exponent_bits) - 1

    def __str__(self) -> str:
        return _NAMES.get(self, f"e{self.exponent_bits}m{self.fraction_bits}")


@dataclass(frozen=True)
class SignMagnitude:
    """An integer of ``bits`` bits: a sign, and a magnitude from 0 to ``2**(bits - 1) - 1``.

    Raises ValueError where ``bits`` is not from 2 to 16.
    """

    bits: int

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise ValueError(f"bits must be from 2 to 16, not {self.bits}")

    @property
    def width(self) -> int:
        """Bits in a word."""
        return self.bits

    @property
    def magnitude_bits(self) -> int:
        """Bits of the magnitude."""
        return self.bits - 1

    def __str__(self) -> str:
        return f"int{self.bits}"


Format = FloatFormat | SignMagnitude

FP32 = FloatFormat(8, 23)
TF32 = FloatFormat(8, 10)
BF16 = FloatFormat(8, 7)
FP16 = FloatFormat(5, 10)
FP8_E4M3 = FloatFormat(4, 3)
FP8_E5M2 = FloatFormat(5, 2)
INT8 = SignMagnitude(8)

_NAMES = {
    FP32: "fp32",
    TF32: "tf32",
    BF16: "bf16",
    FP16: "fp16",
    FP8_E4M3: "fp8_e4m3",
    FP8_E5M2: "fp8_e5m2",
}
_BY_NAME = {name: float_format for float_format, name in _NAMES.items()}


def parse_format(text: str) -> Format:
    """Return the format that ``text`` names: ``fp32``, ``bf16``, ``int8``, or any ``e<bits>m<bits>``.

    Raises ValueError with the accepted spellings where it names none.
    """
    name = text.strip().lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if match := re.fullmatch(r"e(\d+)m(\d+)", name):
        return FloatFormat(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"int(\d+)", name):
        return SignMagnitude(int(match[1]))
    raise ValueError(f"{text!r} is not a format: give {', '.join(_BY_NAME)}, int<bits> or e<bits>m<bits>")
