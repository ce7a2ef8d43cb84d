"""A layer on a block-sparse engine, run by the golden model or in RTL, and its cost; `engine` makes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.design import generate
from tileloom_golden.checks import Words
from tileloom_golden.engine.convolution import unrolled
from tileloom_golden.engine.layer import LARGEST_NIBBLE
from tileloom_golden.engine.layer import Layer as Geometry
from tileloom_golden.integers import convolve, wrap_int32
from tileloom_golden.requantise import Requantisation, requantise
from tileloom_golden.rounding import to_float64
from tileloom_sim.engine.job import Job, make_job, systolic_sums
from tileloom_sim.engine.run import require_whole_bytes, run_jobs
from tileloom_sim.layout import Named
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.operands import activation_words, float_words, narrow_words

from ...cost import Cost, Run
from ...engine.cost import engine_cost
from ..arrangement import Pads, pad, unroll
from ..layer import NetworkLayer
from ..mapping import Image, RefusedError, Simulated, kept_units
from .channels import of_channels

NO_PADS: Pads = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class EngineMapping:
    """A layer on an engine.

    Attributes
    ----------
    config, layer:
        These.
    parts:
        Weights, C_out x h x w x C, whose results the host adds up; of an unrolled layer C is the window's.
    channels:
        Of each part, which channels of the image, or rows of the window, its C go with.
    native:
        Whether the engine does the convolution, or gets the unrolled image.
    padding:
        What the engine gets for 0: activations are INT8, UINT8 ones less 128, with their zero point in them.
    bias:
        (C_out,) INT32 with all corrections, or float32; None of sums that are added up.
    parameters:
        Of an engine that requantises.
    notes:
        What is prepared.
    """

    config: EngineConfig
    layer: NetworkLayer
    parts: tuple[npt.NDArray[Any], ...]
    channels: tuple[npt.NDArray[np.int64], ...]
    native: bool
    padding: int
    bias: npt.NDArray[Any] | None
    parameters: Requantisation | None
    notes: tuple[str, ...]

    def compute(self, image: Image) -> Image:
        """Return the results by the golden model."""
        return self.results([self._golden(*operands) for operands in self.operands(image)], image.shape)

    def simulate(self, image: Image) -> Simulated:
        """Return the results of the RTL, each word equal to the golden model's."""
        require_whole_bytes(self.config)
        operands = list(self.operands(image))
        runs = run_jobs(self._design, [self._job(*each) for each in operands])
        words = [run.words.reshape(-1, self.layer.outputs) for run in runs]
        values = [self._values(each) for each in words]
        cycles, compared = sum(run.cycles for run in runs), sum(each.size for each in words)
        return Simulated(self.results(values, image.shape), cycles, compared)

    def cost(self, image: tuple[int, ...]) -> Cost:
        """Return what an image of a shape takes."""
        try:
            return engine_cost(self.config, self.runs(image))
        except ValueError as error:
            raise RefusedError(f"{self.layer.name}: {error}") from None

    @property
    def tables(self) -> dict[str, npt.NDArray[Any]]:
        """What the engine is given besides weights."""
        given: dict[str, npt.NDArray[Any]] = {f"mask.{n}": self._mask(n) for n in range(len(self.parts))}
        return given | of_channels(self.config, self.bias, self.parameters)

    def runs(self, image: tuple[int, ...]) -> list[Run]:
        """Return what the engine computes for an image of a shape, a run for each part of the weights."""
        geometries = [self._geometry(part, image) for part in range(len(self.parts))]
        masks = [self._mask(part) for part in range(len(self.parts))]
        times = 1 if self._flat else image[0]
        return [Run(geometry, mask, times) for geometry, mask in zip(geometries, masks, strict=True)]

    @property
    def _flat(self) -> bool:
        """Whether places are independent, so that all images of a batch are one."""
        return not self.native or (self.layer.kernel == (1, 1) and self._stride == 1)

    @property
    def _stride(self) -> int:
        return self.layer.window.strides[0] if self.native else 1

    def pads(self, image: tuple[int, ...]) -> tuple[Pads, Pads]:
        """Return what the host pads, and what the engine does."""
        pads = self.layer.pads(image)
        fits = all(
            each < self.layer.kernel[axis // 2] and each <= LARGEST_NIBBLE for axis, each in enumerate(pads)
        )
        return (NO_PADS, pads) if fits and self.padding == 0 else (pads, NO_PADS)

    def _geometry(self, part: int, image: tuple[int, ...]) -> Geometry:
        """Return the engine's account of a part of the layer, for one image or, flat, for all."""
        weights = self.parts[part]
        outputs, channels = len(weights), weights.shape[3]
        if self._flat:
            shape = self.layer.output_shape(image)
            return Geometry.product(int(np.prod(shape[:3])), channels, outputs)
        host, own = self.pads(image)
        return Geometry(
            height=image[1] + host[0] + host[1],
            width=image[2] + host[2] + host[3],
            channels=channels,
            outputs=outputs,
            kernel=self.layer.kernel,
            stride=self._stride,
            pads=own,
        )

    def _mask(self, part: int) -> npt.NDArray[np.bool_]:
        """Return which blocks of a part there are, along C x along C_out."""
        weights = self.parts[part]
        product = weights.shape[1:3] == (1, 1)  # whose weights, large as they may be, need no other array
        occupied = weights[:, 0, 0] if product else (weights != 0).any(axis=(1, 2))
        return kept_units(occupied.T, (self.config.k, self.config.n))

    def operands(self, image: Image) -> Iterator[tuple[int, npt.NDArray[Any], Pads]]:
        """Yield the part, its activations H x W x C and the engine's pads, part by part for each image."""
        values = self.layer.entering(image) + self.padding
        window, kernel = self.layer.window, self.layer.kernel
        host, own = self.pads(image.shape)
        if not self.native:
            images = unroll(values, kernel, window, filling=self.padding)[None, None]
        else:
            images = pad(values, host, self.padding)
            if self._flat:
                images = images.reshape(1, 1, -1, images.shape[3])
        for one in images:
            for part, channels in enumerate(self.channels):
                yield part, one[..., channels], own if self.native else NO_PADS

    def _golden(self, part: int, x: npt.NDArray[Any], pads: Pads) -> npt.NDArray[Any]:
        """Return the values of one run's results, places x C_out."""
        if self.config.core is Core.SYSTOLIC:
            return self._values(self._systolic(part, x, pads).reshape(-1, self.layer.outputs))
        sums = convolve(x, self.parts[part], self._stride, pads)
        if self.parameters is not None:
            rounding = self.config.requantise_rounding.value
            words: npt.NDArray[Any] = requantise(sums, self.parameters, rounding=rounding)
        else:
            words = wrap_int32(sums.astype(np.int64) + (0 if self.bias is None else self.bias))
        return words.reshape(-1, self.layer.outputs)

    def _systolic(self, part: int, x: npt.NDArray[Any], pads: Pads) -> Words:
        """Return the words that a systolic core sums up."""
        array, name = self.config.systolic, self.layer.name
        words, _ = activation_words(array, (f"{name}: {self.layer.input}", x))
        geometry = Geometry(
            height=x.shape[0],
            width=x.shape[1],
            channels=x.shape[2],
            outputs=self.layer.outputs,
            kernel=(self.parts[part].shape[1], self.parts[part].shape[2]),
            stride=self._stride,
            pads=pads,
        )
        bias = np.zeros(self.layer.outputs) if self.bias is None else self.bias
        starts, _ = float_words(reference.float_format(array.accumulator), (f"{name}: bias", bias))
        return systolic_sums(self.config, geometry, words, self._words[part], starts.astype(np.int64))

    @cached_property
    def _words(self) -> tuple[npt.NDArray[np.unsignedinteger[Any]], ...]:
        """Each part's weights as K x N words of a systolic core."""
        name, k = self.layer.name, self.config.k
        return tuple(narrow_words(self.config.systolic, (name, unrolled(part, k))) for part in self.parts)

    def _job(self, part: int, x: npt.NDArray[Any], pads: Pads) -> Job:
        name, parameters = self.layer.name, self.parameters

        def named(what: str, array: npt.NDArray[Any] | None) -> Named | None:
            return None if array is None else (f"{name}: {what}", array)

        return make_job(
            self.config,
            (f"{name}: {self.layer.input}", x),
            (name, self.parts[part]),
            "OHWI",
            bias=named("bias", self.bias if parameters is None else parameters.bias),
            scale=None if parameters is None else named("scale", parameters.scale),
            shift=None if parameters is None else named("shift", parameters.shift),
            zero_point=named("zero point", parameters.zero_point)
            if parameters is not None and self.config.result_zero_point
            else None,
            stride=self._stride,
            pads=pads,
        )

    def _values(self, words: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self.config.core is Core.DOT_PRODUCT:
            return words
        return to_float64(words, reference.float_format(self.config.accumulator))

    def results(self, runs: Sequence[npt.NDArray[Any]], shape: tuple[int, ...]) -> Image:
        """Return what the network gets of the results of all runs."""
        count = len(self.parts)
        sums = [sum(runs[image : image + count]) for image in range(0, len(runs), count)]
        results = np.concatenate(sums).reshape(self.layer.output_shape(shape))
        if self.parameters is not None:
            assert self.layer.quantisation is not None and self.layer.quantisation.y is not None
            offset = 128 if self.layer.quantisation.y.high > 127 else 0
            return self.layer.given_out(results.astype(np.int64) + offset)
        return (
            self.layer.leaving(results)
            if self.bias is None
            else self.layer.rescaled(results if results.dtype == np.int32 else results.astype(np.float32))
        )

    @cached_property
    def _design(self) -> Design:
        return _generated(self.config)


@lru_cache(maxsize=4)
def _generated(config: EngineConfig) -> Design:
    return generate(config)
