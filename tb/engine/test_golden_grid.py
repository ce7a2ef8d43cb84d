"""Programs of grids, each engine's executed by the model of its buffers, against the whole layer."""

import numpy as np
import pytest

from tileloom_golden.engine.balance import balanced
from tileloom_golden.engine.convolution import convolve_blocks
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.grid import (
    TO_COLUMNS,
    TO_ROWS,
    GridProgram,
    compile_grid,
    grid_outputs,
    strip_units,
)
from tileloom_golden.engine.grid_memory import in_memory
from tileloom_golden.engine.model import EngineModel
from tileloom_golden.engine.program import Conv, EngineSize, Layer
from tileloom_golden.engine.streams import activation_units, header_words, index_entries, weight_beats
from tileloom_golden.requantise import requantise

from .layers import random_layer
from .test_golden_program import data_of

SIZE = EngineSize(m=2, k=2, n=2, bus=64, a_words=64, acc_tiles=4)
GRIDS = [(1, 1), (2, 2), (2, 3), (1, 4), (5, 1)]
LAYERS = {
    "one of each": Layer(height=1, width=1, channels=1, outputs=1),
    "product": Layer.product(13, 7, 9),
    "3 x 3": Layer(height=7, width=9, channels=5, outputs=11, kernel=(3, 3), pads=(1, 1, 1, 1)),
    "few outputs": Layer(height=2, width=3, channels=3, outputs=3, kernel=(2, 2), pads=(1, 1, 1, 1)),
    "channels split": Layer(height=4, width=5, channels=40, outputs=6, kernel=(3, 3)),
    "narrower than a tile": Layer(height=9, width=2, channels=9, outputs=6, kernel=(3, 1), stride=3),
}


def unrolled(commands: list[list[int]]) -> list[list[int]]:
    """Return the commands of each unit, one for each iteration, without where they go."""
    return sorted(
        ([words[0], 1, *words[2:TO_ROWS], 0, 0] for words in commands for _ in range(words[1])),
        key=lambda words: words[0] & 3,
    )


def check(program: GridProgram, rng: np.random.Generator) -> None:
    """Execute every engine's share of the commands, and compare what all streams and results must be."""
    size, layer = program.size, program.layer
    x, weights, parameters = data_of(rng, layer, size, 0.5)
    ordered, headers = program.weights(weights), program.headers(header_words(parameters))
    commands, units = program.commands(), []
    for row, engines in enumerate(program.engines):
        units.append([])
        for column, one in enumerate(engines):
            own = [
                words for words in commands if words[TO_ROWS] >> row & 1 and words[TO_COLUMNS] >> column & 1
            ]
            assert unrolled(own) == unrolled(one.commands())
            activations = activation_units(program.engines[0][column], x)
            np.testing.assert_array_equal(activations, activation_units(one, x))
            taken = [index_entries(each, ordered) for each in (engines[0], one)]
            np.testing.assert_array_equal(*taken)
            beats = [weight_beats(each, ordered, headers) for each in (engines[0], one)]
            np.testing.assert_array_equal(*beats)
            units[-1].append(EngineModel(size, own, activations, taken[0], beats[0]).run())
    sums = convolve_blocks(x, weights, layer.stride, layer.pads)
    relu = program.engines[0][0].groups[0].write.relu
    np.testing.assert_array_equal(grid_outputs(program, units), requantise(sums, parameters, relu=relu))


@pytest.mark.parametrize("rows, columns", GRIDS)
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_grid_computes_the_whole_layer(
    layer: Layer, rows: int, columns: int, rng: np.random.Generator
) -> None:
    check(compile_grid(layer, SIZE, rows=rows, columns=columns, relu=bool(rng.integers(2))), rng)


@pytest.mark.parametrize("rows, columns", GRIDS)
def test_random_layers(rows: int, columns: int, rng: np.random.Generator) -> None:
    for _ in range(10):
        layer = random_layer(rng, 8, 12)
        try:
            program = compile_grid(layer, SIZE, rows=rows, columns=columns)
        except ValueError as error:
            assert "one output pixel of this layer needs" in str(error)
            with pytest.raises(ValueError, match="one output pixel"):
                compile_layer(layer, SIZE)
            continue
        check(program, rng)


