"""Random small networks and grids, ragged on purpose: odd sizes, strides, pads, small memories."""

import numpy as np

from tileloom_explore.compiler.abstraction import Abstraction
from tileloom_explore.compiler.graph import Builder, Graph, Kind


def random_graph(rng: np.random.Generator) -> Graph:
    """Return a network of two to four steps: convolutions, poolings, an addition, a concatenation."""
    net = Builder("random")
    height, width, channels = (int(rng.integers(low, high)) for low, high in ((3, 20), (3, 20), (1, 90)))
    x = net.input("image", height, width, channels)
    for index in range(int(rng.integers(2, 5))):
        read, what = net.tensors[x], int(rng.integers(6))
        kernel = tuple(int(rng.integers(1, min(4, side) + 1)) for side in (read.height, read.width))
        pads = tuple(int(rng.integers(0, side)) for side in kernel)
        if what < 3:
            outputs, stride = int(rng.integers(1, 72)), int(rng.integers(1, 4))
            relu = bool(rng.integers(2))
            x = net.conv(f"conv{index}", x, outputs, kernel, stride=stride, pads=pads, relu=relu)
        elif what == 3:
            kind = Kind.MAX if rng.integers(2) else Kind.AVERAGE
            x = net.pool(f"pool{index}", kind, x, kernel, stride=int(rng.integers(1, 3)), pad=min(pads))
        elif what == 4:
            y = net.conv(f"beside{index}", x, read.channels, 1)
            x = net.add(f"add{index}", x, y)
        else:
            left, right = (8 * int(rng.integers(1, 4)) for _ in range(2))
            whole = net.joined(f"joined{index}", read.height, read.width, left + right)
            net.conv(f"left{index}", x, left, 1, into=(whole, 0))
            y = net.conv(f"middle{index}", x, 16, 1)
            net.conv(f"right{index}", y, right, 3, into=(whole, left))
            x = whole
    return net.graph(x)


def random_grid(rng: np.random.Generator) -> Abstraction:
    """Return a grid whose memories hold from little to everything, weights in tiles of their own or not."""
    columns, tiles = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    return Abstraction(
        rows=int(rng.integers(1, 4)),
        columns=columns,
        tiles=tiles,
        weight_tiles=columns * (tiles - 1) * int(rng.integers(2)),
        input_bytes=int(rng.choice([512, 2048, 8192])),
        output_bytes=int(rng.choice([256, 1024, 8192])),
        weight_bytes=int(rng.choice([0, 1600, 1600, 4096])),
        tile_bytes=int(rng.choice([6 << 10, 6 << 10, 16 << 10, 64 << 10])),
    )


def random_image(graph: Graph, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return INT8 inputs of a network, both ends of the range among them."""
    images = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        shape = (tensor.height, tensor.width, tensor.channels)
        images[name] = rng.integers(-128, 128, shape).astype(np.int8)
    return images
