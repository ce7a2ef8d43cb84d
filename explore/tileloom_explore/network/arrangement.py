"""How tensors of a network become images, N x H x W x C, and results tensors again; and windows over images.

ONNX has channels before height and width, and products over any axes. Hardware has one order. This is the one
place that knows both.
"""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

Pads = tuple[int, int, int, int]
"""Top, bottom, left, right."""

AutoPad = Literal["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]


class Arrangement(Protocol):
    """Between a network's tensors and images."""

    def image(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a layer's input as N x H x W x C."""

    def tensor(self, results: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return results, N x H_out x W_out x C_out, as the network has them; `shape` is the input's."""


@dataclass(frozen=True)
class Channels:
    """A convolution's tensors, N x C x H x W, or N x C x W of one over a single axis.

    Attributes
    ----------
    axes:
        Spatial ones, 1 or 2.
    """

    axes: int

    def image(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return N x H x W x C; of a single axis H is 1."""
        spatial = tensor if self.axes == 2 else tensor[:, :, None, :]
        return np.ascontiguousarray(spatial.transpose(0, 2, 3, 1))

    def tensor(self, results: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return N x C_out x H_out x W_out, or without H_out."""
        first = results.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(first if self.axes == 2 else first[:, :, 0])


@dataclass(frozen=True)
class Axes:
    """A product's tensors, by letters for their axes, as in Einstein's sum convention.

    An axis of the activations that is one of the weights too is a batch where it is in the results, else
    summed over. `...` stands for axes of the activations alone. Places are what is left.

    Attributes
    ----------
    x, w, y:
        Of activations, weights and results: "...k", "kn", "...n".
    columns:
        Sizes of the axes of the weights alone, in the order of `w`.
    """

    x: str
    w: str
    y: str
    columns: tuple[int, ...]

    def image(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return 1 x 1 x places x (batch, summed)."""
        axes, _ = self._expanded(tensor.ndim)
        places, batch, summed, _ = self._roles(axes)
        order = [axes.index(axis) for axis in places + batch + summed]
        sizes = [tensor.shape[index] for index in order]
        rows, channels = math.prod(sizes[: len(places)]), math.prod(sizes[len(places) :])
        return np.ascontiguousarray(tensor.transpose(order).reshape(1, 1, rows, channels))

    def tensor(self, results: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return results, 1 x 1 x places x (batch, columns), with their axes as `y` has them."""
        axes, out = self._expanded(len(shape))
        places, batch, _, columns = self._roles(axes)
        sizes = {axis: shape[axes.index(axis)] for axis in places + batch}
        sizes |= dict(zip(columns, self.columns, strict=True))
        there = places + batch + columns
        whole = results.reshape([sizes[axis] for axis in there])
        # An axis of size 1 of the activations, repeated by weights, is in no result.
        gone = tuple(index for index, axis in enumerate(there) if axis not in out)
        left = [axis for axis in there if axis in out]
        return whole.squeeze(gone).transpose([left.index(axis) for axis in out])

    def weights(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return weights with axes `w` as a grouped convolution's: (batch, columns) x 1 x 1 x summed."""
        _, batch, summed, columns = self._roles(self.x.replace("...", ""))
        order = [self.w.index(axis) for axis in batch + columns + summed]
        inner = math.prod(array.shape[self.w.index(axis)] for axis in summed)
        return np.ascontiguousarray(array.transpose(order).reshape(-1, 1, 1, inner))

    def groups(self, shape: tuple[int, ...]) -> int:
        """Return the size of the batch for weights of a shape."""
        return math.prod(
            size for axis, size in zip(self.w, shape, strict=True) if axis in self.x and axis in self.y
        )

    def _expanded(self, ndim: int) -> tuple[str, str]:
        """Return the axes of activations and results with letters for `...`."""
        spare = [letter for letter in string.ascii_letters if letter not in self.x + self.w + self.y]
        more = "".join(spare[: ndim - len(self.x.replace("...", ""))])
        return self.x.replace("...", more), self.y.replace("...", more)

    def _roles(self, axes: str) -> tuple[str, str, str, str]:
        """Return places, batch, summed axes (in the weights' order) and columns."""
        places = "".join(axis for axis in axes if axis not in self.w)
        batch = "".join(axis for axis in self.w if axis in axes and axis in self.y)
        summed = "".join(axis for axis in self.w if axis in axes and axis not in self.y)
        return places, batch, summed, "".join(axis for axis in self.w if axis not in axes)


@dataclass(frozen=True)
class Window:
    """How a window moves over an image.

    Attributes
    ----------
    strides, dilations:
        Down and across.
    pads:
        Where `auto_pad` is "NOTSET".
    auto_pad:
        As ONNX has it: SAME_UPPER and SAME_LOWER give ceil(size / stride) results, with one more pad at the
        end, or at the beginning, where their number is odd.
    """

    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: Pads = (0, 0, 0, 0)
    auto_pad: AutoPad = "NOTSET"

    def pads_of(self, image: tuple[int, int], kernel: tuple[int, int]) -> Pads:
        """Return the pads for an image's height and width."""
        if self.auto_pad == "NOTSET":
            return self.pads
        if self.auto_pad == "VALID":
            return (0, 0, 0, 0)
        found: list[int] = []
        for size, window, stride, dilation in zip(image, kernel, self.strides, self.dilations, strict=True):
            total = max(0, (-(-size // stride) - 1) * stride + dilation * (window - 1) + 1 - size)
            less, more = total // 2, total - total // 2
            found += [less, more] if self.auto_pad == "SAME_UPPER" else [more, less]
        return found[0], found[1], found[2], found[3]

    def output(self, image: tuple[int, int], kernel: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the results. Raises UserError where the window does not fit."""
        pads = self.pads_of(image, kernel)
        reach = [dilation * (window - 1) + 1 for dilation, window in zip(self.dilations, kernel, strict=True)]
        room = image[0] + pads[0] + pads[1] - reach[0], image[1] + pads[2] + pads[3] - reach[1]
        if min(room) < 0:
            raise UserError(f"a window of {reach[0]} x {reach[1]} does not fit {image[0]} x {image[1]}")
        return room[0] // self.strides[0] + 1, room[1] // self.strides[1] + 1


def unroll(
    image: npt.NDArray[Any], kernel: tuple[int, int], window: Window, *, filling: Any = 0
) -> npt.NDArray[Any]:
    """Return the matrix that weights, h x w x C a column, are multiplied with: im2col.

    Parameters
    ----------
    image:
        N x H x W x C, any dtype.
    kernel:
        (h, w).
    window:
        How it moves.
    filling:
        The value of padding.

    Returns
    -------
    npt.NDArray[Any]
        (N H_out W_out) x (h w C).
    """
    height, width = window.output((image.shape[1], image.shape[2]), kernel)
    filled = pad(image, window.pads_of((image.shape[1], image.shape[2]), kernel), filling)
    (down, across), (dy, dx) = window.strides, window.dilations
    seen = [
        filled[:, y * dy :: down, x * dx :: across][:, :height, :width]
        for y in range(kernel[0])
        for x in range(kernel[1])
    ]
    return np.stack(seen, axis=3).reshape(len(image) * height * width, -1)


def pad(image: npt.NDArray[Any], pads: Pads, filling: Any = 0) -> npt.NDArray[Any]:
    """Return an image, N x H x W x C, with so much added at top, bottom, left and right."""
    if not any(pads):
        return image
    return np.pad(image, ((0, 0), pads[:2], pads[2:], (0, 0)), constant_values=filling)
