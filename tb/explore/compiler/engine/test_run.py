"""Programs on engines in RTL: every word of every convolution, streams waiting at random."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom.errors import CheckError
from tileloom_explore.compiler.abstraction import load_abstraction
from tileloom_explore.compiler.arithmetic import reference
from tileloom_explore.compiler.compile import compile_network
from tileloom_explore.compiler.depth.fuse import Group, alone, fused, named
from tileloom_explore.compiler.engine.commands import engine_commands
from tileloom_explore.compiler.engine.run import Engines
from tileloom_explore.compiler.graph import Builder, Kind
from tileloom_explore.compiler.networks import NETWORKS, vgg_16
from tileloom_explore.compiler.program import Conv
from tileloom_explore.compiler.run import execute, random_filters

from ..random_cases import random_image


def run(graph, source, rng, waits=(0.1, 0.1, 0.1, 0.1, 0.1), whole=None):
    """Execute a network's program with engines in RTL; return the program and them."""
    whole, grid = whole or graph, load_abstraction(source)
    filters, images = random_filters(whole, 0.5, grid.block, rng), random_image(whole, rng)
    program = compile_network(graph, grid, {name: own.kept(grid.block) for name, own in filters.items()})
    engines = Engines(generate(EngineConfig()), waits, seed=1)
    found = execute(program, graph, grid, filters, images, engines.observe)
    engines.finish()
    expected = reference(whole, filters, images)
    for name in graph.outputs:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    chains = [step for step in program.steps if isinstance(step, Conv) and step.kind == "conv"]
    assert sum(own.chains for own in engines.nodes) == len(chains)
    return program, engines


def test_twenty_four_layers(rng):
    # Strides, an addition, poolings, kernels of 1 to 5, channels that are no whole blocks; 2 x 3 engines.
    net = Builder("deep")
    x = net.input("image", 19, 23, 3)
    for index in range(24):
        kernel = (3, 1, (1, 3), 5, (3, 1), 2)[index % 6]
        x = net.conv(f"conv{index}", x, 10 + 3 * index, kernel, stride=2 if index in (4, 11) else 1)
        if index == 15:
            x = net.pool("pool", Kind.MAX, x, 3, pad=1)
            x = net.add("add", x, net.conv("beside", x, net.tensors[x].channels))
    _, engines = run(net.graph(x), "engine-2x3", rng)
    assert len(engines.nodes) == 25 and sum(own.words for own in engines.nodes) > 50_000


def test_a_fused_group_of_vgg_16(rng):
    group = named(vgg_16().cropped(32, 32), "conv1_1", "pool2")
    whole = alone(group)
    tiles = fused(Group(whole, 0, len(whole.nodes)), 2, 1)
    program, engines = run(tiles, "engine-2x2", rng, whole=whole)
    assert [own.node for own in engines.nodes] == [
        f"conv{stage}_{index}@{tile}" for tile in (0, 1) for stage in (1, 2) for index in (1, 2)
    ]
    commands = list(engine_commands(program.steps, load_abstraction("engine-2x2")))
    assert {each.node for each in commands} == {own.node for own in engines.nodes}


@pytest.mark.long
def test_resnet_50(rng):
    _, engines = run(NETWORKS["resnet-50"]().cropped(32, 35), "engine-2x2", rng)
    assert len(engines.nodes) == 53


def test_a_wrong_result_is_told(rng):
    net = Builder("one")
    graph = net.graph(net.conv("conv", net.input("image", 4, 4, 8), 8, 3))
    grid = load_abstraction("engine-1x1")
    filters, images = random_filters(graph, 0.0, grid.block, rng), random_image(graph, rng)
    engines = Engines(generate(EngineConfig()))

    def wrong(node, iteration, conv, operands, own, found):
        engines.observe(node, iteration, replace(conv, relu=1 - conv.relu), operands, own, found)

    execute(compile_network(graph, grid), graph, grid, filters, images, wrong)
    with pytest.raises(CheckError, match=r"conv: [1-9]\d* of 128 results of RTL are not the model's"):
        engines.finish()


def test_other_cores_are_refused():
    refused = CliRunner().invoke(main, ["compile", "vgg-16", "aie2-2x2", "--rtl"])
    assert refused.exit_code == 2 and "weight_bytes is 16384" in refused.stderr
