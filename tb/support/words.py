"""Random words for arrays in Amaranth's simulator, where only few can be tried."""

import numpy as np

from tileloom.formats import FloatFormat, SignMagnitude


def random_words(
    rng: np.random.Generator, number_format: FloatFormat | SignMagnitude, shape: tuple[int, ...]
) -> np.ndarray:
    """Return words of a format, exponents near each other: sums of their products cancel, often fully."""
    words = rng.integers(0, 1 << number_format.width, shape, dtype=np.uint64)
    if isinstance(number_format, SignMagnitude):
        return words
    # With fractions of few bits they cancel fully.
    spread = min(4, number_format.bias - 1)
    exponents = number_format.bias + rng.integers(-spread, spread + 1, shape)
    fractions = words % (1 << number_format.fraction_bits) & ~np.uint64(
        (1 << number_format.fraction_bits - 1) - 1
    )
    signs = words >> np.uint64(number_format.width - 1)
    return (
        signs << np.uint64(number_format.width - 1)
        | exponents.astype(np.uint64) << np.uint64(number_format.fraction_bits)
        | fractions
    )
