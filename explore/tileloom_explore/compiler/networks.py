"""ResNet-50, VGG-16, VGG-19 and Inception-v3 as graphs, one image, as their papers give the shapes.

ResNet-50 (He et al., 2015) has the stride of a stage in its 3 x 3 convolution, as today's implementations do;
Inception-v3 (Szegedy et al., 2015) is without the auxiliary classifier. All end with the average pooling;
fully connected layers are left out, as in Table II of arXiv 2407.09453.
"""

from __future__ import annotations

from collections.abc import Callable

from .graph import Builder, Graph, Kind


def resnet_50() -> Graph:
    """Return ResNet-50, 224 x 224: 53 convolutions."""
    return resnet((3, 4, 6, 3))


def resnet(depths: tuple[int, ...], *, stride_first: bool = False) -> Graph:
    """Return a ResNet of bottleneck blocks, 224 x 224.

    Parameters
    ----------
    depths:
        Blocks of each stage: 3, 4, 6, 3 of ResNet-50, 3, 4, 23, 3 of ResNet-101.
    stride_first:
        Whether a stage's stride is in its first 1 x 1 convolution, as the paper has it.
    """
    net = Builder(f"ResNet-{3 * sum(depths) + 2}")
    x = net.conv("conv1", net.input("image", 224, 224, 3), 64, 7, stride=2)
    x = net.pool("pool1", Kind.MAX, x, 3, stride=2, pad=1)
    for stage, blocks in enumerate(depths, start=2):
        width = 16 << stage
        for block in range(blocks):
            name, stride = f"conv{stage}_{block + 1}", 2 if block == 0 and stage > 2 else 1
            y = net.conv(f"{name}.1", x, width, stride=stride if stride_first else 1)
            y = net.conv(f"{name}.2", y, width, 3, stride=1 if stride_first else stride)
            y = net.conv(f"{name}.3", y, 4 * width, relu=False)
            if block == 0:
                x = net.conv(f"{name}.shortcut", x, 4 * width, stride=stride, relu=False)
            x = net.add(f"{name}.add", y, x)
    return net.graph(net.pool("pool", Kind.AVERAGE, x, 7))


def vgg_16() -> Graph:
    """Return VGG-16 (configuration D), 224 x 224: 13 convolutions."""
    return _vgg("VGG-16", (2, 2, 3, 3, 3))


def vgg_19() -> Graph:
    """Return VGG-19 (configuration E), 224 x 224: 16 convolutions."""
    return _vgg("VGG-19", (2, 2, 4, 4, 4))


def _vgg(name: str, counts: tuple[int, ...]) -> Graph:
    net = Builder(name)
    x = net.input("image", 224, 224, 3)
    for stage, (count, width) in enumerate(zip(counts, (64, 128, 256, 512, 512), strict=True), start=1):
        for index in range(count):
            x = net.conv(f"conv{stage}_{index + 1}", x, width, 3)
        x = net.pool(f"pool{stage}", Kind.MAX, x, 2, stride=2)
    return net.graph(x)


def inception_v3() -> Graph:
    """Return Inception-v3, 299 x 299: 94 convolutions."""
    net = Builder("Inception-v3")
    x = net.conv("1a", net.input("image", 299, 299, 3), 32, 3, stride=2, pads=(0, 0))
    x = net.conv("2a", x, 32, 3, pads=(0, 0))
    x = net.conv("2b", x, 64, 3)
    x = net.pool("3a", Kind.MAX, x, 3, stride=2)
    x = net.conv("3b", x, 80)
    x = net.conv("4a", x, 192, 3, pads=(0, 0))
    x = net.pool("5a", Kind.MAX, x, 3, stride=2)
    for name, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        x = _module(
            net,
            name,
            x,
            ("1x1", (64, 1)),
            ("5x5", (48, 1), (64, 5)),
            ("3x3", (64, 1), (96, 3), (96, 3)),
            ("pool", (pooled, 1)),
        )
    x = _module(net, "6a", x, ("3x3", (384, -3)), ("double", (64, 1), (96, 3), (96, -3)))
    for name, c in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        x = _module(
            net,
            name,
            x,
            ("1x1", (192, 1)),
            ("7x7", (c, 1), (c, (1, 7)), (192, (7, 1))),
            ("double", (c, 1), (c, (7, 1)), (c, (1, 7)), (c, (7, 1)), (192, (1, 7))),
            ("pool", (192, 1)),
        )
    x = _module(
        net,
        "7a",
        x,
        ("3x3", (192, 1), (320, -3)),
        ("7x7", (192, 1), (192, (1, 7)), (192, (7, 1)), (192, -3)),
    )
    for name in ("7b", "7c"):
        x = _wide_module(net, name, x)
    return net.graph(net.pool("pool", Kind.AVERAGE, x, 8))


_Step = tuple[int, int | tuple[int, int]]
"""Outputs and kernel; the kernel keeps the size, but one written as -k is k x k with stride 2, unpadded."""


def _module(net: Builder, name: str, source: str, *branches: tuple[str, *tuple[_Step, ...]]) -> str:
    """Add branches of convolutions side by side; "pool" pools first, and a halving module has a maximum."""
    read = net.tensors[source]
    halving = all(branch[0] != "pool" for branch in branches)
    size = (read.height - 3) // 2 + 1 if halving else read.height
    outputs = [steps[-1][0] for _, *steps in branches]
    whole = net.joined(name, size, size, sum(outputs) + halving * read.channels)
    channel = 0
    for branch, *steps in branches:
        x = source
        if branch == "pool":
            x = net.pool(f"{name}.average", Kind.AVERAGE, x, 3, pad=1)
        for index, (count, kernel) in enumerate(steps, start=1):
            into = (whole, channel) if index == len(steps) else None
            if isinstance(kernel, int) and kernel < 0:
                x = net.conv(f"{name}.{branch}.{index}", x, count, -kernel, stride=2, pads=(0, 0), into=into)
            else:
                x = net.conv(f"{name}.{branch}.{index}", x, count, kernel, into=into)
        channel += steps[-1][0]
    if halving:
        net.pool(f"{name}.max", Kind.MAX, source, 3, stride=2, into=(whole, channel))
    return whole


def _wide_module(net: Builder, name: str, source: str) -> str:
    """Add the module of the last stage, whose two middle branches end in 1 x 3 and 3 x 1 side by side."""
    read = net.tensors[source]
    whole = net.joined(name, read.height, read.width, 320 + 768 + 768 + 192)
    net.conv(f"{name}.1x1.1", source, 320, into=(whole, 0))
    channel = 320
    for branch, front in (("3x3", ((384, 1),)), ("double", ((448, 1), (384, 3)))):
        x = source
        for index, (count, kernel) in enumerate(front, start=1):
            x = net.conv(f"{name}.{branch}.{index}", x, count, kernel)
        for suffix, sides in (("a", (1, 3)), ("b", (3, 1))):
            net.conv(f"{name}.{branch}.{suffix}", x, 384, sides, into=(whole, channel))
            channel += 384
    x = net.pool(f"{name}.average", Kind.AVERAGE, source, 3, pad=1)
    net.conv(f"{name}.pool.1", x, 192, into=(whole, channel))
    return whole


NETWORKS: dict[str, Callable[[], Graph]] = {
    "resnet-50": resnet_50,
    "vgg-16": vgg_16,
    "vgg-19": vgg_19,
    "inception-v3": inception_v3,
}
"""By the name that commands take."""
