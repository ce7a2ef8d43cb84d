"""Random layers for an engine: of all sizes, stalled, reset in the middle, with errors on the bus."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.formats import SignMagnitude
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.engine.program import Layer, Program
from tileloom_golden.engine.requantise import Requantisation
from tileloom_golden.engine.sparse import from_convolution

from ..systolic.stimulus import float_words, integer_words
from .job import Job, headers_of, results_of, sums_of
from .layers import engine_size
from .memory import CONV

_HIGHEST = np.iinfo(np.int32).max


def random_jobs(config: EngineConfig, count: int, seed: int, *, waiting: bool = True) -> list[Job]:
    """Return random layers, many of them smaller than a tile.

    With ``waiting`` everything waits at random, and some layers are given up by a reset first, or have an
    error on the bus.
    """
    rng = np.random.default_rng(seed)
    jobs: list[Job] = []
    while len(jobs) < count:
        try:
            job = _random_job(config, rng, waiting=waiting)
            if config.port is EnginePort.AXI4:
                job = _placed(job, rng)
                if waiting and rng.integers(4) == 0:
                    job = replace(job, failing=_failing(job, rng))
        except ValueError:
            continue  # a layer that the engine's buffers or addresses have no room for
        jobs.append(job)
    return jobs


def _random_job(config: EngineConfig, rng: np.random.Generator, *, waiting: bool) -> Job:
    streams = config.port is EnginePort.STREAM
    layer = _random_layer(config, rng)
    relu = bool(rng.integers(2))
    program = compile_layer(layer, engine_size(config), relu=relu)
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
    sums = sums_of(config, layer, x, kept, bias)
    a, b, c, d, e = (float(share) * waiting for share in rng.choice([0, 0.2, 0.5, 0.9], 5))
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
        # Some resets in the middle of a layer; in the AXI4 harness's memory a burst would be left open.
        abandoned=_reset_after(program, d, rng) if waiting and streams and rng.integers(3) == 0 else 0,
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
        "activations": (image.base, job.activations.size * job.config.element_bits // 8),
        "descriptors": (image.start, image.base + len(image.content) - image.start),
        "index": (convolution.address, convolution.run),
        "weights": (convolution.weights, convolution.weight_bytes),
        "results": (image.results, image.results_size),
    }[rng.choice(["activations", "descriptors", "index", "weights", "results"])]
    return begin + int(rng.integers(max(1, size)))


def _random_layer(config: EngineConfig, rng: np.random.Generator) -> Layer:
    channels, outputs = int(rng.integers(1, 6 * config.k)), int(rng.integers(1, 4 * config.n))
    if rng.integers(8) == 0:
        # One long side, for the upper bits of counters and addresses.
        sides = [int(rng.integers(1, 3 * block)) for block in (config.m, config.k, config.n)]
        sides[rng.integers(3)] *= 1 << int(rng.integers(1, 8))
        return Layer.product(*sides)
    if rng.integers(4) == 0:
        return Layer.product(int(rng.integers(1, 100)), channels, outputs)
    # Some are wider than a tile, so that all of its lanes are turned.
    widest = 3 if rng.integers(4) else max(3, config.m + 1)
    kernel = (int(rng.integers(1, 4)), int(rng.integers(1, widest + 1)))
    return Layer(
        height=int(rng.integers(kernel[0], 16)),
        width=int(rng.integers(kernel[1], max(16, kernel[1] + 2))),
        channels=channels,
        outputs=outputs,
        kernel=kernel,
        stride=int(rng.integers(1, 4)),
        pads=tuple(int(rng.integers(min(16, kernel[axis // 2]))) for axis in range(4)),  # type: ignore[arg-type]
    )


def _placed(job: Job, rng: np.random.Generator) -> Job:
    """Return the job somewhere in the addresses that there are. Raises UserError where it does not fit."""
    room = (1 << job.config.address_bits) - len(job.image.content)
    return replace(job, base=64 * int(rng.integers(room // 64, endpoint=True)))
