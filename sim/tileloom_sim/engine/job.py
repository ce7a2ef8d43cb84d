"""Layers ready for an engine, the user's or random ones, with what the golden model says must come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.errors import UserError
from tileloom_golden.checks import Words
from tileloom_golden.engine.convolution import convolve_blocks, im2col, unrolled
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.grid import GridProgram, compile_grid
from tileloom_golden.engine.program import Layer, Program
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import header_words, index_faults
from tileloom_golden.estimate.axi.bus import Bus
from tileloom_golden.estimate.engine import Estimate, estimate
from tileloom_golden.estimate.grid import estimate_grid
from tileloom_golden.integers import wrap_int32
from tileloom_golden.requantise import Requantisation, from_ratios, requantise, saturated
from tileloom_golden.systolic.gemm import gemm

from ..layout import Named
from ..systolic import reference
from ..systolic.operands import Scaling
from .grid import GridStreams, grid_streams
from .harness import LayerStreams
from .layers import engine_size, layer_streams
from .memory import MemoryImage, memory_image
from .operands import Operands, bias_words, integers, per_output, prepare
from .places import Places

Waits = tuple[float, float, float, float, float]
FLOWING: Waits = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Job:
    """A layer and its data.

    Attributes
    ----------
    config:
        The engine.
    program, activations, weights, headers:
        As the golden model takes them; the program is that of one engine, of a grid's too.
    expected:
        H_out x W_out x N of the program's layer: INT8, INT32, or words of the accumulator.
    shape:
        Of the results, as the user has them: M x N or H_out x W_out x C_out.
    waits, seed:
        How often streams, or channels of AXI4, wait in a cycle, and the seed of that.
    abandoned:
        Cycles after which the engine is reset, and the layer begun anew; 0 for never.
    follows:
        The job begins while the one before it is under way; with streams.
    entries:
        Index of a strip that breaks the rules; None for that of the weights.
    base, places:
        Of the memory of an AXI4 master, as ``memory_image`` takes them.
    failing:
        Address of a byte there that cannot be read or written; None for none.
    operands, parameters, chosen, saturated:
        Of the user's layer: its arrays, what results are requantised with, whether its scale and shift were
        chosen for the user, and how many results saturate. None where that does not apply.
    """

    config: EngineConfig
    program: Program
    activations: npt.NDArray[Any]
    weights: BlockSparse
    headers: npt.NDArray[np.uint64]
    expected: npt.NDArray[Any]
    shape: tuple[int, ...]
    waits: Waits = FLOWING
    seed: int = 0
    abandoned: int = 0
    follows: bool = False
    entries: npt.NDArray[np.uint16] | None = None
    base: int = 0
    places: Places | None = None
    failing: int | None = None
    operands: Operands | None = None
    parameters: Requantisation | None = None
    chosen: bool = False
    saturated: int | None = None

    @cached_property
    def streams(self) -> LayerStreams:
        """What an engine with streams is given."""
        return layer_streams(
            self.program,
            self.activations,
            self.weights,
            self.headers,
            waits=self.waits,
            seed=self.seed,
            abandoned=self.abandoned,
            entries=self.entries,
        )

    @cached_property
    def grid(self) -> GridProgram:
        """The layer's program on a grid."""
        rows, columns = self.config.grid
        relu = self.program.groups[0].write.relu
        return compile_grid(
            self.program.layer,
            self.program.size,
            rows=rows,
            columns=columns,
            relu=relu,
            density=self.weights.density,
            tile_words=self.config.grid_tile_words or 0,
            axi4=self.config.port is EnginePort.AXI4,
            kept=self.weights.mask,
        )

    @cached_property
    def grid_streams(self) -> GridStreams:
        """What a grid is given."""
        return grid_streams(
            self.grid,
            self.activations,
            self.weights,
            self.headers,
            waits=self.waits,
            seed=self.seed,
            abandoned=self.abandoned,
        )

    @property
    def faults(self) -> int:
        """What the index brings about on ``fault``."""
        if self.entries is None:
            return 0
        return index_faults(self.entries, self.program.groups[0].parts[0][1].blocks)

    def estimate(self) -> Estimate:
        """Return what the layer takes where nothing waits; of an AXI4 master in the harness's memory."""
        axi = self.config.port is EnginePort.AXI4
        bus = Bus(burst_beats=self.config.burst_beats, base=self.base) if axi else None
        if self.config.is_grid:
            return estimate_grid(self.grid, self.weights, bus=bus)
        return estimate(self.program, self.weights, bus=bus, activations=self.activations)

    @cached_property
    def image(self) -> MemoryImage:
        """The memory that an AXI4 master is given. Raises UserError where it has no room for it."""
        image = memory_image(
            self.grid if self.config.is_grid else self.program,
            self.activations,
            self.weights,
            self.headers,
            result_bytes=self.config.result_bits // 8,
            base=self.base,
            places=self.places,
            entries=self.entries,
        )
        end, room = sum(image.regions[-1]), 1 << self.config.address_bits
        if end > room:
            raise UserError(
                f"address_bits: the layer's memory has {end:,} bytes, and addresses of "
                f"{self.config.address_bits} bits reach {room:,}"
            )
        return image


