"""Programs compute what networks do, bit for bit: random ones on random grids, and real ones cropped."""

from dataclasses import replace

import numpy as np
import pytest

from tileloom_explore.compiler.abstraction import Abstraction, load_abstraction
from tileloom_explore.compiler.arithmetic import reference
from tileloom_explore.compiler.compile import compile_network
from tileloom_explore.compiler.graph import Builder, Graph
from tileloom_explore.compiler.networks import NETWORKS
from tileloom_explore.compiler.program import Buffer, Load, LoadW, Program, Write, from_text, to_text
from tileloom_explore.compiler.run import execute, random_filters

from .random_cases import random_graph, random_grid, random_image


def compute(graph: Graph, grid: Abstraction, sparsity: float, rng: np.random.Generator) -> Program:
    """Compile a network, execute the program as its text says, compare the outputs; return the program."""
    filters = random_filters(graph, sparsity, grid.block, rng)
    images = random_image(graph, rng)
    program = compile_network(graph, grid, {name: own.kept(grid.block) for name, own in filters.items()})
    read = replace(program, steps=from_text(to_text(program.steps)))
    assert read.steps == program.steps
    found, expected = execute(read, graph, grid, filters, images), reference(graph, filters, images)
    for name in graph.outputs:
        assert expected[name].any(), f"{name} is all zeros"
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    return program


def all_tensors(graph: Graph) -> Graph:
    return replace(graph, outputs=tuple(name for name in graph.tensors if name not in graph.inputs))


def test_random_networks_on_random_grids():
    counts = dict.fromkeys(
        ("evicted or in parts", "partial sums", "weights again", "streams", "dedicated"), 0
    )
    for seed in range(25):
        rng = np.random.default_rng(seed)
        graph, grid = random_graph(rng), random_grid(rng)
        filters = random_filters(graph, float(rng.choice([0, 0.5, 0.75])), grid.block, rng)
        images = random_image(graph, rng)
        masks = {name: own.kept(grid.block) for name, own in filters.items()}
        program = compile_network(graph, grid, masks)
        found, expected = execute(program, graph, grid, filters, images), reference(graph, filters, images)
        for name in graph.outputs:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=f"seed {seed}")
        steps = program.steps
        counts["evicted or in parts"] += sum(isinstance(each, Write) for each in steps) > 1
        counts["partial sums"] += any(isinstance(each, Buffer) and each.item == 4 for each in steps)
        counts["weights again"] += sum(isinstance(each, LoadW) for each in steps) > len(filters)
        counts["streams"] += grid.streams
        counts["dedicated"] += not grid.shared
    assert all(count >= 2 for count in counts.values()), counts


def test_every_axis_is_split_where_it_has_to_be(rng):
    # 3 x 3 of 200 channels: neither all input channels of a block column nor a row fit, of anything.
    net = Builder("split")
    x = net.conv("conv", net.input("image", 7, 9, 100), 40, 3)
    graph = net.graph(net.conv("last", x, 33, (1, 5), stride=2))
    grid = Abstraction(
        rows=2, columns=3, input_bytes=300, output_bytes=128, weight_bytes=700, tile_bytes=4 << 10
    )
    program = compute(all_tensors(graph), grid, 0.0, rng)
    loads = [each for each in program.steps if isinstance(each, Buffer) and each.tensor == "image"]
    assert len({each.y for each in loads}) > 1, "rows are not split"
    assert len({each.channel for each in loads}) > 1, "input channels are not split"
    results = [each for each in program.steps if isinstance(each, Buffer) and each.tensor == "conv"]
    assert len({each.channel for each in results}) > 1, "output channels are not split"


def test_what_cannot_fit_is_told():
    net = Builder("large")
    graph = net.graph(net.conv("conv", net.input("image", 9, 9, 8), 8, 9, pads=(0, 0)))
    grid = Abstraction(rows=1, columns=1, input_bytes=8 * 81 - 1)
    with pytest.raises(ValueError, match="conv: not even a pixel of it fits the memories of 1x1"):
        compile_network(graph, grid)


@pytest.mark.parametrize(
    ("network", "size", "grid", "sparsity"),
    [
        ("vgg-16", (32, 32), "aie2-2x2", 0.5),
        ("resnet-50", (32, 35), "engine-2x3", 0.5),
        pytest.param("inception-v3", (80, 75), "aie2-4x4-dedicated", 0.0, marks=pytest.mark.long),
    ],
)
def test_real_networks_cropped(network, size, grid, sparsity, rng):
    graph = NETWORKS[network]().cropped(*size)
    compute(graph, load_abstraction(grid), sparsity, rng)


@pytest.mark.long
@pytest.mark.parametrize("grid", ["aie2-4x4", "aie2-8x2", "aie2-5x5", "engine-3x3"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_tensor_of_real_networks(network, grid, rng):
    size = (96, 93) if network == "inception-v3" else (64, 64)
    graph = all_tensors(NETWORKS[network]().cropped(*size))
    compute(graph, load_abstraction(grid), 0.5, rng)


@pytest.mark.parametrize("tile_bytes", [2 << 10, 512 << 10])
def test_a_tensor_is_added_to_itself(tile_bytes, rng):
    net = Builder("twice")
    x = net.conv("conv", net.input("image", 9, 7, 16), 16, 3)
    graph = all_tensors(net.graph(net.add("twice", x, x)))
    compute(graph, Abstraction(rows=2, columns=2, tile_bytes=tile_bytes, weight_bytes=1600), 0.0, rng)


def test_tensors_stay_where_there_is_room():
    # Nothing but the image, weights and the result moves to or from DDR where everything fits.
    net = Builder("small")
    x = net.conv("first", net.input("image", 16, 16, 8), 16, 3)
    y = net.conv("second", x, 16, 3)
    graph = net.graph(net.add("sum", x, y))
    steps = compile_network(graph, load_abstraction("aie2-2x2")).steps
    assert sum(isinstance(each, Load) for each in steps) == 1
    assert sum(isinstance(each, Write) for each in steps) == 1
    assert sum(isinstance(each, LoadW) for each in steps) == 2
