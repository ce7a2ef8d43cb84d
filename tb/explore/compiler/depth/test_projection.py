"""Projection against brute force: outputs are marked one by one and followed back, pixel by pixel."""

import numpy as np
import pytest

from tileloom_explore.compiler.depth.projection import active_bytes, generalised, project, read_box
from tileloom_explore.compiler.graph import Builder, Graph, Kind
from tileloom_explore.compiler.networks import NETWORKS

from ..random_cases import random_graph


def marked(graph: Graph, output: str, box) -> dict[str, np.ndarray]:
    """Return which pixels of each tensor are needed, by going over every tap of every pixel."""
    needs = {name: np.zeros((each.height, each.width), bool) for name, each in graph.tensors.items()}
    (y, rows), (x, pixels) = box
    needs[output][y : y + rows, x : x + pixels] = True
    for node in reversed(graph.nodes):
        layer = node.layer
        for row, pixel in np.argwhere(needs[node.output]):
            top, left = row * layer.stride - layer.pads[0], pixel * layer.stride - layer.pads[2]
            inside = (
                slice(max(0, top), max(0, top + layer.kernel[0])),
                slice(max(0, left), max(0, left + layer.kernel[1])),
            )
            for name in node.inputs:
                needs[name][inside] = True
    return needs


def bounds(mask: np.ndarray):
    rows, pixels = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (rows[0], rows[-1] - rows[0] + 1), (pixels[0], pixels[-1] - pixels[0] + 1)


def test_boxes_are_what_marked_pixels_need():
    tested = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        graph = random_graph(rng)
        output = graph.tensors[graph.outputs[0]]
        y, x = int(rng.integers(output.height)), int(rng.integers(output.width))
        rows, pixels = int(rng.integers(1, output.height - y + 1)), int(rng.integers(1, output.width - x + 1))
        boxes = project(graph.nodes, output.name, ((y, rows), (x, pixels)))
        needs = marked(graph, output.name, ((y, rows), (x, pixels)))
        for name, box in boxes.items():
            # A box may have more than is marked only as strides leave pixels out within it.
            assert bounds(needs[name]) == box, (seed, name)
        assert all(not mask.any() for name, mask in needs.items() if name not in boxes)
        tested += len(boxes)
    assert tested > 60


@pytest.mark.parametrize("network", ["vgg-16", "resnet-50", "inception-v3"])
def test_generalised_kernel_and_stride_of_real_networks(network):
    # Far from the edges, a tile of u pixels sees (u - 1) stride + kernel, every u.
    graph = NETWORKS[network]()
    end = {"vgg-16": "pool3", "resnet-50": "conv3_1.add", "inception-v3": "6a.max"}[network]
    index = [node.name for node in graph.nodes].index(end)
    nodes = graph.nodes[: index + 1]
    output, source = nodes[-1].output, graph.inputs[0]
    size = graph.tensors[output]
    middle = size.height // 2, size.width // 2
    for axis, found in enumerate(generalised(nodes, source, output)):
        for count in (1, 2, 3):
            box = tuple((begin, count) for begin in middle)
            seen = project(nodes, output, box)[source][axis][1]
            assert seen == (count - 1) * found.stride + found.kernel


def test_a_sub_graph_by_hand():
    # 3 x 3, a maximum of two with stride 2, 3 x 3: (2 + 1) and so on: 3 + 2 * 2 + 1 = 8 rows, stride 2.
    net = Builder("hand")
    x = net.conv("a", net.input("image", 64, 64, 8), 16, 3)
    x = net.pool("b", Kind.MAX, x, 2, stride=2)
    graph = net.graph(net.conv("c", x, 8, 3))
    rows, pixels = generalised(graph.nodes, "image", "c")
    assert (rows.kernel, rows.stride) == (pixels.kernel, pixels.stride) == (8, 2)
    boxes = project(graph.nodes, "c", ((0, 4), (10, 4)))
    assert boxes["b"] == ((0, 5), (9, 6)) and boxes["a"] == ((0, 10), (18, 12))
    assert boxes["image"] == ((0, 11), (17, 14))
    assert read_box(graph.nodes[0], boxes["a"])[1] == (1, 0, 0, 0)
    # a and b are alive together while b is computed; the image and the result do not count.
    assert active_bytes(graph, graph.nodes, boxes, 8) == 10 * 12 * 16 + 5 * 6 * 16
    with pytest.raises(ValueError, match="b does not depend on c"):
        generalised(graph.nodes, "c", "b")