def together(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return jobs in order, each with those that begin while it is under way."""
    found: list[list[Job]] = []
    for job in jobs:
        if job.follows and found:
            found[-1].append(job)
        else:
            found.append([job])
    return found


def check_requantised(config: EngineConfig, given: Mapping[str, Any]) -> None:
    """Raise UserError for a scale, shift or zero-point that is given and that the engine has no use for."""
    for name, value in given.items():
        if value is None:
            continue
        if not config.requantise:
            why = "a systolic core's are not" if config.core is Core.SYSTOLIC else "requantise is false"
            raise UserError(f"--{name}: is for results that are requantised; {why}")
        if name == "zero-point" and not config.result_zero_point:
            raise UserError(f"--{name}: is for an engine with result_zero_point")


def make_job(
    config: EngineConfig,
    activations: Named,
    weights: Named,
    layout: str | None,
    *,
    bias: Named | None = None,
    scale: Named | None = None,
    shift: Named | None = None,
    zero_point: Named | None = None,
    relu: bool = False,
    stride: int | None = None,
    pads: tuple[int, int, int, int] | None = None,
    prune: float | None = None,
    per: Scaling = "tensor",
) -> Job:
    """Return the job of a matrix product, M x K by K x N, or of a convolution, H x W x C.

    Where results are requantised and there is no ``scale`` and ``shift``, all output channels get the ones
    that bring the largest result to 127. Raises UserError that names the array.
    """
    operands = prepare(config, activations, weights, layout, prune=prune, per=per)
    x, kept, name = operands.x, operands.kept, weights[0]
    outputs = kept.shape[1]
    if operands.product and (stride is not None or pads is not None):
        raise UserError(f"--stride and --pads go with a convolution; {name} is a matrix")
    bias_values = bias_words(config, bias, operands)
    given = {"scale": scale, "shift": shift, "zero_point": zero_point}
    for array in given.values():
        if array is not None:
            per_output(array, outputs)
    stride, pads = stride or 1, pads or (0, 0, 0, 0)
    try:
        layer = Layer(
            height=x.shape[0],
            width=x.shape[1],
            channels=x.shape[2],
            outputs=outputs,
            kernel=kept.kernel,
            stride=stride,
            pads=pads,
        )
        program = compile_layer(layer, engine_size(config), relu=relu)
        program.commands()  # raises where a number does not fit a command
        if config.is_grid:
            words = config.grid_tile_words
            compile_grid(layer, program.size, rows=config.grid[0], columns=config.grid[1], tile_words=words)
    except ValueError as error:
        where = f"--pads {','.join(map(str, pads))}" if str(error).startswith("pad ") else name
        raise UserError(f"{where}: {error}") from None
    sums = sums_of(config, layer, x, kept, bias_values)
    parameters, clamped = None, None
    if config.requantise:
        parameters = _parameters(sums, bias_values, scale, shift, zero_point)
        rounding = config.requantise_rounding.value
        clamped = int(np.count_nonzero(saturated(sums, parameters, relu=relu, rounding=rounding)))
    job = Job(
        config,
        program,
        x.reshape(program.layer.height, program.layer.width, -1),
        kept,
        headers_of(bias_values, parameters),
        results_of(config, sums, parameters, relu).reshape(*program.layer.output, -1),
        (x.shape[1], outputs) if operands.product else (*layer.output, layer.outputs),
        operands=operands,
        parameters=parameters,
        chosen=parameters is not None and scale is None,
        saturated=clamped,
    )
    if config.port is EnginePort.AXI4:
        _ = job.image  # raises where it does not fit
    return job


def sums_of(
    config: EngineConfig,
    layer: Layer,
    x: npt.NDArray[Any],
    kept: BlockSparse,
    bias: npt.NDArray[np.int64],
) -> npt.NDArray[Any]:
    """Return sums before requantisation, H_out x W_out x N; where there is none, the bias is in them."""
    if config.core is Core.DOT_PRODUCT:
        sums = convolve_blocks(x, kept, layer.stride, layer.pads)
        return sums if config.requantise else wrap_int32(sums.astype(np.int64) + bias)
    return systolic_sums(config, layer, x, unrolled(kept.to_convolution(), config.k), bias)


def systolic_sums(
    config: EngineConfig,
    layer: Layer,
    x: Words,
    weights: npt.NDArray[np.unsignedinteger[Any]],
    bias: npt.NDArray[np.int64],
) -> Words:
    """Return the sums of an engine with a systolic core, H_out x W_out x N words.

    Parameters
    ----------
    config, layer:
        The engine, and what it computes.
    x:
        H x W x C words.
    weights:
        K x N words, in any dtype that holds them, as `unrolled` orders them.
    bias:
        (N,) words that the sums start from.
    """
    columns = im2col(x, layer.kernel, config.k, layer.stride, layer.pads)
    words = gemm(
        columns,
        weights,
        rows=config.k,
        columns=config.n,
        host_adds_tiles=False,
        psum=np.broadcast_to(bias, (len(columns), layer.outputs)),
        **reference.arithmetic(config.systolic),
    )
    return words.reshape(*layer.output, layer.outputs)


def results_of(
    config: EngineConfig, sums: npt.NDArray[Any], parameters: Requantisation | None, relu: bool
) -> npt.NDArray[Any]:
    """Return results as they leave the engine."""
    if parameters is not None:
        return requantise(sums, parameters, relu=relu, rounding=config.requantise_rounding.value)
    if not relu:
        return sums
    negative = sums < 0 if sums.dtype.kind == "i" else sums >> (config.result_bits - 1) != 0
    return np.where(negative, sums.dtype.type(0), sums)


def headers_of(bias: npt.NDArray[np.int64], parameters: Requantisation | None) -> npt.NDArray[np.uint64]:
    """Return a word for each output channel: what its results are requantised with, or its bias."""
    if parameters is not None:
        return header_words(parameters)
    return bias.astype(np.uint64) & np.uint64(2**32 - 1)


def _parameters(
    sums: npt.NDArray[np.int32],
    bias: npt.NDArray[np.int64],
    scale: Named | None,
    shift: Named | None,
    zero_point: Named | None,
) -> Requantisation:
    """Return what the user gave, checked, or a scale and shift that bring the largest result to 127."""
    if (scale is None) != (shift is None):
        raise UserError("give both --scale and --shift, or neither")
    if scale is not None and shift is not None:
        zero = None if zero_point is None else integers(zero_point, -128, 127)
        return Requantisation(bias, integers(scale, 0, 65535), integers(shift, 0, 63), zero)
    if zero_point is not None:
        raise UserError("--zero-point: goes with --scale and --shift, which bring results to its steps")
    largest = max(1, int(np.abs(sums.astype(np.int64) + bias).max()))
    return from_ratios(np.full(len(bias), 127 / largest), bias)