def test_a_memory_tile_keeps_a_strip_for_all_its_block_columns() -> None:
    layer = Layer(height=4, width=5, channels=40, outputs=12, kernel=(3, 3))
    program = compile_grid(layer, SIZE, rows=2, columns=2, tile_words=400)
    assert program.engines[0][0].splits["channels"] > 1 and program.passes == 3
    commands = program.commands()
    tiles = [words for words in commands if words[0] & 3 == 0]
    for column, one in enumerate(program.engines[0]):
        own = [words for words in tiles if words[TO_COLUMNS] >> column & 1]
        assert [words[2] for words in own] == [3] * (len(one.groups) // 3)
        assert [words[3] for words in own] == [strip_units(group) for group in one.groups[::3]]
    assert not any(words[TO_ROWS] for words in tiles)
    with pytest.raises(ValueError, match="grid_tile_words is 20: a strip of this layer needs "):
        compile_grid(layer, SIZE, rows=2, columns=2, tile_words=20)


def test_equal_commands_go_to_all_engines_at_once() -> None:
    layer = Layer(height=24, width=16, channels=4, outputs=8)
    commands = compile_grid(layer, SIZE, rows=2, columns=2).commands()
    assert [words[0] & 3 for words in commands] == [1, 2, 3]
    assert {(words[TO_ROWS], words[TO_COLUMNS]) for words in commands} == {(3, 3)}
    # Borders differ from column to column, and so do loads; what is computed of them does not.
    layer = Layer(height=4, width=24, channels=2, outputs=8, kernel=(3, 3), pads=(1, 1, 1, 1))
    commands = compile_grid(layer, SIZE, rows=2, columns=2).commands()
    loads = [words for words in commands if words[0] & 3 == 1]
    assert {words[TO_COLUMNS] for words in loads} == {1, 2}
    assert {words[TO_ROWS] for words in loads} == {3}


@pytest.mark.parametrize(("sizes", "together"), [([7, 7, 8], False), ([8, 8, 8], True), ([1], False)])
def test_columns_are_spread_over_rows(sizes: list[int], together: bool, rng: np.random.Generator) -> None:
    for _ in range(50):
        counts = rng.integers(0, 20, sum(sizes))
        order = balanced(counts, sizes, together=together)
        assert sorted(order) == list(range(len(counts)))
        rows, before = (np.split(each, np.cumsum(sizes)[:-1]) for each in (counts[order], counts))
        if together:
            assert np.max(rows, axis=0).sum() <= np.max(before, axis=0).sum()
            # At each place the fullest of one is no fuller than the emptiest of the place before.
            assert order == sorted(order) or all(
                max(row[place] for row in rows) <= min(row[place - 1] for row in rows)
                for place in range(1, sizes[0])
            )
        else:
            loads = [int(row.sum()) for row in rows]
            assert max(loads) <= max(int(row.sum()) for row in before)
            assert order == sorted(order) or max(loads) - min(loads) <= 20


def test_equally_full_columns_stay_in_order() -> None:
    assert balanced(np.full(9, 4), [4, 5], together=False) == list(range(9))


@pytest.mark.parametrize("seed", range(4))
def test_reordered_programs_compute_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = Layer(height=6, width=9, channels=9, outputs=11, kernel=(3, 2), pads=(1, 1, 0, 1))
    if seed % 2:
        layer = Layer(height=3, width=4, channels=60, outputs=16, kernel=(3, 3))
    kept = rng.random((-(-layer.channels // SIZE.k), -(-layer.outputs // SIZE.n))) < 0.4
    program = compile_grid(layer, SIZE, rows=2, columns=2, kept=kept)
    assert program.reordered
    check(program, rng)


@pytest.mark.parametrize("name", list(LAYERS))
@pytest.mark.parametrize("tile_words", [0, 400])
def test_commands_in_memory_are_each_engines_own(name: str, tile_words: int) -> None:
    """Every engine gets its program's commands; what streams have is read once, and written by each."""
    program = compile_grid(LAYERS[name], SIZE, rows=2, columns=3, tile_words=tile_words, axi4=True)
    told = list(in_memory(program))
    for row, engines in enumerate(program.engines):
        for column, one in enumerate(engines):
            loads, convs, writes = (
                [
                    each
                    for each in told
                    if each.slots[0] & 3 == opcode
                    and each.slots[TO_ROWS] >> row & 1
                    and each.slots[TO_COLUMNS] >> column & 1
                ]
                for opcode in (1, 2, 3)
            )
            for found, steps in (
                (loads, [load for group in one.groups for load, _ in group.parts]),
                (convs, [conv for group in one.groups for _, conv in group.parts]),
                (writes, [group.write for group in one.groups]),
            ):
                each = [(*one.slots[:1], 1, *one.slots[2:10]) for one in found for _ in range(one.slots[1])]
                assert each == [tuple(step.slots()[:10]) for step in steps]
                places = np.cumsum([0, *(one.slots[1] for one in found)])
                for one_told, first, end in zip(found, places[:-1], places[1:], strict=True):
                    if one_told.first:
                        assert (one_told.first, one_told.last) == (steps[first], steps[end - 1])
            assert all(each.first for each in writes)
            assert all((each.first is None) == (tile_words > 0) for each in loads)
        read = [each for each in told if isinstance(each.first, Conv) and each.slots[TO_ROWS] >> row & 1]
        assert all(each.slots[TO_COLUMNS] & 1 for each in read)
        assert sum(each.slots[1] for each in read) == sum(len(group.parts) for group in engines[0].groups)
    strips = len(program.engines[0][0].groups) // program.passes
    for column in range(3 if tile_words else 0):
        tiles = [each for each in told if not each.slots[0] and each.slots[TO_COLUMNS] >> column & 1]
        assert sum(each.slots[1] for each in tiles) == strips
