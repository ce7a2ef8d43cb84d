"""Layers on a systolic array: unrolled images (im2col) times the matrix of weights, tile by tile.

The host unrolls, multiplies by the scale of integer weights, and adds the bias. Layers of integers come out
exactly, as long as the accumulator holds their sums: K is cut where it would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom.formats import FloatFormat
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_golden.checks import Words
from tileloom_golden.engine.layer import Layer as Geometry
from tileloom_golden.rounding import to_float64
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.gemm import golden_gemm, simulate_gemm
from tileloom_sim.systolic.operands import float_words, narrow_words, weight_words

from ...cost import Cost, Run
from ...systolic.cost import array_cost
from ..arrangement import unroll
from ..layer import NetworkLayer
from ..mapping import Image, RefusedError, Simulated, kept_units, within
from ..weights import as_matrix, expand_groups


@dataclass(frozen=True, eq=False)
class ArrayMapping:
    """A layer on an array.

    Attributes
    ----------
    config, layer:
        These.
    matrix:
        K x N weights, float32 or integers.
    rows:
        (K,) which row of the window, (h, w, C_in), each row of the matrix goes with.
    cuts:
        Spans of K, each of which the array sums and the host adds up.
    notes:
        What is prepared.
    """

    config: SystolicConfig
    layer: NetworkLayer
    matrix: npt.NDArray[Any]
    rows: npt.NDArray[np.int64]
    cuts: tuple[slice, ...]
    notes: tuple[str, ...]

    def compute(self, image: Image) -> Image:
        """Return the results by the golden model."""
        x = self._activations(image)
        parts = [golden_gemm(self.config, x[:, cut], self.words[cut]) for cut in self.cuts]
        return self._results(parts, image.shape)

    def simulate(self, image: Image) -> Simulated:
        """Return the results of the RTL, each word equal to the golden model's."""
        x = self._activations(image)
        parts, cycles, compared = [], 0, 0
        for cut in self.cuts:
            run = simulate_gemm(self._design, x[:, cut], self.words[cut].astype(np.uint64))
            wrong = run.words != golden_gemm(self.config, x[:, cut], self.words[cut])
            if wrong.any():
                row, column = (int(index) for index in np.argwhere(wrong)[0])
                raise CheckError(
                    f"{self.layer.name}: word [{row}, {column}] is {int(run.words[row, column]):#x}, not "
                    f"the golden model's; {int(wrong.sum())} of {wrong.size} differ"
                )
            parts.append(run.words)
            cycles, compared = cycles + run.cycles, compared + wrong.size
        return Simulated(self._results(parts, image.shape), cycles, compared)

    def cost(self, image: tuple[int, ...]) -> Cost:
        """Return what an image of a shape takes."""
        return array_cost(self.config, self.runs(image))

    @property
    def tables(self) -> dict[str, npt.NDArray[Any]]:
        """Which tiles are computed; bias and scales are the host's."""
        return {f"mask.{part}": kept for part, kept in enumerate(self._kept)}

    def runs(self, image: tuple[int, ...]) -> list[Run]:
        """Return what the array computes for an image of a shape: a product for each span of K."""
        vectors, (rows, columns) = int(np.prod(self.layer.output_shape(image)[:3])), self.matrix.shape
        spans = [len(range(rows)[cut]) for cut in self.cuts]
        return [
            Run(Geometry.product(vectors, span, columns), kept, 1)
            for span, kept in zip(spans, self._kept, strict=True)
        ]

    @cached_property
    def words(self) -> npt.NDArray[np.unsignedinteger[Any]]:
        """The weights as words of the array, in the narrowest dtype: uint64 would be 8 times INT8."""
        return narrow_words(self.config, (self.layer.name, self.matrix))

    @cached_property
    def _kept(self) -> tuple[npt.NDArray[np.bool_], ...]:
        """Which tiles of each span of K are computed."""
        size = self.config.rows, self.config.columns
        return tuple(kept_units(self.matrix[cut], size, self._flushed) for cut in self.cuts)

    @property
    def _flushed(self) -> float:
        """The largest weight that becomes zero as it is rounded to a word."""
        weight = self.config.weight
        if not isinstance(weight, FloatFormat):
            return 0.0
        halfway = 1 - 2.0 ** -(weight.fraction_bits + 2)
        return float(np.nextafter(halfway * 2.0 ** (1 - reference.float_format(weight).bias), 0))

    @cached_property
    def _design(self) -> Design:
        return generate(self.config)

    def _activations(self, image: Image) -> Words:
        """Return the unrolled image as words of the array's activations."""
        values = self.layer.entering(image)
        columns = unroll(values, self.layer.kernel, self.layer.window)[:, self.rows]
        floats = columns if columns.dtype == np.float32 else columns.astype(np.float64)
        named = (f"{self.layer.name}: {self.layer.input}", floats)
        return float_words(reference.float_format(self.config.activation), named)[0]

    def _results(self, parts: list[Words], shape: tuple[int, ...]) -> Image:
        number_format = reference.float_format(self.config.accumulator)
        sums = sum(to_float64(part, number_format) for part in parts)
        return self.layer.leaving(np.reshape(sums, self.layer.output_shape(shape)))


