"""Compressed weights: there and back, as many bytes as the compiler counts, none for blocks of zeros."""

import numpy as np
import pytest

from tileloom_explore.compiler.abstraction import Abstraction
from tileloom_explore.compiler.graph import Builder
from tileloom_explore.compiler.run import random_filters
from tileloom_explore.compiler.weights import Filters, pack, unpack
from tileloom_explore.compiler.work import Work
from tileloom_golden.requantise import Requantisation


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("channels", "outputs", "kernel"), [(8, 8, 1), (40, 21, 3), (13, 70, (2, 5))])
def test_there_and_back(channels, outputs, kernel, sparsity, rng):
    net = Builder("one")
    graph = net.graph(net.conv("conv", net.input("image", 9, 9, channels), outputs, kernel))
    filters = random_filters(graph, sparsity, 8, rng)["conv"]
    grid = Abstraction(rows=1, columns=1)
    work = Work(graph.nodes[0], grid, filters.kept(8))
    size = graph.nodes[0].layer.kernel
    for span in ((0, work.outputs), (work.outputs // 2, work.outputs - work.outputs // 2)):
        for inputs in ((0, work.inputs), (work.inputs - 1, 1)):
            content = pack(filters, span, inputs, 8)
            assert len(content) == work.weight_bytes(work.blocks(inputs, span), span[1])
            found = unpack(np.frombuffer(content, np.uint8), span[1], inputs[1], size, 8)
            there = slice(8 * span[0], min(8 * sum(span), outputs))
            channel = slice(8 * inputs[0], min(8 * sum(inputs), channels))
            count = there.stop - there.start
            expected = filters.weights[there, :, :, channel]
            np.testing.assert_array_equal(found.weights[:count, :, :, : expected.shape[3]], expected)
            assert not found.weights[count:].any() and not found.weights[..., expected.shape[3] :].any()
            for name in ("bias", "scale", "shift", "zero_point"):
                np.testing.assert_array_equal(
                    getattr(found.parameters, name)[:count], getattr(filters.parameters, name)[there]
                )


def test_the_format_is_what_it_says():
    weights = np.zeros((8, 1, 1, 16), np.int8)
    weights[3, 0, 0, 9] = -5
    parameters = Requantisation(np.arange(8) - 4, np.full(8, 0x1234), np.full(8, 7), np.full(8, -1))
    content = pack(Filters(weights, parameters), (0, 1), (0, 2), 8)
    assert len(content) == 72 + 64
    assert content[:8] == bytes([0xFC, 0xFF, 0xFF, 0xFF, 0x34, 0x12, 7, 0xFF])
    assert content[64:68] == bytes([1, 0, 1, 0])  # one block, in block row 1
    assert content[72 + 3 * 8 + 1] == 256 - 5 and sum(byte != 0 for byte in content[72:]) == 1


def test_what_is_no_block_row_is_refused(rng):
    net = Builder("one")
    graph = net.graph(net.conv("conv", net.input("image", 3, 3, 16), 8))
    content = pack(random_filters(graph, 0.0, 8, rng)["conv"], (0, 1), (0, 2), 8)
    with pytest.raises(ValueError, match=r"block rows \[0, 1\] of 1"):
        unpack(np.frombuffer(content, np.uint8), 1, 1, (1, 1), 8)
