"""The functional model finds what is wrong with a program: each step of a right one is broken in turn."""

from dataclasses import replace

import numpy as np
import pytest

from tileloom.errors import CheckError, UserError
from tileloom_explore.compiler.abstraction import Abstraction
from tileloom_explore.compiler.compile import compile_network
from tileloom_explore.compiler.graph import Builder, Kind
from tileloom_explore.compiler.program import (
    Buffer,
    Conv,
    Load,
    LoadFM,
    LoadW,
    LoadWM,
    Weights,
    Write,
    WriteFM,
    from_text,
)
from tileloom_explore.compiler.run import execute, random_filters

from .random_cases import random_image

GRID = Abstraction(rows=2, columns=2, input_bytes=1024, output_bytes=512)


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(5)
    net = Builder("case")
    x = net.conv("first", net.input("image", 12, 10, 8), 24, 3)
    y = net.conv("second", x, 24, 3)
    graph = net.graph(net.add("sum", x, y))
    filters = random_filters(graph, 0.0, 8, rng)
    program = compile_network(graph, GRID)
    return graph, filters, random_image(graph, rng), program


def run(case, steps):
    graph, filters, images, program = case
    return execute(replace(program, steps=tuple(steps)), graph, GRID, filters, images)


def broken(case, kind, number=0, **fields):
    """Return the steps with fields of the nth step of a kind changed; without fields it is left out."""
    steps = list(case[3].steps)
    index = [place for place, step in enumerate(steps) if isinstance(step, kind)][number]
    steps[index : index + 1] = [replace(steps[index], **fields)] if fields else []
    return steps


def test_the_program_is_right(case):
    run(case, case[3].steps)


@pytest.mark.parametrize(
    ("kind", "number", "fields", "message"),
    [
        (Load, 0, {}, "first: reads image .* before it is written"),
        (LoadW, 0, {}, "reads weights .* before it is written"),
        (WriteFM, 0, {}, "first"),
        (LoadFM, 1, {"after": 10**6}, "chains wait for ever"),
        (LoadFM, 1, {"lock": 0}, "lock 0 is set twice"),
        (LoadFM, 0, {"iterations": 7}, "different iterations"),
        (LoadFM, 1, {"y": 100}, "not within buffer"),
        (LoadFM, 1, {"rows": 60}, "not within buffer"),
        (Conv, 0, {"rows": 1}, "CONV makes"),
        (Conv, 0, {"accumulate": 1}, "sums are added to before there are any"),
        (Write, -1, {"x": (0, 6)}, "does not reach pixel"),
        (LoadWM, 0, {"offset": 1 << 16}, "before it is written"),
        (LoadWM, 0, {"bytes": 1 << 15}, "of weights in 16384 of a core"),
    ],
)
def test_what_is_broken_is_found(case, kind, number, fields, message):
    with pytest.raises(CheckError, match=message):
        run(case, broken(case, kind, number, **fields))


def test_overlapping_buffers_are_found(case):
    buffers = [step for step in case[3].steps if isinstance(step, Buffer)]
    first, second = (next(each for each in buffers if each.tensor == name) for name in ("first", "second"))
    steps = broken(case, Buffer, buffers.index(second), memtile=first.memtile)
    with pytest.raises(CheckError, match=f"reads first .* overwritten by buffer {second.number}"):
        run(case, steps)


def test_weights_over_activations_are_found(case):
    buffer = next(step for step in case[3].steps if isinstance(step, Buffer) and step.tensor == "first")
    with pytest.raises(CheckError, match=r"reads first .* overwritten by buffer -"):
        run(case, broken(case, Weights, 1, memtile=buffer.memtile))


def test_reading_before_the_writes_of_the_node_before_is_found(rng):
    # The pooling reads all results at once, without any step between them that waits for everything.
    net = Builder("case")
    graph = net.graph(net.pool("pool", Kind.AVERAGE, net.conv("conv", net.input("image", 4, 4, 8), 8, 3), 4))
    case = graph, random_filters(graph, 0.0, 8, rng), random_image(graph, rng), compile_network(graph, GRID)
    run(case, case[3].steps)
    with pytest.raises(CheckError, match=r"pool: reads conv .* before it is written"):
        run(case, broken(case, LoadFM, -1, after=-1))


def test_addresses_beyond_the_memory_are_found(case):
    with pytest.raises(CheckError, match=r"address 0x.* of a memory tile of 0x80000 bytes"):
        run(case, broken(case, Buffer, 0, memtile=(1 << 19) - 8))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("LOADX buffer 1", "line 1: no step is called LOADX"),
        ("LOADW weights 1", "line 1: LOADW has weights ddr, in this order"),
        ("LOADW weights one ddr 0x0", "line 1: invalid literal"),
        ("LOADW weights", "line 1: "),
    ],
)
def test_wrong_text_is_told_with_its_line(line, message):
    with pytest.raises(UserError, match=message):
        from_text(line)
