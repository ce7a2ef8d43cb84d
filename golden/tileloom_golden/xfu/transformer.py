"""Softmax, GELU and layer normalisation in integers: I-BERT's, on INT8 activations.

Kim, Gholami, Yao, Mahoney, Keutzer, "I-BERT: Integer-only BERT Quantization", ICML 2021, Algorithms 1 to 4.
A real value is an integer times its scale. Polynomials are a(x + b)^2 + c, so that in integers with scale S

    I-POLY(q) = (q + floor(b / S))^2 + floor(c / (a S^2)),   of scale a S^2

INT8's scale is coarse for that; so activations are first shifted to the left by so many bits that the
constants have eight or nine bits, which changes no real value. Parameters come from the scale alone, floats
that are used nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..checks import refuse
from ..integers import check_int8
from ..requantise import Requantisation, from_ratios, requantise
from .layers import Int8

Words = npt.NDArray[np.int64]

PROBABILITY_BITS = 7
"""A probability is an INT8 in 1/128."""

MEAN_BITS = 9
"""How far a line's normalised values are shifted to the right: they are in sqrt(length) / 2^22."""


@dataclass(frozen=True)
class Softmax:
    """What `softmax` computes with.

    Attributes
    ----------
    shift:
        How far activations are shifted to the left.
    ln2:
        floor(ln 2 / S), 1 or more; S is the activations' scale over 2^shift.
    b, c:
        floor(1.353 / S), floor(0.344 / (0.3585 S^2)).
    """

    shift: int
    ln2: int
    b: int
    c: int

    @classmethod
    def of_scale(cls, scale: float) -> Softmax:
        """Return the parameters for activations of a scale, 2^-9 to 1.

        Raises ValueError for another scale.
        """
        shift = _shift(scale, math.log(2), "softmax")
        fine = scale / 2**shift
        return cls(
            shift,
            math.floor(math.log(2) / fine),
            math.floor(1.353 / fine),
            math.floor(0.344 / (0.3585 * fine**2)),
        )


@dataclass(frozen=True)
class Gelu:
    """What `gelu` computes with.

    Attributes
    ----------
    shift:
        How far activations are shifted to the left.
    b, c:
        Of i-erf: floor(-1.769 / S), floor(1 / (-0.2888 S^2)); S is the activations' scale over 2^shift and
        over the square root of 2.
    one:
        floor(1 / scale of i-erf), the same as c.
    scale, shift_out:
        The ratio of the products' step, -scale * that of i-erf / 2, and the results' step.
    """

    shift: int
    b: int
    c: int
    one: int
    scale: int
    shift_out: int

    @classmethod
    def of_scale(cls, scale: float, result_scale: float) -> Gelu:
        """Return the parameters for activations of a scale, 2^-9 to 1, and for results of one.

        Raises ValueError for another scale, or results' steps too far from the activations'.
        """
        shift = _shift(scale, 1.769 * math.sqrt(2), "GELU")
        while True:
            fine = scale / 2**shift / math.sqrt(2)
            of_erf = -0.2888 * fine**2
            one = math.floor(1 / of_erf)
            if (128 << shift) * 2 * -one < 2**31:  # a product fits 32 bits
                break
            shift -= 1
        ratio = from_ratios([-(scale / 2**shift) * of_erf / 2 / result_scale])
        b = math.floor(-1.769 / fine)
        return cls(shift, b, math.floor(1 / of_erf), one, int(ratio.scale[0]), int(ratio.shift[0]))


def softmax(activations: npt.ArrayLike, parameters: Softmax) -> Int8:
    """Return each line's probabilities in 1/128, 127 at most.

    Parameters
    ----------
    activations:
        Lines x length, -128 to 127, any integer dtype.
    parameters:
        Of their scale.

    Returns
    -------
    int8, of the same shape.

    Raises
    ------
    ValueError
        Dtype or dimensions are wrong, or a line's sum could exceed 32 bits.
    """
    q = check_int8(activations, "activations", 2).astype(np.int64) << parameters.shift
    most = parameters.b**2 + parameters.c
    if q.shape[1] * most >= 2**32:
        raise ValueError(
            f"a line has {q.shape[1]} activations: of this scale {(2**32 - 1) // most} have room"
        )
    exponentials = _i_exp(q - q.max(axis=1, keepdims=True), parameters)
    probabilities = (exponentials << PROBABILITY_BITS) // exponentials.sum(axis=1, keepdims=True)
    return np.minimum(probabilities, 127).astype(np.int8)


def _i_exp(q: Words, parameters: Softmax) -> Words:
    """Algorithm 3, for q of 0 or below."""
    z = -q // parameters.ln2
    p = q + z * parameters.ln2
    return np.asarray(((p + parameters.b) ** 2 + parameters.c) >> np.minimum(z, 63))


