"""Berkeley SoftFloat's results as docs/numbers.md has them: infinity by overflow, zero below the range."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import softfloatpy

from support.exact import flushed
from tileloom_golden.formats import Float, Rounding

Words = npt.NDArray[np.uint64]

_WORDS = {16: softfloatpy.Float16, 32: softfloatpy.Float32}
_MODES = {
    Rounding.TRUNCATE: softfloatpy.RoundingMode.MIN_MAG,
    Rounding.NEAREST_EVEN: softfloatpy.RoundingMode.NEAR_EVEN,
}


def softfloat(operation: Callable[..., Any], a: Words, b: Words, format: Float, rounding: Rounding) -> Words:
    """Return the words of SoftFloat's ``operation``; ``a`` and ``b`` are of FP16 or FP32, zeros flushed.

    It differs in two ways that its flags tell: "min-mag" overflows to the largest finite value, and a result
    that is rounded up to the smallest normal number may have been below it as if exponents had no lower end.
    """
    size = format.width // 8
    word = _WORDS[format.width].from_bytes
    left, right = (words.astype(f">u{size}").tobytes() for words in (a, b))
    smallest = 1 << format.fraction_bits
    infinity = (1 << format.width - 1) - smallest
    sign = 1 << format.width - 1
    overflow, underflow = softfloatpy.ExceptionFlag.OVERFLOW, softfloatpy.ExceptionFlag.UNDERFLOW
    before = softfloatpy.get_rounding_mode(), softfloatpy.get_tininess_mode()
    softfloatpy.set_rounding_mode(_MODES[rounding])
    softfloatpy.set_tininess_mode(softfloatpy.TininessMode.AFTER_ROUNDING)
    results = []
    try:
        for i in range(0, len(left), size):
            operands = word(left[i : i + size]), word(right[i : i + size])
            result = int.from_bytes(operation(*operands).to_bytes(), "big")
            if result & ~sign in (smallest, infinity - 1):  # flags are asked only where they can matter
                softfloatpy.set_exception_flags(softfloatpy.ExceptionFlag(0))
                operation(*operands)
                if softfloatpy.test_exception_flags(overflow):
                    result = result & sign | infinity
                elif softfloatpy.test_exception_flags(underflow):
                    result = 0
            results.append(result)
    finally:
        softfloatpy.set_rounding_mode(before[0])
        softfloatpy.set_tininess_mode(before[1])
    return flushed(np.array(results, np.uint64), format)
