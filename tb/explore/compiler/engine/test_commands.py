"""Chains as commands of engines: what they are, and what cannot be one."""

from dataclasses import replace

import pytest

from tileloom.errors import UserError
from tileloom_explore.compiler.abstraction import Abstraction, load_abstraction
from tileloom_explore.compiler.compile import compile_network
from tileloom_explore.compiler.engine.commands import (
    chain_program,
    check_grid,
    engine_commands,
    to_text,
)
from tileloom_explore.compiler.graph import Builder
from tileloom_explore.compiler.networks import NETWORKS
from tileloom_explore.compiler.program import Conv


def test_commands_by_hand():
    # 3 x 3 with padding, 8 to 16 channels, 5 x 6: one strip, so LOAD, CONV and WRITE of one iteration.
    net = Builder("hand")
    graph = net.graph(net.conv("conv", net.input("image", 5, 6, 8), 16, 3))
    grid = load_abstraction("engine-1x1")
    found = list(engine_commands(compile_network(graph, grid).steps, grid))
    slots = [[each.word >> 16 * index & 0xFFFF for index in range(12)] for each in found]
    # Of a padded row of 8 pixels two words in each bank; stride 1.
    assert slots == [
        [1 | 1 << 4, 1, 1, 5, 6, 0x1111, 2, 2, 0, 0, 0, 0],
        [2 | 1 << 4 | 1 << 9 | 1 << 10, 1, 1, 5, 2, 3 | 3 << 8, 2, 2, 2, 2, 0, 0],
        [3 | 1 << 8, 1, 0, 5, 6, 0, 0, 0, 0, 2, 0, 0],
    ]
    text = to_text(found).splitlines()
    assert text[0] == "# conv" and text[1] == f"0 0 {found[0].word:048x}" and len(text) == 4


@pytest.mark.parametrize("network", ["resnet-50", "vgg-16", "inception-v3"])
def test_every_chain_of_real_networks_fits_an_engine(network):
    graph, grid = NETWORKS[network]().cropped(96, 93), load_abstraction("engine-2x3")
    steps = compile_network(graph, grid).steps
    commands = list(engine_commands(steps, grid))
    convolutions = [step for step in steps if isinstance(step, Conv) and step.kind == "conv"]
    assert len(commands) > 3 * len(convolutions)
    assert {(each.row, each.column) for each in commands} == {
        (row, col) for row in range(2) for col in range(3)
    }


def test_what_is_no_command_is_told():
    conv = Conv(
        iterations=1, kind="conv", kernel=(3, 3), stride=1, rows=4, width=(16,), above=1, below=1, left=(1,),
        right=(1,), inputs=8, outputs=8, limit=8, blocks=1, accumulate=0, finish=1, relu=1, scale=0, shift=0,
    )  # fmt: skip
    assert chain_program(conv, 0, 0)
    assert chain_program(conv, 1, 0) is None and chain_program(replace(conv, kind="max"), 0, 0) is None
    assert chain_program(replace(conv, width=(0,)), 0, 0) is None
    with pytest.raises(UserError, match="engines take no partial sums"):
        chain_program(replace(conv, finish=0), 0, 0)
    with pytest.raises(UserError, match="17 of 16 tiles"):
        chain_program(replace(conv, rows=1, width=(65,)), 0, 0)
    with pytest.raises(UserError, match="takes 1080 of 1024 words"):
        chain_program(replace(conv, inputs=8 * 36), 0, 0)
    with pytest.raises(UserError, match="mine: weight_bytes is 16384, 0 of engine-int8"):
        check_grid(Abstraction(rows=1, columns=1), "mine")
