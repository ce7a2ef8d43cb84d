"""Layers by their shapes, and which tiles or blocks of their weights are left out, at random places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.engine.program import Layer

Mask = npt.NDArray[np.bool_]
"""Which tiles or blocks of weights are computed: along K x along N."""

LARGEST = 1 << 16
"""Most of any size of a layer."""


class Shape(click.ParamType):  # type: ignore[type-arg]  # generic only to type checkers
    """A layer as whole numbers with commas between them, converted to its name and `Layer`."""

    def __init__(self, names: tuple[str, ...], *, optional: int = 0) -> None:
        self.names, self.optional = names, optional
        required = ",".join(names[: len(names) - optional])
        self.name = (
            required + "".join(f"[,{name}" for name in names[len(names) - optional :]) + "]" * optional
        )

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, Layer]:
        """Return name and layer, or fail with what is wrong."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        fewest = len(self.names) - self.optional
        if not all(part.isascii() and part.isdecimal() for part in parts) or not (
            fewest <= len(parts) <= len(self.names)
        ):
            self.fail(f"{value!r} is not {self.name} in whole numbers", parameter, context)
        numbers = [int(part) if len(part) < 10 else LARGEST + 1 for part in parts]
        for name, number in zip(self.names, numbers, strict=False):
            least = 0 if name == "PAD" else 1
            if not least <= number <= LARGEST:
                self.fail(f"{value}: {name} must be from {least} to {LARGEST}", parameter, context)
        try:
            return self.layer(numbers)
        except ValueError as error:
            self.fail(f"{value}: {error}", parameter, context)

    def layer(self, numbers: list[int]) -> tuple[str, Layer]:
        """Return the name and the layer of numbers within their bounds. Raises ValueError as `Layer`."""
        raise NotImplementedError


class Product(Shape):
    """A matrix product, M x K by K x N."""

    def __init__(self) -> None:
        super().__init__(("M", "K", "N"))

    def layer(self, numbers: list[int]) -> tuple[str, Layer]:
        """Return it as a 1 x 1 convolution."""
        m, k, n = numbers
        return f"gemm {m}x{k}x{n}", Layer.product(m, k, n)


class Convolution(Shape):
    """A convolution of an H x W image of C channels to N with a square window.

    Stride 1, and padding of half the window, where none is given.
    """

    def __init__(self) -> None:
        super().__init__(("H", "W", "C", "N", "WINDOW", "STRIDE", "PAD"), optional=2)

    def layer(self, numbers: list[int]) -> tuple[str, Layer]:
        """Return it."""
        height, width, channels, outputs, window, *rest = numbers
        stride = rest[0] if rest else 1
        pad = rest[1] if len(rest) > 1 else window // 2
        name = f"conv {height}x{width}x{channels} {window}x{window} n{outputs}"
        name += f" s{stride}" * (stride > 1) + f" p{pad}" * (pad != window // 2)
        layer = Layer(
            height=height,
            width=width,
            channels=channels,
            outputs=outputs,
            kernel=(window, window),
            stride=stride,
            pads=(pad, pad, pad, pad),
        )
        return name, layer


def named_layers(given: Iterable[tuple[str, Layer]]) -> dict[str, Layer]:
    """Return layers by name. Raises UserError for one that is given twice."""
    layers: dict[str, Layer] = {}
    for name, layer in given:
        if name in layers:
            raise UserError(f"{name}: given twice")
        layers[name] = layer
    return layers


def random_mask(shape: tuple[int, int], sparsity: float, rng: np.random.Generator) -> Mask:
    """Return a mask with a share left out, to the nearest whole tile; one at least is kept."""
    size = shape[0] * shape[1]
    kept = np.zeros(size, np.bool_)
    kept[: max(1, size - round(sparsity * size))] = True
    return rng.permutation(kept).reshape(shape)
