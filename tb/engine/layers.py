"""Random layers for engines, as awkward as they come, with what must come out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom.engine.config import EngineConfig
from tileloom_golden.engine.convolution import convolve_blocks
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import Layer, Program
from tileloom_golden.engine.sparse import BlockSparse, from_convolution
from tileloom_golden.engine.streams import header_words, result_units
from tileloom_golden.estimate.engine import estimate
from tileloom_golden.requantise import Requantisation, requantise
from tileloom_sim.engine.harness import EngineRun, LayerStreams, run_layers
from tileloom_sim.engine.layers import engine_size, layer_streams

FLOWING = (0.0,) * 5
PATTERNS = ("random", "dense", "empty", "one block", "empty columns", "one column")


@dataclass(frozen=True)
class Case:
    """A layer with its data: program, operands, streams and the transfers that must come out."""

    program: Program
    activations: npt.NDArray[np.int8]
    weights: BlockSparse
    streams: LayerStreams
    units: npt.NDArray[np.int8]
    last: npt.NDArray[np.bool_]


def mask_of(pattern: str, shape: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return which blocks are kept."""
    down, across = shape
    if pattern == "random":
        return rng.random(shape) < rng.choice([0.05, 0.25, 0.5, 0.9])
    mask = np.full(shape, pattern == "dense")
    if pattern == "one block":
        mask[rng.integers(down), rng.integers(across)] = True
    elif pattern == "empty columns":
        mask[:] = rng.random(across) < 0.5
    elif pattern == "one column":
        mask[:, rng.integers(across)] = True
    return mask


def make_case(
    config: EngineConfig,
    layer: Layer,
    mask: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    waits: tuple[float, float, float, float, float] = FLOWING,
    tiles: float = 1.0,
) -> Case:
    """Return a layer on a dot-product engine, every INT8 as likely.

    ``mask`` says which of the engine's blocks are kept; of A's tiles of m pixels in a row a share ``tiles``.
    """
    relu = bool(rng.integers(2))
    program = compile_layer(layer, engine_size(config), relu=relu)
    layer = program.layer
    x = rng.integers(-128, 128, (layer.height, layer.width, layer.channels), np.int8)
    keep = rng.random((layer.height, -(-layer.width // config.m), -(-layer.channels // config.k))) < tiles
    x *= keep.repeat(config.m, 1).repeat(config.k, 2)[:, : layer.width, : layer.channels]
    dense = rng.integers(-128, 128, (layer.outputs, *layer.kernel, layer.channels), np.int8)
    weights = from_convolution(dense, (config.k, config.n), mask)
    parameters = Requantisation(
        rng.integers(-(2**16), 2**16, layer.outputs),
        rng.integers(0, 2**16, layer.outputs),
        rng.integers(16, 30, layer.outputs),
    )
    sums = convolve_blocks(x, weights, layer.stride, layer.pads)
    units, last = result_units(program, requantise(sums, parameters, relu=relu))
    streams = layer_streams(
        program, x, weights, header_words(parameters), waits=waits, seed=int(rng.integers(2**32))
    )
    return Case(program, x, weights, streams, units, last)


def random_layer(rng: np.random.Generator, largest: int, channels: int) -> Layer:
    """Return a product or a convolution of any kernel up to 5 x 5, stride and pads."""
    if rng.integers(3) == 0:
        sizes = (int(rng.integers(1, high + 1)) for high in (largest * largest, 4 * channels, 2 * channels))
        return Layer.product(*sizes)
    kernel = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    return Layer(
        height=int(rng.integers(kernel[0], largest + 5)),
        width=int(rng.integers(kernel[1], largest + 5)),
        channels=int(rng.integers(1, channels + 1)),
        outputs=int(rng.integers(1, channels + 1)),
        kernel=kernel,
        stride=int(rng.integers(1, 4)),
        pads=tuple(int(rng.integers(0, kernel[axis // 2])) for axis in range(4)),  # type: ignore[arg-type]
    )


def random_case(
    config: EngineConfig,
    rng: np.random.Generator,
    largest: int,
    channels: int,
    *,
    stalled: bool = False,
    tiles: float = 1.0,
) -> Case:
    """Return a random layer with a random pattern of blocks; ``stalled`` makes every stream wait at times."""
    layer = random_layer(rng, largest, channels)
    shape = (-(-layer.channels // config.k), -(-layer.outputs // config.n))
    mask = mask_of(str(rng.choice(PATTERNS)), shape, rng)
    # A stream that hardly ever comes finds other holes than one that waits now and then.
    waits = tuple(float(rng.choice([0, 0.2, 0.5, 0.9])) for _ in range(5)) if stalled else FLOWING
    return make_case(config, layer, mask, rng, waits, tiles)


def run_cases(design: Design, cases: list[Case]) -> list[EngineRun]:
    """Run layers and compare everything that comes out."""
    runs = run_layers(design, [case.streams for case in cases])
    for number, (case, run) in enumerate(zip(cases, runs, strict=True)):
        where = f"layer {number}: {case.program.layer}"
        found = run.results.view(np.int8).reshape(case.units.shape)
        np.testing.assert_array_equal(found, case.units, where)
        np.testing.assert_array_equal(run.last, case.last, where)
        assert run.fault == 0, where
    return runs


def compare_cycles(cases: list[Case], runs: list[EngineRun], *, share: float = 0.01, slack: int = 6) -> int:
    """Hold estimates to a share, or to ``slack`` cycles if that is more; return how many to the share."""
    within = 0
    for case, run in zip(cases, runs, strict=True):
        found = estimate(case.program, case.weights, activations=case.activations).cycles
        where = f"{case.program.layer}: {found} estimated, {run.cycles} taken"
        assert abs(found - run.cycles) <= max(share * run.cycles, slack), where
        within += share * run.cycles >= slack
    return within
