"""Formats of two operands and their product that both the golden model and the hardware are tried with."""

from tileloom.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, INT8, FloatFormat, SignMagnitude

PRODUCTS = [
    (FP32, FP32, FP32),
    (FP32, INT8, FP32),
    (BF16, INT8, FP32),
    (FP16, FP16, FP32),
    (FP16, FP16, FP16),
    (FP8_E4M3, FP8_E5M2, FP16),
    (FP32, FP16, BF16),
    (FP32, SignMagnitude(2), FP32),
    (FP16, SignMagnitude(16), FloatFormat(8, 30)),
    (FloatFormat(2, 10), FloatFormat(3, 1), FloatFormat(2, 10)),
]


def names(formats: object) -> str:
    """Return formats as text, for a test's name: one format, or a tuple of them."""
    return "-".join(map(str, formats)) if isinstance(formats, tuple) else str(formats)
