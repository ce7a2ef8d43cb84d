"""The user's matrices: read, checked, pruned, quantised, and turned into the words of the array's formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.checks import Words
from tileloom_golden.formats import Float
from tileloom_golden.integers import PART, sign_magnitude
from tileloom_golden.rounding import to_float64
from tileloom_golden.systolic.prune import prune_tiles
from tileloom_golden.systolic.quantise import quantise
from tileloom_golden.words import encode

from ..layout import Named
from . import reference

Scaling = Literal["tensor", "column"]


@dataclass(frozen=True)
class Operands:
    """A GEMM as the array gets it.

    Attributes
    ----------
    x, w:
        M x K activations and K x N weights, as words.
    x_values, w_values:
        What these words are worth, float64, the scale of quantised weights left out.
    scale:
        What one step of a quantised weight is worth, () or (N,); 1 where nothing was quantised.
    quantised:
        Whether weights were.
    """

    x: Words
    w: Words
    x_values: npt.NDArray[np.float64]
    w_values: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float32]
    quantised: bool


def check_scaled(per: Scaling | None, weights: Named, *, quantised: bool) -> None:
    """Raise UserError where ``per`` asks for scales of weights that have none."""
    if per and not quantised:
        raise UserError(f"--per: {weights[0]} is not quantised, so that there is no scale")


def prepare(
    config: SystolicConfig,
    activations: Named,
    weights: Named,
    *,
    prune: float | None = None,
    per: Scaling = "tensor",
) -> Operands:
    """Return the operands of Y = X W for an array.

    Floats are rounded to the nearest word of the array's format, ties to even. For an array with integer
    weights, integers are used as they are, and floats are quantised with one scale, or one ``per`` column.
    ``prune`` is the share of tiles that become zero, those with the smallest L1 norm.

    Raises UserError that names the file and the index of what is wrong.
    """
    (x_path, x), (w_path, w) = activations, weights
    for name, matrix in (activations, weights):
        if matrix.ndim != 2 or not matrix.size:
            raise UserError(f"{name}: has shape {matrix.shape}; a matrix with at least one element is needed")
    if x.shape[1] != w.shape[0]:
        raise UserError(
            f"{x_path} is {x.shape[0]} x {x.shape[1]} and {w_path} as K x N is {w.shape[0]} x {w.shape[1]}: "
            f"X W needs as many columns of X as rows of W"
        )
    if prune is not None:
        try:
            w = prune_tiles(w, config.rows, config.columns, prune)
        except ValueError as error:
            raise told(w_path, error) from None
    x_words, x_values = activation_words(config, activations)
    encoded = weight_words(config, (w_path, w), per=per)
    return Operands(x_words, encoded.words, x_values, encoded.values, encoded.scale, encoded.quantised)


def activation_words(config: SystolicConfig, activations: Named) -> tuple[Words, npt.NDArray[np.float64]]:
    """Return activations, of any shape, rounded to words of an array's format, and what these are worth.

    Raises UserError that names the array and the index of what is wrong.
    """
    return float_words(reference.float_format(config.activation), activations)


def float_words(number_format: Float, array: Named) -> tuple[Words, npt.NDArray[np.float64]]:
    """Return an array rounded to the nearest words of a format, ties to even, and what these are worth."""
    name, values = array
    try:
        words = encode(_floating(values), number_format)
    except ValueError as error:
        raise told(name, error) from None
    return words, to_float64(words, number_format)


@dataclass(frozen=True)
class Weights:
    """Weights as an array gets them: words, what these are worth without the scale; else as in Operands."""

    words: Words
    values: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float32]
    quantised: bool


def weight_words(
    config: SystolicConfig, weights: Named, *, per: Scaling = "tensor", column: int = 1
) -> Weights:
    """Return weights, of any shape, as words of an array's format; ``column`` is the axis of its columns.

    Raises UserError that names the array and the index of what is wrong.
    """
    name, w = weights
    number_format = reference.operand_format(config.weight)
    scale = np.ones((), np.float32)
    if isinstance(number_format, Float):
        return Weights(*float_words(number_format, weights), scale, False)
    quantised = w.dtype.kind == "f"
    try:
        if quantised:
            last = np.moveaxis(w, column, -1)
            result = quantise(last.reshape(-1, last.shape[-1]), number_format.bits, per)
            w, scale = np.moveaxis(result.integers.reshape(last.shape), -1, column), result.scale
        words = sign_magnitude(w, number_format.bits)
    except ValueError as error:
        raise told(name, error) from None
    return Weights(words, w.astype(np.float64), scale, quantised)


def narrow_words(config: SystolicConfig, weights: Named) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Return weights, K x N, as words in the narrowest dtype that holds them.

    They become words some rows at a time: of a large matrix the arrays on the way would be 10 times its size.

    Parameters
    ----------
    config:
        Of the array.
    weights:
        Floats, or integers; floats are not quantised.

    Raises UserError that names the array and the index of what is wrong.
    """
    name, matrix = weights
    number_format = reference.operand_format(config.weight)

    def words_of(part: npt.NDArray[Any]) -> Words:
        if isinstance(number_format, Float):
            return encode(_floating(part), number_format)
        return sign_magnitude(part, number_format.bits)

    words = np.empty(matrix.shape, np.min_scalar_type((1 << number_format.width) - 1))
    together = max(1, PART // max(1, matrix.shape[1]))
    try:
        for begin in range(0, len(matrix), together):
            words[begin : begin + together] = words_of(matrix[begin : begin + together])
    except ValueError:
        try:
            words_of(matrix)  # which says where in the whole
        except ValueError as error:
            raise told(name, error) from None
        raise
    return words


def values_of(
    config: SystolicConfig, words: Words, operands: Operands, *, raw: bool
) -> npt.NDArray[np.float32]:
    """Return result words as float32, times the scale of the weights unless ``raw``.

    The words are those of the golden model, and the format is one that ``require_float32`` let pass.
    """
    values = to_float64(words, reference.float_format(config.accumulator)).astype(np.float32)
    return values if raw else values * operands.scale


def require_float32(config: SystolicConfig) -> None:
    """Raise UserError if results of this configuration do not fit float32."""
    accumulator = config.accumulator
    if accumulator.exponent_bits > 8 or accumulator.fraction_bits > 23:
        raise UserError(f"accumulator: {accumulator} results do not fit the float32 of Y; at most e8m23")


def _floating(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return whole numbers as float64, which holds all that anybody stores; floats as they are."""
    return matrix.astype(np.float64) if matrix.dtype.kind in "iu" else matrix


def told(path: str, error: ValueError) -> UserError:
    """Return a golden model's complaint about its argument as one about the user's file."""
    name, rest = str(error).partition("[")[::2] if "[" in str(error) else (str(error).split(" ")[0], "")
    message = f"element [{rest}" if rest else str(error).removeprefix(name).strip()
    return UserError(f"{path}: {message}")
