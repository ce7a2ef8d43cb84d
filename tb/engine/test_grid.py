"""Grids of small engines in Amaranth's simulator: whole layers, all stalled, against the golden model."""

from dataclasses import dataclass

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from support.streams import packed, simulate, sink, source
from tileloom.engine.config import EngineConfig
from tileloom.engine.grid.gather import Gather
from tileloom.engine.grid.grid import Grid
from tileloom_golden.engine.grid import compile_grid
from tileloom_golden.engine.program import Layer, command_word
from tileloom_golden.engine.streams import activation_units, index_entries, result_units, weight_beats
from tileloom_sim.engine.layers import engine_size

from .test_engine import random_case

SMALL = {"m": 2, "k": 2, "n": 2, "bus": 64, "a_words": 64, "acc_tiles": 4, "weight_beats": 4}
GRIDS = [(1, 1), (2, 2), (2, 3)]
LAYERS = {
    "product": (Layer.product(11, 5, 9), 0.6),
    "3 x 3": (Layer(height=5, width=6, channels=4, outputs=7, kernel=(3, 3), pads=(1, 1, 1, 1)), 0.6),
    "stride": (
        Layer(height=5, width=9, channels=3, outputs=4, kernel=(3, 2), stride=2, pads=(1, 1, 1, 0)),
        0.8,
    ),
    "all zero": (Layer.product(9, 4, 8), 0.0),
    "one pixel": (Layer.product(1, 4, 1), 1.0),
    "channels split": (Layer(height=3, width=4, channels=30, outputs=6, kernel=(3, 3)), 0.5),
}


@dataclass
class Streams:
    """What goes into a grid for a layer, by the names of its streams, and what each engine must give."""

    inputs: dict[str, list[int]]
    results: list[list[list[int]]]


def grid_streams(config: EngineConfig, layer: Layer, density: float, rng: np.random.Generator) -> Streams:
    """Return random streams of a layer, with what must come out."""
    rows, columns = config.grid
    case = random_case(config.engine, layer, density, rng)
    relu = case.program.groups[0].write.relu
    program = compile_grid(layer, engine_size(config), rows=rows, columns=columns, relu=relu)
    engines = program.engines
    inputs = {"commands": [command_word(slots) for slots in program.commands()]}
    for row in range(rows):
        one = engines[row][0]
        inputs[f"index_{row}"] = index_entries(one, case.weights).tolist()
        beats = weight_beats(one, case.weights, case.headers)
        inputs[f"weights_{row}"] = [int.from_bytes(beat.tobytes(), "little") for beat in beats]
    for column in range(columns):
        units = activation_units(engines[0][column], case.x)
        inputs[f"activations_{column}"] = [packed(unit, config.element_bits) for unit in units]
    results = []
    for row in engines:
        results.append([])
        for one in row:
            words = []
            for unit, last in zip(*result_units(one, case.outputs), strict=True):
                words.append(packed(unit, config.result_bits) | int(last) << config.result_bits * config.n)
            results[-1].append(words)
    return Streams(inputs, results)


def run(config: EngineConfig, streams: Streams, idle: float, rng: np.random.Generator) -> None:
    """Compare what every engine of a grid gives, and that its packets come whole."""
    dut = Grid(config)
    rows, columns = config.grid
    received: list[list[int]] = [[] for _ in range(columns)]
    counts = [sum(len(row[column]) for row in streams.results) for column in range(columns)]
    limit = 20 * sum(map(len, streams.inputs.values())) + 20 * sum(counts) + 20000

    def taken(column: int):
        port = getattr(dut, f"results_{column}")
        return sink(port, counts[column], received[column], rng, idle, raw=True, limit=limit)

    async def everything(ctx: SimulatorContext) -> None:
        for _ in range(limit):
            if [len(words) for words in received] == counts:
                break
            await ctx.tick()
        await ctx.tick().repeat(30)
        assert not ctx.get(dut.busy) and not ctx.get(dut.fault)

    simulate(
        dut,
        everything,
        *(taken(column) for column in range(columns)),
        *(source(getattr(dut, name), words, rng, idle) for name, words in streams.inputs.items()),
    )
    mark = config.result_bits * config.n
    for column, words in enumerate(received):
        assert len(words) == counts[column]
        found: list[list[int]] = [[] for _ in range(rows)]
        before = None
        for word in words:
            row = word >> mark + 1
            assert before in (None, row), "a packet of another row came in between"
            before = None if word >> mark & 1 else row
            found[row].append(word & (2 << mark) - 1)
        assert found == [row[column] for row in streams.results]


CASES = [(name, grid) for name in LAYERS for grid in GRIDS]
QUICK = {("stride", (2, 2)), ("one pixel", (2, 2)), ("product", (1, 1))}


@pytest.mark.parametrize(
    "name, grid",
    [
        pytest.param(*case, marks=[] if case in QUICK else pytest.mark.long, id=f"{case[0]}-{case[1]}")
        for case in CASES
    ],
)
def test_layer(name: str, grid: tuple[int, int], rng: np.random.Generator) -> None:
    config = EngineConfig(**SMALL, grid_rows=grid[0], grid_columns=grid[1])
    run(config, grid_streams(config, *LAYERS[name], rng), float(rng.choice([0, 0.4, 0.7])), rng)


@pytest.mark.parametrize("rows", [1, 3])
def test_packets_are_gathered_in_turn(rows: int, rng: np.random.Generator) -> None:
    config = EngineConfig(**SMALL)
    dut = Gather(config, rows)
    mark = config.result_bits * config.n
    # Packets of 1 to 5 transfers, each with its row and its place in it.
    sent = [
        [
            row << 8 | place << 4 | (place == length - 1) << mark
            for length in (3, 1, 5)
            for place in range(length)
        ]
        for row in range(rows)
    ]
    received: list[int] = []
    simulate(
        dut,
        sink(dut.outgoing, 9 * rows, received, rng, 0.3, raw=True),
        *(source(dut.incoming[row], sent[row], rng, 0.0) for row in range(rows)),
    )
    # Where all have one, none has a second before each has had its first.
    expected = [
        word | row << mark + 1
        for begin, end in ((0, 3), (3, 4), (4, 9))
        for row in [*range(1, rows), 0]
        for word in sent[row][begin:end]
    ]
    assert received == expected
