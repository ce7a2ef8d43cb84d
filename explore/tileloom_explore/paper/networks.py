"""The convolutions of ResNet-50, VGG-16 and Inception-v3 alone; `compiler.networks` has the graphs."""

from collections.abc import Callable

from tileloom_golden.engine.program import Layer

from ..compiler import networks
from ..compiler.graph import Graph, Kind

Named = list[tuple[str, Layer]]


def _convolutions(graph: Graph) -> Named:
    return [(node.name, node.layer) for node in graph.nodes if node.kind is Kind.CONV]


def resnet_50() -> Named:
    """Return the 53 convolutions of ResNet-50, 224 x 224."""
    return _convolutions(networks.resnet_50())


def resnet(depths: tuple[int, ...], *, stride_first: bool = False) -> Named:
    """Return the convolutions of a ResNet of bottleneck blocks; arguments as in `compiler.networks`."""
    return _convolutions(networks.resnet(depths, stride_first=stride_first))


def vgg_16() -> Named:
    """Return the 13 convolutions of VGG-16 (configuration D), 224 x 224."""
    return _convolutions(networks.vgg_16())


def inception_v3() -> Named:
    """Return the 94 convolutions of Inception-v3, 299 x 299."""
    return _convolutions(networks.inception_v3())


NETWORKS: dict[str, Callable[[], Named]] = {
    "ResNet-50": resnet_50,
    "VGG-16": vgg_16,
    "Inception-v3": inception_v3,
}
