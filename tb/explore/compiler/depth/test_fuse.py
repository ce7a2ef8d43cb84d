"""Networks with a sub-graph in tiles compute what they compute without, and move what is said."""

from dataclasses import replace

import numpy as np
import pytest

from tileloom_explore.compiler.abstraction import Abstraction, load_abstraction
from tileloom_explore.compiler.arithmetic import reference
from tileloom_explore.compiler.compile import compile_network
from tileloom_explore.compiler.depth.fuse import Group, alone, extra, fused, named
from tileloom_explore.compiler.depth.search import candidates, spilling, tiled
from tileloom_explore.compiler.depth.traffic import map_bytes
from tileloom_explore.compiler.graph import Builder, Kind
from tileloom_explore.compiler.networks import NETWORKS, vgg_16
from tileloom_explore.compiler.program import from_text, to_text
from tileloom_explore.compiler.run import execute, random_filters
from tileloom_explore.compiler.study import at_sparsity

from ..random_cases import random_graph, random_grid, random_image


def compare(group: Group, tiles, grid: Abstraction, rng, sparsity=0.5):
    """Compute a network as it is, its tiles as whole arrays, and the program with tiles; return the last."""
    graph = fused(group, *tiles)
    filters = random_filters(group.graph, sparsity, grid.block, rng)
    images = random_image(group.graph, rng)
    expected, unrolled = reference(group.graph, filters, images), reference(graph, filters, images)
    program = compile_network(graph, grid, {name: own.kept(grid.block) for name, own in filters.items()})
    read = replace(program, steps=from_text(to_text(program.steps)))
    found = execute(read, graph, grid, filters, images)
    for name in graph.outputs:
        np.testing.assert_array_equal(unrolled[name], expected[name])
        np.testing.assert_array_equal(found[name], expected[name])
    return program


def test_random_sub_graphs_of_random_networks():
    tiled_ones = partial = 0
    for seed in range(30):
        rng = np.random.default_rng(1000 + seed)
        graph, grid = random_graph(rng), random_grid(rng)
        begin = int(rng.integers(len(graph.nodes)))
        end = int(rng.integers(begin, len(graph.nodes))) + 1
        try:
            group = Group(graph, begin, end)
        except ValueError:
            continue
        compare(group, (int(rng.integers(1, 5)), int(rng.integers(1, 4))), grid, rng)
        tiled_ones += 1
        partial += end - begin < len(graph.nodes)
    assert tiled_ones > 10 and partial > 4


@pytest.mark.parametrize(
    ("network", "size", "first", "last", "tiles"),
    [
        ("resnet-50", (32, 40), "conv2_1.1", "conv2_2.add", (2, 2)),
        ("vgg-16", (32, 32), "conv1_1", "pool2", (3, 1)),
        pytest.param("inception-v3", (80, 80), "5b.1x1.1", "5c.pool.1", (2, 1), marks=pytest.mark.long),
    ],
)
def test_real_networks(network, size, first, last, tiles, rng):
    # Strides, branches, an addition of a tensor that a convolution reads too, a concatenation.
    group = named(NETWORKS[network]().cropped(*size), first, last)
    group = replace(group, graph=alone(group), begin=0, end=len(group.nodes))
    compare(group, tiles, load_abstraction("aie2-2x2"), rng)


def test_tiles_share_the_weights_in_ddr():
    group = named(vgg_16().cropped(64, 32), "conv1_1", "conv2_2")
    grid = load_abstraction("aie2-2x2")
    plain, tiles = compile_network(group.graph, grid), compile_network(fused(group, 8, 1), grid)
    weights = [sum(chunk.bytes for chunk in program.chunks) for program in (plain, tiles)]
    # Tiles at the edges may be cut for the cores in another way, and have their weights in another order.
    assert weights[1] < 3 * weights[0]


def test_what_is_between_does_not_move():
    # 40 x 24 x 64 and x 32 bytes do not fit 64 KiB; tiles of 8 rows do, with the two rows around.
    net = Builder("large")
    x = net.conv("a", net.input("image", 40, 24, 8), 64, 3)
    x = net.conv("b", x, 32, 3)
    graph = net.graph(net.conv("c", x, 8, 3))
    grid = Abstraction(rows=1, columns=1, tile_bytes=64 << 10)
    group = named(graph, "a", "c")
    plain, tiles = (tiled(group, grid, 0.0, (count, 1)) for count in (1, 5))
    # Layer by layer at least a is written and read; fused the image, two rows twice at four edges of three
    # convolutions, and the result.
    assert plain.traffic.activations > 40 * 24 * (8 + 2 * 64 + 8)
    assert tiles.traffic.loaded == (40 + 4 * 6) * 24 * 8 and tiles.traffic.written == 40 * 24 * 8
    assert tiles.active <= grid.tile_bytes < plain.active
    # a: 40 + 4 * 4 rows, b: 40 + 4 * 2, c: 40.
    macs = [8 * 64, 64 * 32, 32 * 8]
    assert tiles.extra == pytest.approx(np.dot(macs, [56, 48, 40]) / np.dot(macs, [40] * 3))
    room = Abstraction(rows=1, columns=1)
    assert tiles.traffic.weights == 5 * tiled(group, room, 0.0, (1, 1)).traffic.weights


def test_the_sub_graph_that_spills():
    graph, grid = vgg_16(), load_abstraction("aie2-3x3")
    program, _ = at_sparsity(graph, grid, 0.0)
    group = spilling(graph, program, grid)
    assert group and (group.nodes[0].name, group.nodes[-1].name) == ("conv1_1", "pool2")
    small = graph.cropped(32, 32)
    assert spilling(small, at_sparsity(small, grid, 0.0)[0], grid) is None


def test_least_traffic_of_vgg_e():
    # Alwani et al., "Fused-Layer CNN Accelerators" (MICRO 2016): 77 MB of five layers, 3.6 MB fused.
    group = named(NETWORKS["vgg-19"](), "conv1_1", "conv3_1")
    apart, together = map_bytes(group, 4)
    assert round(apart / 2**20, 1) == 77.1 and round(together / 2**20, 2) == 3.64


def test_candidates_are_within_the_result():
    group = named(vgg_16().cropped(32, 32), "conv1_1", "pool4")
    assert sorted(candidates(group, 4)) == [(1, 1), (2, 1), (2, 2)]


def test_what_cannot_be_in_tiles_is_told():
    net = Builder("branches")
    x = net.conv("a", net.input("image", 8, 8, 8), 8, 3)
    y = net.conv("b", x, 8, 3)
    graph = net.graph(net.add("c", x, y))
    with pytest.raises(ValueError, match="a, b is read outside of the sub-graph, not one tensor"):
        named(graph, "a", "b")
    with pytest.raises(ValueError, match="branches has no d"):
        named(graph, "a", "d")
    with pytest.raises(ValueError, match="no nodes"):
        named(graph, "c", "a")
    with pytest.raises(ValueError, match="is in tiles already"):
        named(fused(named(graph, "a", "c"), 2, 1), "a@0", "c@1")
    joined = Builder("joined")
    z = joined.input("image", 8, 8, 8)
    both = joined.joined("both", 8, 8, 16)
    joined.conv("left", z, 8, into=(both, 0))
    joined.pool("right", Kind.MAX, z, 3, pad=1, into=(both, 8))
    with pytest.raises(ValueError, match="both is written by right too"):
        named(joined.graph(both), "left", "left")


def test_extra_is_one_without_tiles():
    group = named(vgg_16().cropped(32, 32), "conv1_1", "pool1")
    assert extra(group, fused(group, 1, 1)) == 1.0
