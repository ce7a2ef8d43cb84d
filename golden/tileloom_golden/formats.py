"""Number formats of the reference models: widths and limits, nothing computed on data.

The formats are described here a second time, apart from the generators' own, on purpose: a wrong
bias or field position must not be able to hide in both.
"""

from dataclasses import dataclass
from enum import StrEnum


class Rounding(StrEnum):
    """How an exact result becomes a word: toward zero, or to nearest, ties to even (IEEE 754-2019, 4.3)."""

    TRUNCATE = "truncate"
    NEAREST_EVEN = "nearest-even"

    @classmethod
    def _missing_(cls, value: object) -> "Rounding":
        raise ValueError(f"rounding {value!r} is none of: {', '.join(cls)}")


@dataclass(frozen=True)
class Float:
    """A binary floating-point format in the IEEE 754 layout: sign, exponent, fraction, msb to lsb.

    Exponent field 0 is zero whatever the fraction (no subnormals); all ones is infinity (fraction 0) or
    NaN. Exponents have 2 to 11 bits and fractions 1 to 52, so that every value is a normal float64.

    Raises
    ------
    ValueError
        A field's width is out of range.
    """

    exponent_bits: int
    fraction_bits: int

    def __post_init__(self) -> None:
        if not 2 <= self.exponent_bits <= 11:
            raise ValueError(f"exponent_bits is {self.exponent_bits}, not 2 to 11")
        if not 1 <= self.fraction_bits <= 52:
            raise ValueError(f"fraction_bits is {self.fraction_bits}, not 1 to 52")

    @property
    def width(self) -> int:
        """Bits of a word."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        """What the exponent field holds for 1.0."""
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def significand_bits(self) -> int:
        """Bits of the fraction with its leading one."""
        return self.fraction_bits + 1

    @property
    def exponent_ones(self) -> int:
        """The exponent field of infinity and NaN."""
        return (1 << self.exponent_bits) - 1

    @property
    def smallest_normal(self) -> int:
        """The word of the smallest positive value; also the weight of the leading one in a significand."""
        return 1 << self.fraction_bits

    @property
    def infinity(self) -> int:
        """The word of positive infinity."""
        return self.exponent_ones << self.fraction_bits

    @property
    def magnitude_mask(self) -> int:
        """The bits of a word below its sign."""
        return (1 << (self.width - 1)) - 1

    def __str__(self) -> str:
        widths = (self.exponent_bits, self.fraction_bits)
        return {(8, 23): "fp32", (5, 10): "fp16", (8, 7): "bf16"}.get(widths, "e{}m{}".format(*widths))


@dataclass(frozen=True)
class Integer:
    """Sign-magnitude integers of 2 to 32 bits: the sign is the msb, and both words with magnitude 0 are zero.

    Raises
    ------
    ValueError
        `bits` is out of range.
    """

    bits: int

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 32:
            raise ValueError(f"bits is {self.bits}, not 2 to 32")

    @property
    def width(self) -> int:
        """Bits of a word."""
        return self.bits

    @property
    def significand_bits(self) -> int:
        """Bits of the magnitude."""
        return self.bits - 1

    @property
    def magnitude_mask(self) -> int:
        """The bits of a word below its sign; also the largest magnitude."""
        return (1 << (self.bits - 1)) - 1

    def __str__(self) -> str:
        return f"int{self.bits}"


FP32 = Float(8, 23)
TF32 = Float(8, 10)
BF16 = Float(8, 7)
FP16 = Float(5, 10)
FP8_E4M3 = Float(4, 3)  # the IEEE one, with infinity: ml_dtypes.float8_e4m3, not float8_e4m3fn
FP8_E5M2 = Float(5, 2)
INT8 = Integer(8)