def map_layer(config: SystolicConfig, layer: NetworkLayer) -> ArrayMapping:
    """Return a layer on an array.

    Raises
    ------
    RefusedError
        Integers that the array's formats do not hold; floats for an array of integer weights that `prepare`
        has not quantised.
    """
    config.require_no_host("mapping of networks")
    dense = expand_groups(layer.weight_values, layer.groups)
    notes = ["unrolled by the host (im2col)"] if layer.kernel != (1, 1) else []
    integers = layer.quantisation is not None
    magnitude = None if isinstance(config.weight, FloatFormat) else (1 << (config.weight.bits - 1)) - 1
    channels = np.arange(layer.channels)
    if magnitude is not None:
        if not integers:
            raise RefusedError(f"{layer.name}: {config.weight} weights are needed, and these are floats")
        dense, channels = within(dense, -magnitude, magnitude)
        if dense.shape[3] > layer.channels:
            more = dense.shape[3] - layer.channels
            notes.append(f"{more} of {layer.channels} channels repeated: weights beyond {config.weight}")
    rows = np.arange(layer.kernel[0] * layer.kernel[1])[:, None] * layer.channels + channels
    matrix = as_matrix(dense)
    if integers and magnitude is None:
        there = np.unique(matrix).astype(np.float32)
        if (weight_words(config, (layer.name, there[None])).values != there).any():
            raise RefusedError(f"{layer.name}: integers of 9 bits do not fit {config.weight} weights exactly")
    cuts: tuple[slice, ...] = (slice(0, len(matrix)),)
    if layer.quantisation is not None and layer.quantisation.x is not None:
        cuts = exact_cuts(config, layer, matrix)
        if len(cuts) > 1:
            notes.append(f"K in {len(cuts)} parts, whose sums {config.accumulator} holds")
    return ArrayMapping(config, layer, matrix, rows.reshape(-1), cuts, tuple(notes))


def exact_cuts(
    config: SystolicConfig, layer: NetworkLayer, matrix: npt.NDArray[np.integer[Any]]
) -> tuple[slice, ...]:
    """Return spans of K in which no sum of any integers can be rounded.

    Raises RefusedError where activations or products alone do not fit the array's formats.
    """
    assert layer.quantisation is not None and layer.quantisation.x is not None
    x = layer.quantisation.x
    largest = max(x.high - int(x.zero_point), int(x.zero_point) - x.low)
    magnitude = max(int(matrix.max(initial=1)), -int(matrix.min(initial=0)))
    for what, number_format, bits in (
        ("activations", config.activation, largest.bit_length()),
        ("sums", config.accumulator, (largest * magnitude).bit_length()),
    ):
        if number_format.significand_bits < bits or 2 ** (number_format.exponent_bits - 1) <= bits:
            raise RefusedError(f"{layer.name}: integers of {bits} bits do not fit {number_format} {what}")
    limit = 1 << config.accumulator.significand_bits
    limit = min(limit, 1 << min(62, (1 << (config.accumulator.exponent_bits - 1)) - 1))
    cuts, begin = [], 0
    sums = np.zeros(matrix.shape[1], np.int64)
    for row in range(len(matrix)):
        terms = largest * np.abs(matrix[row].astype(np.int64))
        sums = sums + terms
        if sums.max(initial=0) > limit:
            cuts.append(slice(begin, row))
            begin, sums = row, terms
    return (*cuts, slice(begin, len(matrix)))
