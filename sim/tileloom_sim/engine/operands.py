"""The user's arrays as an engine gets them: checked, pruned, quantised or rounded to words, in its order.

What is wrong is told with the index that it has in the user's own array, however that lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig
from tileloom.errors import UserError
from tileloom_golden.checks import first
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.engine.sparse import BlockSparse, from_convolution

from ..arrays import check_values
from ..layout import CONVOLUTION, MATRIX, Named, oriented
from ..systolic import reference
from ..systolic.operands import Scaling, activation_words, float_words, weight_words

INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class Operands:
    """A layer's activations and weights.

    Attributes
    ----------
    product:
        Whether it is a matrix product, else a convolution.
    x:
        H x W x C (of a product 1 x M x K): INT8, or words of the core's format.
    x_values:
        What these are worth.
    kept:
        The weights by their kept blocks: INT8, or words of the core's format.
    scale:
        What one step of a quantised weight is worth, () or (C_out,); 1 where nothing was quantised.
    quantised:
        Whether weights were.
    """

    product: bool
    x: npt.NDArray[Any]
    x_values: npt.NDArray[np.float64]
    kept: BlockSparse
    scale: npt.NDArray[np.float32]
    quantised: bool


def prepare(
    config: EngineConfig,
    activations: Named,
    weights: Named,
    layout: str | None,
    *,
    prune: float | None = None,
    per: Scaling = "tensor",
) -> Operands:
    """Return the operands of a layer for an engine.

    The dot-product core takes integers that are INT8. For a systolic core numbers are rounded to its formats;
    for integer weights, integers are used as they are, and floats quantised with one scale, or one ``per``
    output channel. ``prune`` is the share of the blocks left out, those with the smallest L1 norm.

    Raises UserError that names the array and the index of what is wrong.
    """
    (x_name, x), (w_name, w) = activations, weights
    product = oriented(weights, layout, (*MATRIX, *CONVOLUTION))[1].ndim == 2
    assert layout is not None  # or it would have been refused
    dimensions, needed = (2, "M x K") if product else (3, "H x W x C_in")
    if x.ndim != dimensions:
        raise UserError(f"{x_name}: has shape {x.shape}; {needed} is needed for the weights {w_name}")
    # From the user's order of axes to C_out, h, w, C_in, and back.
    order = [layout.index(axis) for axis in ("NK" if product else "OHWI")]
    inner, column = w.shape[order[-1]], order[0]
    if x.shape[-1] != inner:
        raise UserError(
            f"{x_name} has {x.shape[-1]} channels and {w_name}, as {layout}, has {inner}: they must agree"
        )

    def dense(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        ordered = np.transpose(array, order)
        return ordered[:, None, None, :] if product else ordered

    if w.dtype.kind == "u":
        w = w.astype(np.int64)
    block = (config.k, config.n)
    mask = None if prune is None else block_mask(dense(w), prune, block)
    scale, quantised = np.ones((), np.float32), False
    x_words: npt.NDArray[Any]
    w_words: npt.NDArray[Any]
    if config.core is Core.DOT_PRODUCT:
        x_words, w_words = _int8(x_name, x), _int8(w_name, w)
        x_values = x_words.astype(np.float64)
    else:
        if mask is not None:
            # Floats are quantised by the largest weight that is left.
            elements = mask.repeat(config.k, 0).repeat(config.n, 1)[:inner, : w.shape[column]].T
            spread = elements if product else elements[:, None, None, :]
            ordered = np.broadcast_to(spread, [w.shape[axis] for axis in order])
            w = np.where(np.transpose(ordered, np.argsort(order)), w, w.dtype.type(0))
        array = config.systolic
        x_words, x_values = activation_words(array, (x_name, x))
        encoded = weight_words(array, (w_name, w), per=per, column=column)
        w_words, scale, quantised = encoded.words, encoded.scale, encoded.quantised
    image = (slice(None),) if not product else (None,)
    kept = from_convolution(dense(w_words), block, mask)
    return Operands(product, x_words[image], x_values[image], kept, scale, quantised)


def bias_words(config: EngineConfig, bias: Named | None, operands: Operands) -> npt.NDArray[np.int64]:
    """Return what the header of each output channel has as bias: INT32, or a word of the accumulator.

    With quantised weights a bias, given in units of the results, is divided by their scale first.
    """
    outputs = operands.kept.shape[1]
    if bias is None:
        return np.zeros(outputs, np.int64)
    name, values = bias
    per_output(bias, outputs)
    if config.core is Core.DOT_PRODUCT:
        return integers(bias, INT32.min, INT32.max)
    if operands.quantised:
        values = values.astype(np.float64) / operands.scale
        check_values(name, values)
    words, _ = float_words(reference.float_format(config.accumulator), (name, values))
    return words.astype(np.int64)


def per_output(array: Named, outputs: int) -> None:
    """Raise UserError unless an array has an element for each output channel."""
    name, values = array
    if values.shape != (outputs,):
        raise UserError(f"{name}: has shape {values.shape}, not ({outputs},), one for each output channel")


def integers(array: Named, least: int, most: int) -> npt.NDArray[np.int64]:
    """Return whole numbers. Raises UserError with the name and the index of one that is out of range."""
    name, values = array
    if values.dtype.kind == "f":
        raise UserError(f"{name}: {values.dtype} of shape {values.shape}; integers are needed")
    if values.size and (values.min() < least or values.max() > most):
        wrong = (values < least) | (values > most)
        value = values.flat[int(wrong.argmax())]
        raise UserError(f"{name}: element {first(wrong)} is {value}; must be from {least} to {most}")
    return values.astype(np.int64)


def _int8(name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    return array if array.dtype == np.int8 else integers((name, array), -128, 127).astype(np.int8)
