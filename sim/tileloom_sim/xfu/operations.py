"""The library's operations: how to call each of them, and what the golden model has for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.requantise import Requantisation
from tileloom_golden.xfu.transformer import Gelu, Normalisation, Softmax

from .calls import RELU, SIGNED, Call, Function
from .layers import Kernel, LayerShape
from .operands import Weights, channels, check_sums, dense, multiplier, sparse

Int8 = npt.NDArray[np.int8]


def layer_call(
    layer: LayerShape,
    activations: Int8,
    weights: Int8,
    parameters: Requantisation,
    kernel: Kernel,
    *,
    m: int = 4,
    n: int = 1,
    relu: bool = False,
) -> Call:
    """Return the call for a convolution, or a fully connected layer.

    Parameters
    ----------
    layer, kernel:
        Shape, and how it is computed; SOFTWARE is not among the library's.
    activations:
        Height x width x channels.
    weights:
        Rows x ``layer.length``; for XDECIMATE N:M.
    parameters:
        Of the rows.
    m, n:
        Of XDECIMATE.
    relu:
        Whether results below 0 become 0.

    Results are output height x output width x rows.

    Raises
    ------
    UserError
        A matrix that is not N:M, a ratio of 1/2 or more, sums that may leave INT32: the message has the row.
    ValueError
        Shapes do not fit the layer.
    """
    _check(activations, (layer.height, layer.width, layer.channels), "activations")
    _check(weights, (layer.rows, layer.length), "weights")
    connected = layer.kernel is None
    made = _weights(weights, kernel, m, n, connected=connected)
    check_sums(weights, parameters.bias)
    return Call(
        function=Function.CONNECTED if connected else Function.CONVOLUTION,
        input=activations,
        output=(*layer.output, layer.rows),
        least=RELU if relu else SIGNED,
        window=layer,
        weights=made,
        channels=channels(parameters),
        workspace=0 if connected else 2 * (-(-made.line_bytes // 4) * 4),
    )


def product_call(
    lines: Int8,
    weights: Int8,
    parameters: Requantisation,
    kernel: Kernel = Kernel.DENSE_4X2,
    *,
    m: int = 4,
    n: int = 1,
    relu: bool = False,
) -> Call:
    """Return the call for a product of lines (count x length) with rows of weights (rows x length).

    Results are count x rows; errors as of ``layer_call``.
    """
    count, length = lines.shape
    _check(weights, (len(weights), length), "weights")
    check_sums(weights, parameters.bias)
    return Call(
        function=Function.PRODUCT,
        input=lines,
        output=(count, len(weights)),
        least=RELU if relu else SIGNED,
        weights=_weights(weights, kernel, m, n, connected=False),
        channels=channels(parameters),
        lines=count,
        length=length,
    )


def max_pool_call(layer: LayerShape, activations: Int8) -> Call:
    """Return the call for the largest of each window; ``layer.rows`` is not used.

    Raises UserError where a window would see no pixel, ValueError where the shape does not fit.
    """
    _check_pool(layer, activations)
    return Call(
        function=Function.MAX_POOL, input=activations, output=(*layer.output, layer.channels), window=layer
    )


def average_pool_call(
    layer: LayerShape, activations: Int8, scale: int, shift: int, *, relu: bool = False
) -> Call:
    """Return the call for each window's sum times scale / 2^shift.

    Raises as ``max_pool_call``, and UserError where the ratio is 128 or more, or a window has over 65,536
    pixels.
    """
    _check_pool(layer, activations)
    window = layer.kernel or (1, 1)
    if window[0] * window[1] > 1 << 16:
        raise UserError(f"kernel: {window[0]} x {window[1]} has more than 65536 pixels")
    one = np.ones(1, np.int64)
    parameters = Requantisation(0 * one, scale * one, shift * one)
    return Call(
        function=Function.AVERAGE_POOL,
        input=activations,
        output=(*layer.output, layer.channels),
        least=RELU if relu else SIGNED,
        window=layer,
        channels=channels(parameters, what="average", more=8),
    )


def add_call(a: Int8, b: Int8, scales: tuple[int, int], shift: int, *, relu: bool = False) -> Call:
    """Return the call for a residual addition of two matrices.

    Raises ValueError where their shapes differ, or a number is out of the golden model's range.
    """
    _check(b, a.shape, "b")
    # A shift of 0 is twice the scales and a shift of 1.
    words = [2 * scales[0], 2 * scales[1], 1] if shift == 0 else [*scales, shift]
    return Call(
        function=Function.ADD,
        input=a,
        second=b,
        output=a.shape,
        least=RELU if relu else SIGNED,
        channels=[words],
        lines=a.shape[0],
        length=a.shape[1],
    )


def transpose_call(matrix: Int8) -> Call:
    """Return the call for a transpose whose lines are filled up with zeros to words."""
    lines, length = matrix.shape
    return Call(
        function=Function.TRANSPOSE,
        input=matrix,
        output=(length, -(-lines // 4) * 4),
        lines=lines,
        length=length,
    )


def softmax_call(activations: Int8, parameters: Softmax) -> Call:
    """Return the call for each line's softmax."""
    lines, length = activations.shape
    words = [[parameters.shift, parameters.ln2, parameters.b, parameters.c]]
    return Call(
        function=Function.SOFTMAX,
        input=activations,
        output=activations.shape,
        channels=words,
        lines=lines,
        length=length,
        workspace=4 * length,
    )


def gelu_call(activations: Int8, parameters: Gelu) -> Call:
    """Return the call for each activation's GELU.

    Raises UserError where the ratio of the steps is 1/2 or more.
    """
    pair = multiplier(parameters.scale, parameters.shift_out)
    if pair is None:
        raise UserError("gelu: the results' scale is too small beside the activations'")
    lines, length = activations.shape
    return Call(
        function=Function.GELU,
        input=activations,
        output=activations.shape,
        channels=[[parameters.shift, parameters.b, parameters.c, parameters.one, 0, *pair]],
        lines=lines,
        length=length,
    )


def normalise_call(activations: Int8, parameters: Normalisation) -> Call:
    """Return the call for each line's layer normalisation.

    Raises UserError where a ratio is 1/2 or more; the message has the channel.
    """
    lines, length = activations.shape
    words = channels(parameters.requantisation, what="channel")
    return Call(
        function=Function.NORMALISE,
        input=activations,
        output=activations.shape,
        least=parameters.shift,
        channels=[[*each, int(negative)] for each, negative in zip(words, parameters.negative, strict=True)],
        lines=lines,
        length=length,
    )


def _weights(weights: Int8, kernel: Kernel, m: int, n: int, *, connected: bool) -> Weights:
    if kernel is Kernel.SOFTWARE:
        raise ValueError("the library has no sparse kernels in software")
    return sparse(weights, m, n, connected=connected) if kernel.sparse else dense(weights, kernel)


def _check_pool(layer: LayerShape, activations: Int8) -> None:
    _check(activations, (layer.height, layer.width, layer.channels), "activations")
    window = min(layer.kernel or (1, 1))
    if layer.padding >= window:
        raise UserError(f"padding: must be below the window's size, {window}, not {layer.padding}")


def _check(array: Int8, shape: tuple[int, ...], name: str) -> None:
    if array.shape != shape or array.dtype != np.int8:
        raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, not int8 of {shape}")
