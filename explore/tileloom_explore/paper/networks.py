"""The convolutions of ResNet-50, VGG-16 and Inception-v3, one image, as their papers give the shapes.

ResNet-50 (He et al., 2015) has the stride of a stage in its 3 x 3 convolution, as today's implementations do;
Inception-v3 (Szegedy et al., 2015) is without the auxiliary classifier. Layers run in order, pooling and the
fully connected layers left out.
"""

from collections.abc import Callable

from tileloom_golden.engine.program import Layer

Named = list[tuple[str, Layer]]


def resnet_50() -> Named:
    """Return the 53 convolutions of ResNet-50, 224 x 224."""
    return resnet((3, 4, 6, 3))


def resnet(depths: tuple[int, ...], *, stride_first: bool = False) -> Named:
    """Return the convolutions of a ResNet of bottleneck blocks, 224 x 224.

    Parameters
    ----------
    depths:
        Blocks of each stage: 3, 4, 6, 3 of ResNet-50, 3, 4, 23, 3 of ResNet-101.
    stride_first:
        Whether a stage's stride is in its first 1 x 1 convolution, as the paper has it.
    """
    net = _Network(224, 3)
    net.add("conv1", 64, 7, stride=2, pad=3)
    net.pool(stride=2, pad=1)
    for stage, blocks in enumerate(depths, start=2):
        width = 16 << stage
        for block in range(blocks):
            name, stride = f"conv{stage}_{block + 1}", 2 if block == 0 and stage > 2 else 1
            size, channels = net.size, net.channels
            net.add(f"{name}.1", width, 1, stride=stride if stride_first else 1)
            net.add(f"{name}.2", width, 3, stride=1 if stride_first else stride, pad=1)
            net.add(f"{name}.3", 4 * width, 1)
            if block == 0:
                net.layers.append(
                    (f"{name}.shortcut", _layer(size, channels, 4 * width, (1, 1), stride, (0, 0)))
                )
    return net.layers


def vgg_16() -> Named:
    """Return the 13 convolutions of VGG-16 (configuration D), 224 x 224."""
    net = _Network(224, 3)
    for stage, (count, width) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1):
        for index in range(count):
            net.add(f"conv{stage}_{index + 1}", width, 3, pad=1)
        net.size //= 2
    return net.layers


def inception_v3() -> Named:
    """Return the 94 convolutions of Inception-v3, 299 x 299."""
    net = _Network(299, 3)
    net.add("1a", 32, 3, stride=2)
    net.add("2a", 32, 3)
    net.add("2b", 64, 3, pad=1)
    net.pool(stride=2)
    net.add("3b", 80, 1)
    net.add("4a", 192, 3)
    net.pool(stride=2)
    for name, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        net.branch(f"{name}.1x1", (64, 1))
        net.branch(f"{name}.5x5", (48, 1), (64, 5))
        net.branch(f"{name}.3x3", (64, 1), (96, 3), (96, 3))
        net.branch(f"{name}.pool", (pooled, 1))
        net.channels = 64 + 64 + 96 + pooled
    net.branch("6a.3x3", (384, -3))
    net.branch("6a.double", (64, 1), (96, 3), (96, -3))
    net.pool(stride=2)
    net.channels += 384 + 96
    for name, c in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        net.branch(f"{name}.1x1", (192, 1))
        net.branch(f"{name}.7x7", (c, 1), (c, (1, 7)), (192, (7, 1)))
        net.branch(f"{name}.double", (c, 1), (c, (7, 1)), (c, (1, 7)), (c, (7, 1)), (192, (1, 7)))
        net.branch(f"{name}.pool", (192, 1))
    net.branch("7a.3x3", (192, 1), (320, -3))
    net.branch("7a.7x7", (192, 1), (192, (1, 7)), (192, (7, 1)), (192, -3))
    net.pool(stride=2)
    net.channels += 320 + 192
    for name in ("7b", "7c"):
        net.branch(f"{name}.1x1", (320, 1))
        for branch, front in (("3x3", [(384, 1)]), ("double", [(448, 1), (384, 3)])):
            net.branch(f"{name}.{branch}", *front)
            for suffix, kernel in (("a", (1, 3)), ("b", (3, 1))):
                pads = kernel[0] // 2, kernel[1] // 2
                net.layers.append((f"{name}.{branch}.{suffix}", _layer(net.size, 384, 384, kernel, 1, pads)))
        net.branch(f"{name}.pool", (192, 1))
        net.channels = 320 + 768 + 768 + 192
    return net.layers


NETWORKS: dict[str, Callable[[], Named]] = {
    "ResNet-50": resnet_50,
    "VGG-16": vgg_16,
    "Inception-v3": inception_v3,
}


def _layer(
    size: int, channels: int, outputs: int, kernel: tuple[int, int], stride: int, pads: tuple[int, int]
) -> Layer:
    return Layer(
        height=size,
        width=size,
        channels=channels,
        outputs=outputs,
        kernel=kernel,
        stride=stride,
        pads=(pads[0], pads[0], pads[1], pads[1]),
    )


class _Network:
    """A network being written down: its layers so far, and the square image that they leave."""

    def __init__(self, size: int, channels: int) -> None:
        self.size, self.channels = size, channels
        self.layers: Named = []

    def add(self, name: str, outputs: int, kernel: int, *, stride: int = 1, pad: int = 0) -> None:
        layer = _layer(self.size, self.channels, outputs, (kernel, kernel), stride, (pad, pad))
        self.layers.append((name, layer))
        self.size, self.channels = layer.output[0], outputs

    def pool(self, *, stride: int, pad: int = 0) -> None:
        self.size = (self.size + 2 * pad - 3) // stride + 1

    def branch(self, name: str, *steps: tuple[int, int | tuple[int, int]]) -> None:
        """Add convolutions after one another that leave the network where it is.

        A step is outputs and kernel; the kernel keeps the size, but one written as -k is k x k with stride 2
        and no padding.
        """
        channels = self.channels
        for index, (outputs, kernel) in enumerate(steps, start=1):
            h, w = kernel if isinstance(kernel, tuple) else (abs(kernel), abs(kernel))
            halving = isinstance(kernel, int) and kernel < 0
            pads = (0, 0) if halving else (h // 2, w // 2)
            layer = _layer(self.size, channels, outputs, (h, w), 2 if halving else 1, pads)
            self.layers.append((f"{name}.{index}", layer))
            channels = outputs
