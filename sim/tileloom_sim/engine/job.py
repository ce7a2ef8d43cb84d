"""A layer from the user's arrays, or a random one, ready for the engine and for the golden model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom_golden.engine.convolution import convolve_blocks
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.engine.program import Layer, Program
from tileloom_golden.engine.requantise import Requantisation, from_ratios, requantise
from tileloom_golden.engine.sparse import BlockSparse, from_convolution
from tileloom_golden.engine.streams import header_words

from ..layout import Named
from .harness import LayerStreams
from .layers import engine_size, layer_streams


@dataclass(frozen=True)
class Job:
    """A layer and its data.

    Attributes
    ----------
    program, activations, weights, parameters, relu:
        As the golden model takes them.
    shape:
        Of the results, as the user has them: M x N or H_out x W_out x C_out.
    streams:
        What the engine is given.
    """

    program: Program
    activations: npt.NDArray[np.int8]
    weights: BlockSparse
    parameters: Requantisation
    relu: bool
    shape: tuple[int, ...]
    streams: LayerStreams


def make_job(
    config: EngineConfig,
    activations: Named,
    weights: Named,
    *,
    bias: Named | None = None,
    scale: Named | None = None,
    shift: Named | None = None,
    relu: bool = False,
    stride: int | None = None,
    pads: tuple[int, int, int, int] | None = None,
    prune: float | None = None,
) -> Job:
    """Return the job of a matrix product, M x K by K x N, or of a convolution, H x W x C by N x h x w x C.

    Without ``scale`` and ``shift`` all columns get the ones that bring the largest result to 127. ``prune``
    is the share of blocks left out, those with the smallest L1 norm. Raises UserError that names the array.
    """
    x, w = _int8(*activations), _int8(*weights)
    product = w.ndim == 2
    if w.ndim not in (2, 4) or x.ndim != (2 if product else 3):
        raise UserError(
            f"{weights[0]} has shape {w.shape} and {activations[0]} {x.shape}; needed are K x N and M x K, "
            "or C_out x h x w x C_in and H x W x C_in"
        )
    if x.shape[-1] != (w.shape[0] if product else w.shape[3]):
        raise UserError(
            f"{activations[0]} has {x.shape[-1]} channels and {weights[0]} "
            f"{w.shape[0] if product else w.shape[3]}"
        )
    if product and (stride is not None or pads is not None):
        raise UserError(f"--stride and --pads go with a convolution; {weights[0]} is a matrix")
    stride, pads = stride or 1, pads or (0, 0, 0, 0)
    image = x[None] if product else x
    dense = w.T[:, None, None, :] if product else w
    try:
        layer = Layer(
            height=image.shape[0],
            width=image.shape[1],
            channels=image.shape[2],
            outputs=dense.shape[0],
            kernel=(dense.shape[1], dense.shape[2]),
            stride=stride,
            pads=pads,
        )
        program = compile_layer(layer, engine_size(config), relu=relu)
    except ValueError as error:
        raise UserError(f"{weights[0]}: {error}") from None
    block = (config.k, config.n)
    kept = from_convolution(dense, block, None if prune is None else block_mask(dense, prune, block))
    parameters = _parameters(
        convolve_blocks(image, kept, stride, pads), dense.shape[0], bias=bias, scale=scale, shift=shift
    )
    shape = (x.shape[0], w.shape[1]) if product else (*layer.output, layer.outputs)
    streams = layer_streams(program, image, kept, header_words(parameters))
    image = image.reshape(program.layer.height, program.layer.width, -1)
    return Job(program, image, kept, parameters, relu, shape, streams)


def random_jobs(config: EngineConfig, count: int, seed: int, *, waiting: bool = True) -> list[Job]:
    """Return random layers, many of them smaller than a tile; with ``waiting`` streams wait at random."""
    rng = np.random.default_rng(seed)
    jobs = []
    for _ in range(count):
        kernel = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        layer = Layer(
            height=int(rng.integers(kernel[0], 16)),
            width=int(rng.integers(kernel[1], 16)),
            channels=int(rng.integers(1, 6 * config.k)),
            outputs=int(rng.integers(1, 4 * config.n)),
            kernel=kernel,
            stride=int(rng.integers(1, 4)),
        )
        relu = bool(rng.integers(2))
        program = compile_layer(layer, engine_size(config), relu=relu)
        layer = program.layer
        x = rng.integers(-128, 128, (layer.height, layer.width, layer.channels), np.int8)
        dense = rng.integers(-128, 128, (layer.outputs, *layer.kernel, layer.channels), np.int8)
        block = (config.k, config.n)
        mask = block_mask(dense, float(rng.choice([0, 0.3, 0.6, 1])), block)
        kept = from_convolution(dense, block, mask)
        n = layer.outputs
        parameters = Requantisation(
            rng.integers(-(2**16), 2**16, n), rng.integers(0, 2**16, n), rng.integers(16, 30, n)
        )
        a, b, c, d, e = (float(share) * waiting for share in rng.choice([0, 0.2, 0.5, 0.9], 5))
        streams = layer_streams(
            program, x, kept, header_words(parameters), waits=(a, b, c, d, e), seed=int(rng.integers(2**32))
        )
        jobs.append(Job(program, x, kept, parameters, relu, (*layer.output, n), streams))
    return jobs


def golden_outputs(job: Job) -> npt.NDArray[np.int8]:
    """Return what the engine must give, H_out x W_out x N."""
    layer = job.program.layer
    sums = convolve_blocks(job.activations, job.weights, layer.stride, layer.pads)
    return requantise(sums, job.parameters, relu=job.relu)


def _parameters(sums: npt.NDArray[np.int32], outputs: int, **given: Named | None) -> Requantisation:
    """Return what the user gave, checked, and something sensible for the rest."""
    chosen = {}
    for name, named in given.items():
        if named is not None:
            if named[1].shape != (outputs,):
                raise UserError(f"{named[0]}: has shape {named[1].shape}, not ({outputs},)")
            chosen[name] = named[1].astype(np.int64)
    if ("scale" in chosen) != ("shift" in chosen):
        raise UserError("give both --scale and --shift, or neither")
    bias = chosen.get("bias", np.zeros(outputs, np.int64))
    try:
        if "scale" in chosen:
            return Requantisation(bias, chosen["scale"], chosen["shift"])
        largest = max(1, int(np.abs(sums.astype(np.int64) + bias).max()))
        return from_ratios(np.full(outputs, 127 / largest), bias)
    except ValueError as error:
        raise UserError(str(error)) from None


def _int8(name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    wrong = (array < -128) | (array > 127)
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise UserError(f"{name}: [{', '.join(map(str, place))}] is {array[place]}, which is no INT8")
    return array.astype(np.int8)
