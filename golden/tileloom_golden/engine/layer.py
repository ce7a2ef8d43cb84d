"""What the block-sparse engine computes and what it is: layers, and the sizes that programs depend on."""

from dataclasses import dataclass, fields

from ..checks import check_positive
from ..integers import Pads, output_size

LARGEST_NIBBLE, LARGEST_BYTE = 15, 255
"""Of the fields of a command that hold strides and pads, and kernels."""


@dataclass(frozen=True, kw_only=True)
class EngineSize:
    """What is built, as far as programs and cycles depend on it; names and defaults as in docs/engine.md.

    Attributes
    ----------
    m, k, n:
        Of the core; A tile m x k, block k x n.
    element_bits:
        Of an activation.
    weight_bits:
        Of a weight.
    bus:
        Bits of a beat of weights.
    a_words:
        Words of a bank of one half of the A buffer.
    acc_tiles:
        C tiles of one half of the accumulators.
    weight_beats:
        Beats in the FIFO in front of the core.
    drain_rows:
        Rows of C written per cycle.
    requantise:
        Whether results are INT8.
    activation_mask:
        Whether tiles of A that are all zero are skipped in products.
    block_interval:
        Least cycles between blocks; None is the dot-product core's, beats of a block.
    by_rows:
        Whether a block goes into the core a row in a cycle, not a beat.
    block_latency:
        Cycles from a block's last beat on the bus to its use, beyond the dot-product core's.
    hazard:
        Least cycles between two passes of a tile.
    latency:
        Of the core, in cycles.

    Raises
    ------
    ValueError
        A size that is not positive.
    """

    m: int = 4
    k: int = 8
    n: int = 8
    element_bits: int = 8
    weight_bits: int = 8
    bus: int = 128
    a_words: int = 1024
    acc_tiles: int = 16
    weight_beats: int = 16
    drain_rows: int = 1
    requantise: bool = True
    activation_mask: bool = False
    block_interval: int | None = None
    by_rows: bool = False
    block_latency: int = 0
    hazard: int = 1
    latency: int = 2

    def __post_init__(self) -> None:
        for field in fields(self):
            if type(getattr(self, field.name)) is int and field.name != "block_latency":
                check_positive(getattr(self, field.name), field.name)

    @property
    def block_beats(self) -> int:
        """Beats of a k x n block."""
        return -(-self.k * self.n * self.weight_bits // self.bus)

    @property
    def header_beats(self) -> int:
        """Beats of a column's parameters, 64 bits for each of n."""
        return -(-64 * self.n // self.bus)

    @property
    def interval(self) -> int:
        """Least cycles between blocks."""
        return self.block_interval or self.block_beats


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A convolution; a matrix product M x K x N is height 1, width M, K channels, N outputs.

    Attributes
    ----------
    height, width, channels:
        Of the input.
    outputs:
        Output channels.
    kernel:
        (h, w).
    stride:
        Of both directions.
    pads:
        Top, bottom, left, right.

    Raises
    ------
    ValueError
        A size is not positive, the kernel does not fit, a pad is not smaller than the kernel (an output pixel
        would see nothing of the image), or a number exceeds its field in a command.
    """

    height: int
    width: int
    channels: int
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    pads: Pads = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels", "outputs"):
            check_positive(getattr(self, name), name)
        output_size(self.height, self.width, self.kernel, self.stride, self.pads)
        for name, pad, size in zip(
            ("top", "bottom", "left", "right"),
            self.pads,
            (*self.kernel[:1] * 2, *self.kernel[1:] * 2),
            strict=True,
        ):
            if pad >= size:
                raise ValueError(f"pad {name} is {pad}, not smaller than the kernel's {size}")
        for name, value, limit in (
            ("stride", self.stride, LARGEST_NIBBLE),
            ("pads", max(self.pads), LARGEST_NIBBLE),
            ("kernel", max(self.kernel), LARGEST_BYTE),
        ):
            if value > limit:
                raise ValueError(f"{name} is {value}, more than the {limit} of a command's field")

    @classmethod
    def product(cls, m: int, k: int, n: int) -> "Layer":
        """Return the layer that is the product of M x K and K x N."""
        return cls(height=1, width=m, channels=k, outputs=n)

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the output."""
        return output_size(self.height, self.width, self.kernel, self.stride, self.pads)

    @property
    def macs(self) -> int:
        """Multiplications of the dense layer, those with padding included."""
        height, width = self.output
        return height * width * self.outputs * self.channels * self.kernel[0] * self.kernel[1]

    @property
    def flat(self) -> "Layer":
        """The same layer, its image one row if each output pixel sees one pixel of its own."""
        if self.kernel != (1, 1) or self.stride != 1:
            return self
        return Layer.product(self.height * self.width, self.channels, self.outputs)
