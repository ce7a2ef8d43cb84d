"""Layers on a RISC-V core with the xDecimate unit: INT8 kernels, sparse where weights are 1:M, else dense.

A grouped convolution is one layer for each group. Sums are INT32; the host adds the bias with the zero
points' corrections and requantises, pads, and unrolls what the kernels cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError, UserError
from tileloom.xfu.config import XfuConfig
from tileloom_golden.engine.layer import Layer as Geometry
from tileloom_golden.estimate.xfu import KernelLayer
from tileloom_golden.integers import convolve, wrap_int32
from tileloom_golden.xfu.layers import fully_connected_packed, im2col
from tileloom_golden.xfu.packing import Layout, Packed, pack
from tileloom_sim.riscv.system import System
from tileloom_sim.xfu.hosts import xfu_system
from tileloom_sim.xfu.layers import Kernel, LayerShape, run_layer

from ...cost import Cost, Run
from ...xfu.cost import kernel_cost
from ...xfu.traffic import unmodelled
from ..arrangement import pad, unroll
from ..layer import NetworkLayer
from ..mapping import Image, RefusedError, Simulated
from ..quantise import IntegerLayer, integer_layer
from ..recognise import recognise
from ..weights import padded

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class KernelMapping:
    """A layer as INT8 kernels.

    Attributes
    ----------
    config, layer:
        These.
    integers:
        The layer without zero points.
    weights:
        Of each group, C_out / groups x h x w x C: C_in of the group, once for each part of the weights.
    group_size:
        M, where all of them are 1:M and the unit has its instruction; else None.
    native:
        Whether the kernel does im2col, or the host unrolls, K filled up with zeros to groups of M.
    notes:
        What is prepared.
    """

    config: XfuConfig
    layer: NetworkLayer
    integers: IntegerLayer
    weights: tuple[Int8, ...]
    group_size: int | None
    native: bool
    notes: tuple[str, ...]

    def compute(self, image: Image) -> Image:
        """Return the results by the golden model."""
        return self._results([self._golden(*each) for each in self._operands(image)], image.shape)

    def simulate(self, image: Image) -> Simulated:
        """Return the results of the RTL, each word equal to the golden model's."""
        system = _system(self.config)
        runs, total, compared = [], 0, 0
        for group, x in self._operands(image):
            shape, kernel = self._shape(group, x.shape), self._kernel
            weights = self.weights[group].reshape(len(self.weights[group]), -1)
            run = run_layer(system, shape, kernel, x, weights, group=self.group_size or 4)
            expected = self._golden(group, x)
            wrong = run.results != expected
            if wrong.any():
                place = ", ".join(map(str, np.argwhere(wrong)[0]))
                raise CheckError(
                    f"{self.layer.name}: [{place}] is not the golden model's, and {wrong.sum()} in all"
                )
            runs.append(run.results)
            total, compared = total + run.cycles, compared + wrong.size
        return Simulated(self._results(runs, image.shape), total, compared)

    def cost(self, image: tuple[int, ...]) -> Cost:
        """Return what an image of a shape takes."""
        batch, height, width, _ = self.layer.output_shape(image)
        runs = batch if self.native else 1
        layer = self._kernel_layer(image, batch * height * width // runs)
        return kernel_cost(self.config, layer, runs * self.layer.groups)

    @property
    def tables(self) -> dict[str, npt.NDArray[Any]]:
        """The bias that the host adds to the sums."""
        return {"bias": self.integers.bias.astype(np.int32)}

    def runs(self, image: tuple[int, ...]) -> list[Run]:
        """Return what the core computes for an image of a shape; of each group of 1:M weights one is kept."""
        batch, height, width, _ = self.layer.output_shape(image)
        times, groups = (batch if self.native else 1), self.layer.groups
        kernel = self._kernel_layer(image, batch * height * width // times)
        geometry = (
            Geometry(
                height=kernel.height,
                width=kernel.width,
                channels=kernel.channels,
                outputs=kernel.rows,
                kernel=kernel.kernel or (1, 1),
                stride=kernel.stride,
            )
            if self.native
            else Geometry.product(kernel.height, kernel.channels, kernel.rows)
        )
        one = np.arange(kernel.length) % (kernel.group or 1) == 0
        return [Run(geometry, np.repeat(one[:, None], kernel.rows, axis=1), times * groups)]

    @property
    def _kernel(self) -> Kernel:
        return Kernel.DENSE_4X2 if self.group_size is None else Kernel.XDECIMATE

    def _kernel_layer(self, image: tuple[int, ...], pixels: int) -> KernelLayer:
        """Return a group of the layer as the kernel sees it, of so many pixels."""
        rows, height, width, channels = self.weights[0].shape
        size = self.group_size
        if not self.native:
            kernel = None if pixels == 1 else (1, 1)
            return KernelLayer(rows=rows, channels=channels, height=pixels, kernel=kernel, group=size)
        top, bottom, left, right = self.layer.pads(image)
        return KernelLayer(
            rows=rows,
            channels=channels,
            height=image[1] + top + bottom,
            width=image[2] + left + right,
            kernel=(height, width),
            stride=self.layer.window.strides[0],
            group=size,
        )

    def _shape(self, group: int, x: tuple[int, ...]) -> LayerShape:
        rows, height, width, channels = self.weights[group].shape
        if not self.native and x[0] == 1:
            return LayerShape(rows=rows, channels=channels)
        stride = self.layer.window.strides[0] if self.native else 1
        return LayerShape(
            rows=rows, channels=channels, height=x[0], width=x[1], kernel=(height, width), stride=stride
        )

    def _operands(self, image: Image) -> Iterator[tuple[int, Int8]]:
        """Yield group and activations, H x W x C, of each group of each image; unrolled, places x 1 x K."""
        integers, layer = self.integers, self.layer
        values = layer.entering(image) + integers.padding
        parts = len(integers.weights)
        by_group = values.reshape(*values.shape[:3], layer.groups, -1)
        for group in range(layer.groups):
            own = np.concatenate([by_group[..., group, :]] * parts, axis=-1).astype(np.int8)
            if self.native:
                for one in pad(own, layer.pads(image.shape), np.int8(integers.padding)):
                    yield group, np.ascontiguousarray(one)
                continue
            rows = unroll(own, layer.kernel, layer.window, filling=np.int8(integers.padding))
            more = self.weights[group].shape[3] - rows.shape[1]
            yield group, np.pad(rows, ((0, 0), (0, more)))[:, None]

    def _golden(self, group: int, x: Int8) -> npt.NDArray[np.int32]:
        """Return the sums, places x C_out / groups."""
        weights = self.weights[group]
        stride = self.layer.window.strides[0] if self.native else 1
        if self.group_size is None:
            return convolve(x, weights, stride).reshape(-1, len(weights))
        kernel = (weights.shape[1], weights.shape[2])
        return fully_connected_packed(im2col(x, kernel, stride=stride), self._packed(group, len(x)))

    def _packed(self, group: int, places: int) -> Packed:
        assert self.group_size is not None
        weights = self.weights[group]
        connected = not self.native and places == 1
        layout = Layout.INTERLEAVED if connected else Layout.DUPLICATED
        return pack(weights.reshape(len(weights), -1), self.group_size, layout)

    def _results(self, runs: list[npt.NDArray[np.int32]], shape: tuple[int, ...]) -> Image:
        """Return what the network gets of the sums of all groups and images."""
        images = len(runs) // self.layer.groups
        by_group = [np.concatenate(runs[begin : begin + images]) for begin in range(0, len(runs), images)]
        sums = np.concatenate(by_group, axis=1).astype(np.int64)
        totals = wrap_int32(sums + self.integers.bias)
        return self.layer.rescaled(totals.reshape(self.layer.output_shape(shape)))


@lru_cache(maxsize=2)
def _system(config: XfuConfig) -> System:
    system = xfu_system(config)
    system.build()
    return system


def map_layer(config: XfuConfig, layer: NetworkLayer) -> KernelMapping:
    """Return a layer as INT8 kernels.

    Raises
    ------
    RefusedError
        Floats; a unit without a core; integers whose sums may exceed INT32.
    """
    if reason := unmodelled(config):
        raise RefusedError(f"{layer.name}: {reason.format('kernels')}")
    quantisation, window = layer.quantisation, layer.window
    if quantisation is None or quantisation.x is None:
        raise RefusedError(
            f"{layer.name}: the kernels take INT8, and these are floats; calibrate the network"
        )
    try:
        integers = integer_layer(layer.weights, quantisation.weight, quantisation.x, layer.bias)
    except UserError as error:
        raise RefusedError(f"{layer.name}: {error}") from None
    notes = []
    count = len(integers.weights)
    if count > 1:
        notes.append(f"{count} times the channels: weights less their zero point need more than 8 bits")
    whole = integers.operand()
    weights = tuple(whole.reshape(layer.groups, -1, *whole.shape[1:]))
    found = [recognise(each).m or 0 for each in weights]
    size = max((m for m in config.group_sizes if m <= min(found)), default=None)
    length = whole[0].size
    equal = window.strides[0] == window.strides[1]
    native = layer.kernel != (1, 1) and equal and window.dilations == (1, 1) and not length % (size or 1)
    if layer.kernel != (1, 1) and not native:
        notes.append("unrolled by the host (im2col)")
    if native and (any(window.pads) or window.auto_pad.startswith("SAME")):
        notes.append("padded by the host")
    if not native:
        flat = [each.reshape(len(each), -1) for each in weights]
        weights = tuple(padded(each, size or 1)[:, None, None, :] for each in flat)
    if layer.groups > 1:
        notes.append(f"{layer.groups} layers, one for each group")
    sparse = recognise(layer.weight_values).m
    able = max((m for m in config.group_sizes if m <= (sparse or 0)), default=None)
    if sparse is not None and (able is None or size != able):
        run = "dense" if size is None else f"as 1:{size}"
        built = "the unit has " + ", ".join(f"1:{m}" for m in config.group_sizes)
        notes.append(f"1:{sparse} weights run {run}: {built if able is None else 'groups end within a part'}")
    return KernelMapping(config, layer, integers, weights, size, native, tuple(notes))
