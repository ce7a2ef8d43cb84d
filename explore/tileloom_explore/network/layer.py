"""A layer that hardware can take: a convolution or a product with weights, whichever operator it came from.

All are one form: an image, N x H x W x C, goes through a convolution, possibly grouped, with weights
C_out x h x w x C_in / groups. A matrix product is one of window 1 x 1; a batch of products, each with weights
of its own, is a grouped one. `arrangement` has how a tensor of the network becomes the image.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.integers import wrap_int32

from .affine import Affine
from .arrangement import Arrangement, Pads, Window


@dataclass(frozen=True, eq=False)
class Quantisation:
    """How a layer computes with integers.

    Attributes
    ----------
    x:
        Of the activations, 8 bits with one scale; None where these stay floats and only the weights are
        integers.
    weight:
        Of the weights, scale and zero point (C_out,).
    y:
        Of the results, as `x`; None where these are sums, INT32 or dequantised.
    x_given, y_given:
        Whether the network's own tensor has integers. If not it has floats, which the host quantises as they
        come and dequantises as they go.
    """

    x: Affine | None
    weight: Affine
    y: Affine | None = None
    x_given: bool = False
    y_given: bool = False

    @property
    def sum_scale(self) -> npt.NDArray[np.float64]:
        """(C_out,) what one step of a sum is worth."""
        scale = 1.0 if self.x is None else float(self.x.scale)
        return scale * self.weight.scale.astype(np.float64)

    @property
    def ratios(self) -> npt.NDArray[np.float64]:
        """(C_out,) steps of a result in a step of a sum."""
        assert self.y is not None
        return self.sum_scale / float(self.y.scale)


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkLayer:
    """One layer.

    Attributes
    ----------
    name, operator:
        The node's in the network, or the output's where it has no name; its ONNX operator.
    input, output:
        Tensors of the network.
    arrangement:
        How they lie.
    weights:
        C_out x h x w x C_in / groups: float32, or integers as they are stored where `quantisation` is not
        None.
    bias:
        (C_out,) float32 or INT32, likewise, in steps of the sum; None for none.
    window:
        Strides, dilations, pads.
    groups:
        Of the channels.
    relu:
        Whether negative results become 0.
    quantisation:
        None of a layer of floats.
    dtype:
        Of results that are floats, in the network; computed are float32.
    zero:
        Tensor with the zero point of the activations where that is computed: `quantisation` has none then,
        and what it takes away is the host's (`corrected`). Else None.
    """

    name: str
    operator: str
    input: str
    output: str
    arrangement: Arrangement
    weights: npt.NDArray[Any]
    bias: npt.NDArray[Any] | None = None
    window: Window = field(default_factory=Window)
    groups: int = 1
    relu: bool = False
    quantisation: Quantisation | None = None
    dtype: str = "float32"
    zero: str | None = None

    @property
    def inputs(self) -> set[str]:
        """Tensors of the network that it needs."""
        return {self.input} if self.zero is None else {self.input, self.zero}

    @property
    def outputs(self) -> int:
        """Output channels."""
        return len(self.weights)

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the window."""
        return self.weights.shape[1], self.weights.shape[2]

    @property
    def channels(self) -> int:
        """Input channels."""
        return self.weights.shape[3] * self.groups

    def image(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a tensor of the network as an image, N x H x W x C.

        Raises UserError where the weights take another number of channels.
        """
        try:
            image = self.arrangement.image(tensor)
        except ValueError:  # another number of axes
            image = None
        if image is None or image.shape[3] != self.channels:
            raise UserError(
                f"{self.name} ({self.operator}): {self.input} has the shape {tensor.shape}, and the weights "
                f"take {self.channels} channels"
            )
        return image

    def image_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the image of a tensor of a shape."""
        return self.image(np.broadcast_to(np.zeros((), np.int8), shape)).shape

    def worth(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the real numbers that an output of the network stands for."""
        y = None if self.quantisation is None or not self.quantisation.y_given else self.quantisation.y
        return tensor if y is None else y.dequantise(tensor)

    def tensor(self, results: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return results, N x H_out x W_out x C_out, as the network has them; `shape` is its input's."""
        tensor = self.arrangement.tensor(results, shape)
        return np.ascontiguousarray(tensor, self.dtype if tensor.dtype.kind == "f" else tensor.dtype).reshape(
            tensor.shape
        )

    def pads(self, image: tuple[int, ...]) -> Pads:
        """Return top, bottom, left and right for an image's shape."""
        return self.window.pads_of((image[1], image[2]), self.kernel)

    def output_shape(self, image: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Return N, H_out, W_out, C_out for an image's shape.

        Raises UserError where the window does not fit.
        """
        try:
            height, width = self.window.output((image[1], image[2]), self.kernel)
        except UserError as error:
            raise UserError(f"{self.name} ({self.operator}): {error}") from None
        return image[0], height, width, self.outputs

    def macs(self, image: tuple[int, ...]) -> int:
        """Return the multiplications for an image's shape, padding included, those between groups not."""
        return int(np.prod(self.output_shape(image))) * int(np.prod(self.weights.shape[1:]))

    def with_weights(self, weights: npt.NDArray[Any]) -> NetworkLayer:
        """Return the layer with other weights of the same shape."""
        assert weights.shape == self.weights.shape
        return replace(self, weights=weights)

    @property
    def weight_values(self) -> npt.NDArray[Any]:
        """The weights less their zero points: float32, or int16, which holds the 9 bits that may take.

        Where all zero points are 0 these are the weights themselves, in the dtype that they have.
        """
        if self.quantisation is None or not self.quantisation.weight.zero_point.any():
            return self.weights
        zeros = self.quantisation.weight.zero_point.astype(np.int16)
        return self.weights.astype(np.int16) - zeros[:, None, None, None]

    def entering(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an image as the layer computes with it: floats, or integers less the zero point (int64)."""
        x = None if self.quantisation is None else self.quantisation.x
        if x is None or self.quantisation is None:
            return image.astype(np.float32)
        integers = image if self.quantisation.x_given else x.quantise(image)
        return integers.astype(np.int64) - x.zero_point

    def leaving(self, sums: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what the network gets of sums, N x H x W x C_out, to which the bias is added first.

        Sums are INT32 where activations are integers, else floats without the scale of integer weights.
        """
        quantisation, bias = self.quantisation, 0 if self.bias is None else self.bias
        if quantisation is not None and quantisation.x is not None:
            return self.rescaled(wrap_int32(sums.astype(np.int64) + bias))
        scaled = sums if quantisation is None else sums * quantisation.weight.scale
        with np.errstate(over="ignore"):  # becomes infinite, as in float32
            return self.rescaled(scaled.astype(np.float32) + np.float32(bias))

    def rescaled(self, totals: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what the network gets of sums with the bias in them, float32 or INT32.

        Integers are requantised by ONNX's rule: the sum times the real ratio of the scales, to the nearest,
        ties to even.
        """
        quantisation = self.quantisation
        if quantisation is None or quantisation.x is None:
            return np.maximum(totals, 0) if self.relu else totals
        if quantisation.y is None:
            if quantisation.y_given:
                return totals
            floats = (totals * quantisation.sum_scale).astype(np.float32)
            return np.maximum(floats, 0) if self.relu else floats
        y = quantisation.y
        results = np.clip(np.rint(totals * quantisation.ratios) + y.zero_point, y.low, y.high)
        return self.given_out(results.astype(np.int64))

    def given_out(self, integers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return quantised results as the network has them: ReLU applied, dequantised where it has floats."""
        assert self.quantisation is not None and self.quantisation.y is not None
        y = self.quantisation.y
        kept = np.maximum(integers, y.zero_point) if self.relu else integers
        return kept.astype(stored_dtype(y)) if self.quantisation.y_given else y.dequantise(kept)


def stored_dtype(affine: Affine) -> str:
    """Return the dtype of integers of 8 bits: "uint8" if they have no sign, else "int8"."""
    return "uint8" if affine.high > 127 else "int8"
