"""Random layers for an engine: of all sizes, stalled, reset in the middle, with errors on the bus."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.formats import SignMagnitude
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.engine.memory_map import memory_map
from tileloom_golden.engine.program import DESCRIPTOR_BYTES, EngineSize, Layer, Program
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.integers import wrap_int32
from tileloom_golden.requantise import Requantisation

from ..systolic.stimulus import float_words, integer_words
from .broken_index import broken
from .descriptor import CONV
from .job import Job, headers_of, results_of, sums_of
from .layers import engine_size
from .scattered import scattered

_HIGHEST = np.iinfo(np.int32).max

STRIPS = 32
"""More of them, each with all weights anew, only where the buffers are that small."""

TRIES = 8
"""At scattering a layer."""

CYCLES = 1 << 18
"""About, of a long layer at most."""


def random_jobs(config: EngineConfig, count: int, seed: int, *, waiting: bool = True) -> list[Job]:
    """Return random layers, many of them smaller than a tile.

    With ``waiting`` everything waits at random, and some layers are given up by a reset first, have an error
    on the bus, or an index that breaks the rules.
    """
    rng = np.random.default_rng(seed)
    jobs: list[Job] = []
    while len(jobs) < count:
        try:
            jobs.append(random_job(config, rng, _random_layer(config, rng), waiting=waiting))
        except ValueError:
            continue  # a layer that the engine's buffers or addresses have no room for
    return jobs


def random_job(config: EngineConfig, rng: np.random.Generator, layer: Layer, *, waiting: bool) -> Job:
    """Return a layer with random data, and what happens to it as ``random_jobs`` has it.

    Raises ValueError where the engine's buffers or addresses have no room for it.
    """
    job = _random_job(config, rng, layer, waiting=waiting)
    if config.is_grid:
        _ = job.grid  # raises where a strip does not fit a memory tile
    if config.port is EnginePort.AXI4:
        job = _placed(job, rng, waiting=waiting)
        if waiting and job.entries is None and rng.integers(4) == 0:
            job = replace(job, failing=_failing(job, rng))
    return job


def long_jobs(config: EngineConfig, seed: int) -> list[Job]:
    """Return layers that count to the upper bits of counters and addresses.

    Of many block columns, strips of a tile, and blocks; and of strips as wide, and as high, as they may be.
    """
    rng = np.random.default_rng(seed)
    jobs = []
    size = engine_size(config)
    layers = [(layer, replace(size, acc_tiles=1)) for layer in _long_layers(config, rng)]
    # Where each block takes as long as the most tiles do, layers are cut into as few strips as can be.
    few = replace(size, hazard=size.acc_tiles)
    layers += [(layer, few) for layer in _large_strips(config, rng)]
    for layer, like in layers:
        job = _random_job(config, rng, layer, like=like, waiting=False)
        jobs.append(_placed(job, rng, waiting=True) if config.port is EnginePort.AXI4 else job)
    return jobs


def _random_job(
    config: EngineConfig,
    rng: np.random.Generator,
    layer: Layer,
    *,
    like: EngineSize | None = None,
    waiting: bool,
) -> Job:
    """Return a layer with data; in strips as for an engine ``like``, else its own or one of fewer tiles."""
    relu = bool(rng.integers(2))
    size = engine_size(config)
    if like is None:
        fewer = waiting and rng.integers(3) == 0
        tiles = int(rng.integers(1, size.acc_tiles + 1)) if fewer else size.acc_tiles
        like = replace(size, acc_tiles=tiles)
    program = compile_layer(layer, like, relu=relu)
    if waiting and len(program.groups) > STRIPS:
        program = compile_layer(layer, size, relu=relu)
    program = replace(program, size=size)
    program.commands()
    layer = program.layer
    shapes = (layer.height, layer.width, layer.channels), (layer.outputs, *layer.kernel, layer.channels)
    n = layer.outputs
    if config.core is Core.DOT_PRODUCT:
        # Coarse numbers, and a scale that is a power of two, leave halves to be rounded.
        coarse = int(rng.choice([1, 16]))
        x, dense = (rng.integers(-128 // coarse, 128 // coarse, shape, np.int8) * coarse for shape in shapes)
        reach = 2 ** (16 if config.requantise else 31) // coarse**2
        bias = rng.integers(-reach, reach, n) * coarse**2
        if rng.integers(8) == 0:
            # At the ends of INT32, where a sum wraps, or has a bit more.
            bias = np.where(rng.integers(2, size=n), _HIGHEST, ~_HIGHEST) ^ rng.integers(1 << 10, size=n)
        if config.activation_mask:
            keep = rng.random((layer.height, -(-layer.width // config.m), -(-layer.channels // config.k)))
            there = (keep < rng.choice([0, 0.2, 0.6, 1])).repeat(config.m, 1).repeat(config.k, 2)
            x *= there[:, : layer.width, : layer.channels]
        blocks: npt.NDArray[Any] = dense
    else:
        array = config.systolic
        x = float_words(rng, array.activation, shapes[0])
        if isinstance(array.weight, SignMagnitude):
            dense = integer_words(rng, array.weight.bits, shapes[1])
        else:
            dense = float_words(rng, array.weight, shapes[1])
        bias = float_words(rng, array.accumulator, (n,)).astype(np.int64)
        blocks = (dense != 0).astype(np.int8)
    block = (config.k, config.n)
    mask = block_mask(blocks, float(rng.choice([0, 0.3, 0.6, 1])), block)
    mask &= rng.random(mask.shape) < rng.choice([0.3, 0.7, 1])
    kept = from_convolution(dense, block, mask)
    parameters = None
    if config.requantise:
        scale = np.where(rng.integers(2, size=n), rng.integers(0, 2**16, n), 1 << int(rng.integers(16)))
        scale[rng.integers(16, size=n) == 0] = 0
        zero_point = rng.integers(-128, 128, n) if config.result_zero_point else None
        least, above = (16, 30) if rng.integers(4) else (0, 64)
        parameters = Requantisation(bias, scale, rng.integers(least, above, n), zero_point)
    entries, parts = None, [kept]
    if waiting and not config.is_grid and rng.integers(4) == 0:
        entries, parts = broken(program, kept, rng) or (None, parts)
    sums = sums_of(config, layer, x, parts[0], bias)
    if len(parts) > 1 and config.core is Core.DOT_PRODUCT:
        sums = wrap_int32(sums.astype(np.int64) + sums_of(config, layer, x, parts[1], np.zeros_like(bias)))
    a, b, c, d, e = (float(share) * waiting for share in rng.choice([0, 0.2, 0.5, 0.9], 5))
    abandoned = waiting and rng.integers(3) == 0
    streams = config.port is EnginePort.STREAM
    follows = bool(waiting and streams and not abandoned and rng.integers(2))
    return Job(
        config,
        program,
        x,
        kept,
        headers_of(bias, parameters),
        results_of(config, sums, parameters, relu),
        (*layer.output, n),
        waits=(a, b, c, d, e),
        seed=int(rng.integers(2**32)),
        abandoned=_reset_after(program, d, rng) if abandoned else 0,
        follows=follows,
        entries=entries,
    )


def _reset_after(program: Program, wait: float, rng: np.random.Generator) -> int:
    """Return after how many cycles a layer is given up: of any length, or soon after the last activation."""
    if rng.integers(2):
        return int(2 ** rng.uniform(0, 10))
    units = sum(load.blocks * load.rows * load.width for group in program.groups for load, _ in group.parts)
    return 1 + int(units / (1 - wait) * rng.uniform(0.8, 2))


def _failing(job: Job, rng: np.random.Generator) -> int:
    """Return the address of a byte of anything that an engine reads or writes."""
    image = job.image
    convolution = next(each for each in image.descriptors if each.opcode == CONV)
    begin, size = {
        "activations": image.activation_runs[rng.integers(len(image.activation_runs))],
        "descriptors": (image.start, DESCRIPTOR_BYTES * len(image.descriptors)),
        "index": (convolution.address, convolution.run),
        "weights": (convolution.weights, convolution.weight_bytes),
        "results": image.result_runs[rng.integers(len(image.result_runs))],
    }[rng.choice(["activations", "descriptors", "index", "weights", "results"])]
    return begin + int(rng.integers(max(1, size)))


def _random_layer(config: EngineConfig, rng: np.random.Generator) -> Layer:
    channels, outputs = int(rng.integers(1, 6 * config.k)), int(rng.integers(1, 4 * config.n))
    if rng.integers(8) == 0:
        # One long side, for the upper bits of counters and addresses.
        sides = [int(rng.integers(1, 3 * block)) for block in (config.m, config.k, config.n)]
        sides[rng.integers(3)] *= 1 << int(rng.integers(1, 8))
        return Layer.product(*sides)
    if rng.integers(16) == 0:
        # A long kernel, one way or the other.
        taps = int(rng.integers(16, 256))
        long = (1, taps) if rng.integers(2) else (taps, 1)
        return Layer(
            height=long[0] + int(rng.integers(3)),
            width=long[1] + int(rng.integers(3)),
            channels=min(channels, config.k),
            outputs=min(outputs, config.n),
            kernel=long,
        )
    if rng.integers(4) == 0:
        return Layer.product(int(rng.integers(1, 100)), channels, outputs)
    largest = 16 if rng.integers(8) == 0 else 3
    kernel = (int(rng.integers(1, largest + 1)), int(rng.integers(1, largest + 1)))
    return Layer(
        height=int(rng.integers(kernel[0], 17)),
        width=int(rng.integers(kernel[1], 17 if rng.integers(4) else 100)),
        channels=channels,
        outputs=outputs,
        kernel=kernel,
        stride=int(rng.integers(1, 16 if rng.integers(4) == 0 else 4)),
        pads=tuple(int(rng.integers(kernel[axis // 2])) for axis in range(4)),  # type: ignore[arg-type]
    )


def _long_layers(config: EngineConfig, rng: np.random.Generator) -> list[Layer]:
    """Return layers of as many block columns, strips of a tile, and blocks, as a command can tell, or fewer.

    Of blocks no more than the A buffer has room for.
    """
    size = engine_size(config)
    k, n = int(rng.integers(1, config.k + 1)), int(rng.integers(1, config.n + 1))
    cycles = (
        size.header_beats + size.interval,
        max(config.m, size.header_beats + size.interval, size.hazard),
        size.interval,
    )
    columns, strips, blocks = (min(65535, CYCLES // each) for each in cycles)
    return [
        Layer.product(1, k, columns * config.n),
        Layer.product(strips * config.m, k, n),
        Layer.product(1, min(blocks, config.a_words) * config.k, n),
    ]


def _large_strips(config: EngineConfig, rng: np.random.Generator) -> list[Layer]:
    """Return layers of one strip, as high and as wide as the accumulators or the A buffer have room for.

    The stride is long and the kernel a pixel longer, so that all of a strip's many rows or columns are used.
    It has as many blocks as there is room and time for.
    """
    layers = []
    for axis, lanes in enumerate((1, config.m)):
        stride = min(int(rng.integers(8, 16)), math.isqrt(config.a_words) - 1)
        if stride < 1:
            continue
        # Of a strip of t tiles: (t stride + 1) rows in words of their own, or t + 1 words for each phase.
        room = config.a_words // stride
        tiles = min(config.acc_tiles, room - 1 if axis else (room - 1) // stride)
        words = (tiles + 1 if axis else tiles * stride + 1) * stride
        blocks = min(config.a_words // words, CYCLES // (stride * tiles * lanes))
        sides, kernel = [1, 1], [1, 1]
        sides[axis], kernel[axis] = tiles * lanes * stride + 1, stride + 1
        layers.append(
            Layer(
                height=sides[0],
                width=sides[1],
                channels=max(1, blocks) * config.k,
                outputs=int(rng.integers(1, config.n + 1)),
                kernel=(kernel[0], kernel[1]),
                stride=stride,
            )
        )
    return layers


def _placed(job: Job, rng: np.random.Generator, *, waiting: bool) -> Job:
    """Return the job somewhere in the addresses that there are. Raises UserError where it does not fit.

    Half of them are scattered where there is room, half of the others at the end of the address space or
    around a boundary of a power of two, for carries. Where nothing waits all is together, for its cycles.
    """
    bits, bytes_ = job.config.address_bits, len(job.image.content)
    room = (1 << bits) - bytes_
    if room < 0:
        return replace(job, base=0)  # refused there
    if waiting and rng.integers(2):
        program = job.grid if job.config.is_grid else job.program
        mask = (job.grid.weights(job.weights) if job.config.is_grid else job.weights).mask
        where = memory_map(program, mask, result_bytes=job.config.result_bits // 8)
        for _ in range(TRIES):
            far = replace(job, places=scattered(where, bits, rng))
            with suppress(ValueError):
                _ = far.image
                return far
    base = int(rng.integers(room // 64, endpoint=True))
    kind = rng.integers(4)
    if kind == 0:
        base = room // 64
    elif kind == 1:
        boundary = int(rng.integers(1 << bits)) >> (place := int(rng.integers(12, bits))) << place
        base = min(room // 64, max(0, boundary - int(rng.integers(bytes_))) // 64)
    job = replace(job, base=64 * base)
    _ = job.image
    return job
