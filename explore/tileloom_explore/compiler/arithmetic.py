"""What nodes compute, on whole tensors or on parts: exact INT32 sums, and INT8 results of them.

Convolutions are those of the golden model. A mean is the sum of its taps, padding included, times a scale; an
addition is half the sum, halves away from zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tileloom_golden.integers import Pads, convolve, taps
from tileloom_golden.requantise import Requantisation, requantise

from .graph import Graph, Kind, Node
from .weights import Filters

Image = npt.NDArray[np.int8]
Sums = npt.NDArray[np.int32]


def scale_of(node: Node) -> tuple[int, int]:
    """Return scale and shift of what has no weights; 0 and 0 of a convolution."""
    if node.kind is Kind.ADD:
        return 1, 1
    if node.kind is Kind.AVERAGE:
        count = node.layer.kernel[0] * node.layer.kernel[1]
        return ((1 << 15) + count // 2) // count, 15
    return 0, 0


def sums(
    kind: Kind,
    images: Sequence[Image],
    kernel: tuple[int, int],
    stride: int,
    pads: Pads,
    weights: npt.NDArray[np.int8] | None = None,
) -> Sums:
    """Return the exact sums of a node, of a maximum the maximum itself: H_out x W_out x C_out."""
    if kind is Kind.ADD:
        return np.sum([image.astype(np.int32) for image in images], axis=0, dtype=np.int32)
    if weights is not None:
        return convolve(images[0], weights, stride, pads)
    # Padding is below every activation, so that a maximum never is one of its zeros.
    low = -128 if kind is Kind.MAX else 0
    seen = taps(images[0].astype(np.int32) - low, kernel, stride, pads) + low
    return seen.max(axis=(0, 1)) if kind is Kind.MAX else seen.sum(axis=(0, 1), dtype=np.int32)


def results(
    kind: Kind, values: Sums, scale: int, shift: int, parameters: Requantisation | None, *, relu: bool
) -> Image:
    """Return the INT8 results of exact sums."""
    if kind is Kind.MAX:
        return values.astype(np.int8)
    if parameters is None:
        count = np.ones(values.shape[-1], np.int64)
        parameters = Requantisation(0 * count, scale * count, shift * count)
    return requantise(values, parameters, relu=relu)


def reference(graph: Graph, filters: Mapping[str, Filters], inputs: Mapping[str, Image]) -> dict[str, Image]:
    """Return every tensor of a network, each node computed as a whole."""
    tensors = {
        name: np.zeros((each.height, each.width, each.channels), np.int8)
        for name, each in graph.tensors.items()
    }
    for name, values in inputs.items():
        tensors[name][...] = values
    for tensor in graph.tensors.values():
        if tensor.of:  # a part of the same array
            rows, pixels = slice(tensor.y, tensor.y + tensor.height), slice(tensor.x, tensor.x + tensor.width)
            tensors[tensor.name] = tensors[tensor.of][rows, pixels]
    for node in graph.nodes:
        layer, own = node.layer, filters.get(node.owner)
        images = []
        for operand, name in enumerate(node.inputs):
            y, x = node.origin(operand)
            images.append(tensors[name][y : y + layer.height, x : x + layer.width])
        exact = sums(node.kind, images, layer.kernel, layer.stride, layer.pads, own.weights if own else None)
        values = results(node.kind, exact, *scale_of(node), own.parameters if own else None, relu=node.relu)
        tensors[node.output][..., node.channel : node.channel + layer.outputs] = values
    return tensors