def gelu(activations: npt.ArrayLike, parameters: Gelu) -> Int8:
    """Return GELU of each activation: Algorithm 2, requantised.

    Parameters
    ----------
    activations:
        Lines x length, -128 to 127, any integer dtype.
    parameters:
        Of their scale and the results'.

    Returns
    -------
    int8, of the same shape.

    Raises
    ------
    ValueError
        Dtype or dimensions are wrong.
    """
    q = check_int8(activations, "activations", 2).astype(np.int64) << parameters.shift
    clipped = np.minimum(np.abs(q), -parameters.b)
    erf = np.sign(q) * ((clipped + parameters.b) ** 2 + parameters.c)
    # The scale of i-erf is negative, and the ratio is of its magnitude.
    product = -q * (erf + parameters.one)
    one = np.ones(q.shape[1], np.int64)
    return requantise(product, Requantisation(0 * one, parameters.scale * one, parameters.shift_out * one))


@dataclass(frozen=True, eq=False)
class Normalisation:
    """What `normalise` computes with.

    Attributes
    ----------
    shift:
        How far activations are shifted to the left.
    negative:
        (length,) bool: where gamma is below 0.
    requantisation:
        Of `length` channels: bias, and the magnitude of gamma, over the results' step.
    """

    shift: int
    negative: npt.NDArray[np.bool_]
    requantisation: Requantisation

    @classmethod
    def of(cls, gamma: npt.ArrayLike, beta: npt.ArrayLike, result_scale: float) -> Normalisation:
        """Return the parameters for gamma and beta, and for results of a scale.

        Raises ValueError where gamma is 0 or so small beside beta that the bias exceeds 2^30, or a ratio is
        out of range; the message has the index.
        """
        g, b = np.asarray(gamma, np.float64), np.asarray(beta, np.float64)
        step = math.sqrt(g.size) / 2**22
        refuse(g == 0, "gamma", "is 0")
        bias = np.rint(b / (np.abs(g) * step))
        refuse(np.abs(bias) > 2**30, "beta", "is too large beside gamma")
        parameters = from_ratios(np.abs(g) * step / result_scale, bias.astype(np.int64))
        return cls(_normalising_shift(g.size), g < 0, parameters)


def normalise(activations: npt.ArrayLike, parameters: Normalisation) -> Int8:
    """Return each line less its mean over its deviation, times gamma, and beta; Algorithm 4 for the root.

    A line of equal activations gives beta.

    Parameters
    ----------
    activations:
        Lines x length, -128 to 127, any integer dtype.
    parameters:
        Of that length.

    Returns
    -------
    int8, of the same shape.

    Raises
    ------
    ValueError
        Dtype, dimensions or length are wrong, or a sum of squares could exceed 32 bits.
    """
    q = check_int8(activations, "activations", 2).astype(np.int64) << parameters.shift
    length = q.shape[1]
    if length != parameters.negative.size:
        raise ValueError(f"a line has {length} activations, gamma {parameters.negative.size} values")
    if length * (255 << parameters.shift) ** 2 >= 2**32:
        raise ValueError(f"a line has {length} activations: their squares' sum may exceed 32 bits")
    centred = q - q.sum(axis=1, keepdims=True) // length
    deviation = np.array([i_sqrt(int(total)) for total in (centred**2).sum(axis=1)])
    factor = 2**31 // np.maximum(deviation, 1)
    normalised = centred * factor[:, None] >> MEAN_BITS
    return requantise(np.where(parameters.negative, -normalised, normalised), parameters.requantisation)


def i_sqrt(n: int) -> int:
    """Return floor(sqrt(n)) by Newton's method, as Algorithm 4 has it.

    >>> [i_sqrt(n) for n in (0, 1, 3, 4, 2**32 - 1)]
    [0, 1, 1, 2, 65535]
    """
    if n == 0:
        return 0
    x = 1 << -(-n.bit_length() // 2)
    while True:
        y = (x + n // x) // 2
        if y >= x:
            return x
        x = y


def _shift(scale: float, constant: float, what: str) -> int:
    """Return the shift that leaves floor(constant / S) from 256 to 511, or 0 where it has more without."""
    if not 2.0**-9 <= scale <= 1:
        raise ValueError(f"scale is {scale}: {what} takes activations of scale 2^-9 to 1")
    return max(0, math.floor(math.log2(512 * scale / constant)))


def _normalising_shift(length: int) -> int:
    """Return the largest shift, 8 at most, for which no sum of squares exceeds 32 bits."""
    for shift in range(8, -1, -1):
        if length * (255 << shift) ** 2 < 2**32:
            return shift
    raise ValueError(f"a line has {length} activations: {(2**32 - 1) // 255**2} are the most")
