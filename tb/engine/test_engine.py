"""Small engines in Amaranth's simulator: whole layers against the golden model, every stream stalled."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from support.long import but
from support.streams import packed, simulate, sink, source, unpacked
from support.words import random_words
from tileloom.engine.config import Core, EngineConfig, RequantiseRounding
from tileloom.engine.engine import Engine
from tileloom.formats import FP32, Rounding
from tileloom_golden.engine.convolution import convolve_blocks, im2col, unrolled
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import Layer, Program, command_word
from tileloom_golden.engine.sparse import BlockSparse, from_convolution
from tileloom_golden.engine.streams import (
    activation_units,
    header_words,
    index_entries,
    result_units,
    weight_beats,
)
from tileloom_golden.estimate.engine import estimate
from tileloom_golden.requantise import Requantisation, requantise
from tileloom_golden.systolic.gemm import tile_result
from tileloom_sim.engine.layers import engine_size
from tileloom_sim.systolic.reference import arithmetic

FIELDS = {"m": 4, "k": 4, "n": 4, "bus": 64, "a_words": 64, "acc_tiles": 6, "weight_beats": 8}
SMALL = EngineConfig(**FIELDS)


@dataclass
class Streams:
    """What goes into the engine for a layer, and what must come out."""

    commands: list[int]
    index: list[int]
    weights: list[int]
    activations: list[int]
    results: list[int]


@dataclass
class Case:
    """A layer's program, operands and outputs."""

    program: Program
    x: np.ndarray
    weights: BlockSparse
    headers: np.ndarray
    outputs: np.ndarray


def random_case(config: EngineConfig, layer: Layer, density: float, rng: np.random.Generator) -> Case:
    """Return random operands of a layer."""
    relu = bool(rng.integers(0, 2))
    program = compile_layer(layer, engine_size(config), relu=relu)
    layer = program.layer
    grid = (-(-layer.channels // config.k), -(-layer.outputs // config.n))
    keep = rng.random(grid) < density
    kept = np.repeat(np.repeat(keep, config.k, 0), config.n, 1)[: layer.channels, : layer.outputs]
    shapes = (layer.height, layer.width, layer.channels), (layer.outputs, *layer.kernel, layer.channels)
    make = int8_layer if config.core is Core.DOT_PRODUCT else float_layer
    return Case(program, *make(config, layer, shapes, kept.T[:, None, None, :], relu, rng))


def layer_streams(config: EngineConfig, layer: Layer, density: float, rng: np.random.Generator) -> Streams:
    """Return random streams of a layer, with what must come out."""
    return case_streams(config, random_case(config, layer, density, rng))


def case_streams(config: EngineConfig, case: Case) -> Streams:
    """Return the streams of a case, with what must come out."""
    program = case.program
    results, last = result_units(program, case.outputs)
    bits = config.result_bits
    return Streams(
        commands=[command_word(slots) for slots in program.commands()],
        index=index_entries(program, case.weights).tolist(),
        weights=[
            int.from_bytes(beat.tobytes(), "little")
            for beat in weight_beats(program, case.weights, case.headers)
        ],
        activations=[packed(unit, config.element_bits) for unit in activation_units(program, case.x)],
        results=[
            packed(unit, bits) | int(mark) << bits * config.n * config.drain_rows
            for unit, mark in zip(results, last, strict=True)
        ],
    )


def int8_layer(
    config: EngineConfig, layer: Layer, shapes: tuple, kept: np.ndarray, relu: bool, rng: np.random.Generator
) -> tuple[np.ndarray, BlockSparse, np.ndarray, np.ndarray]:
    """Return activations, weights, headers and outputs of the dot-product core."""
    # Coarse numbers, and a scale that is a power of two, leave halves to be rounded.
    coarse = int(rng.choice([1, 16]))
    x, dense = (rng.integers(-128 // coarse, 128 // coarse, shape, np.int8) * coarse for shape in shapes)
    weights = from_convolution(dense * kept, (config.k, config.n))
    scale = np.where(rng.integers(2, size=layer.outputs), rng.integers(0, 1 << 16, layer.outputs), 1 << 15)
    parameters = Requantisation(
        rng.integers(-80, 80, layer.outputs) * coarse**2,
        scale,
        rng.integers(16, 26, layer.outputs),
        rng.integers(-128, 128, layer.outputs) if config.result_zero_point else None,
    )
    sums = convolve_blocks(x, weights, stride=layer.stride, pads=layer.pads)
    if config.requantise:
        rounding = config.requantise_rounding.value
        return (
            x,
            weights,
            header_words(parameters),
            requantise(sums, parameters, relu=relu, rounding=rounding),
        )
    return (
        x,
        weights,
        header_words(parameters),
        np.maximum(sums + parameters.bias, 0 if relu else -(2**31)),
    )


def float_layer(
    config: EngineConfig, layer: Layer, shapes: tuple, kept: np.ndarray, relu: bool, rng: np.random.Generator
) -> tuple[np.ndarray, BlockSparse, np.ndarray, np.ndarray]:
    """Return the same, in words, of the systolic core; a sum in the order of k, zero blocks included."""
    array = config.systolic
    x = random_words(rng, array.activation, shapes[0])
    dense = random_words(rng, array.weight, shapes[1]) * kept
    bias = random_words(rng, array.accumulator, (layer.outputs,))
    columns = im2col(x, layer.kernel, config.k, layer.stride, layer.pads)
    psum = np.broadcast_to(bias, (len(columns), layer.outputs))
    words = tile_result(columns, unrolled(dense, config.k), psum, **arithmetic(array))
    if relu:
        words = np.where(words >> np.uint64(array.accumulator.width - 1), 0, words)
    weights = from_convolution(
        dense.astype(np.uint8 if array.weight.width == 8 else np.uint32), (config.k, config.n)
    )
    return x, weights, bias.astype(np.uint64), words.reshape(*layer.output, layer.outputs)


LAYERS = {
    "product, small": (Layer.product(6, 9, 5), 0.7),
    "2 x 2": (Layer(height=3, width=4, channels=3, outputs=5, kernel=(2, 2), pads=(0, 1, 1, 0)), 0.8),
    "product": (Layer.product(13, 10, 9), 0.6),
    "product, dense": (Layer.product(24, 16, 16), 1.0),
    "product, all zero": (Layer.product(9, 8, 12), 0.0),
    "product, one row": (Layer.product(1, 33, 5), 0.7),
    "one of each": (Layer(height=1, width=1, channels=1, outputs=1), 1.0),
    "3 x 3": (Layer(height=7, width=7, channels=6, outputs=9, kernel=(3, 3), pads=(1, 1, 1, 1)), 0.6),
    "3 x 3, stride 2": (
        Layer(height=9, width=11, channels=5, outputs=7, kernel=(3, 3), stride=2, pads=(1, 0, 1, 1)),
        0.7,
    ),
    "5 x 2, stride 3": (
        Layer(height=11, width=13, channels=3, outputs=4, kernel=(5, 2), stride=3, pads=(2, 2, 1, 0)),
        1.0,
    ),
    "channels split": (Layer(height=4, width=5, channels=60, outputs=6, kernel=(3, 3)), 0.4),
}


def run(config: EngineConfig, streams: Streams, idle: float, rng: np.random.Generator) -> list[int]:
    """Return the cycles in which results were taken, after comparing them."""
    dut = Engine(config)
    received: list[int] = []
    when: list[int] = []
    simulate(
        dut,
        sink(
            dut.results,
            len(streams.results),
            received,
            rng,
            idle,
            raw=True,
            when=when,
            limit=20 * sum(map(len, vars(streams).values())) + 20000,
        ),
        *(
            source(getattr(dut, name), getattr(streams, name), rng, idle)
            for name in ("commands", "index", "weights", "activations")
        ),
    )
    for place, (word, expected) in enumerate(zip(received, streams.results, strict=False)):
        count = config.n * config.drain_rows
        assert word == expected, (
            f"result {place} of {len(streams.results)}: {unpacked(word, config.result_bits, count)}, "
            f"not {unpacked(expected, config.result_bits, count)}"
        )
    assert len(received) == len(streams.results)
    return when


@pytest.mark.parametrize(
    "idle", [pytest.param(0.0, id="flowing", marks=pytest.mark.long), pytest.param(0.4, id="stalled")]
)
@pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
def test_layer(case: tuple[Layer, float], idle: float, rng: np.random.Generator) -> None:
    streams = layer_streams(SMALL, *case, rng)
    run(SMALL, streams, idle, rng)


@pytest.mark.parametrize("weight_beats", [1, 2, pytest.param(4, marks=pytest.mark.long)])
@pytest.mark.parametrize("block", but({"2 beats a block": 4, "8 beats a block": 8}, "8 beats a block"))
def test_short_queues_of_weights_take_the_estimated_cycles(
    weight_beats: int, block: int, rng: np.random.Generator
) -> None:
    config = replace(SMALL, weight_beats=weight_beats, k=block, n=block)
    for layer in (Layer.product(24, 40, 24), Layer.product(4, 64, 24)):
        case = random_case(config, layer, 0.9, rng)
        when = run(config, case_streams(config, case), 0.0, rng)
        assert when[-1] + 1 == estimate(case.program, case.weights).cycles


FEW = ("product, small", "2 x 2")
SYSTOLIC = {"m": 1, "core": Core.SYSTOLIC, "acc_tiles": 20}
CONFIGS = {
    "registered": {"product_register": True, "drain_rows": 4},
    "halves to even": {"requantise_rounding": RequantiseRounding.HALF_EVEN, "drain_rows": 2},
    "zero points": {"result_zero_point": True, "requantise_rounding": RequantiseRounding.HALF_EVEN},
    "INT32": {"requantise": False, "drain_rows": 2},
    "two by three by five": {"m": 2, "k": 3, "n": 5, "bus": 64},
    "one row": {"m": 1, "k": 8, "n": 2, "acc_tiles": 16, "weight_beats": 2},
    "eight rows, one beat": {
        "m": 8,
        "k": 4,
        "n": 4,
        "bus": 128,
        "acc_tiles": 2,
        "drain_rows": 8,
        "a_words": 32,
    },
    "one tile": {"acc_tiles": 1},
    "16 x 4 blocks": {"m": 2, "k": 16, "n": 4},
    "4 x 16 blocks": {"m": 1, "k": 4, "n": 16, "acc_tiles": 20},
    "FP32 x INT8": {**SYSTOLIC, "bus": 64},
    "FP32, nearest even": {**SYSTOLIC, "weight": FP32, "bus": 128, "rounding": Rounding.NEAREST_EVEN},
    "FP32 x INT8, deep": {**SYSTOLIC, "k": 3, "n": 2, "bus": 64, "multiply_stages": 3, "add_stages": 3},
    "FP32 x INT8, one": {**SYSTOLIC, "k": 1, "n": 1, "bus": 64, "acc_tiles": 2},
}


@pytest.mark.parametrize(
    "settings",
    but(
        CONFIGS,
        "registered",
        "halves to even",
        "INT32",
        "one row",
        "one tile",
        "16 x 4 blocks",
        "4 x 16 blocks",
        "FP32 x INT8",
        "FP32, nearest even",
    ),
)
def test_configurations(settings: dict, rng: np.random.Generator) -> None:
    config = EngineConfig(**{**FIELDS, **settings})
    # A mesh of floats takes its time in this simulator, and so do many elements.
    names = (
        FEW
        if config.core is Core.SYSTOLIC or config.k * config.n > 16
        else ("product", "3 x 3", "3 x 3, stride 2")
    )
    for index, name in enumerate(names):
        layer, density = LAYERS[name]
        streams = layer_streams(config, layer, density, rng)
        run(config, streams, [0.0, 0.5][index % 2], rng)
