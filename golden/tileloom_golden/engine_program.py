"""Layers, engines and the commands that the block-sparse engine takes (docs/engine.md).

A `Program` is a layer cut into groups of LOAD, CONV and WRITE; `engine_cut.compile_layer` makes it.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby

from tileloom_golden.block_convolution import Pads, output_size
from tileloom_golden.checks import check_positive

LOAD, CONV, WRITE = 1, 2, 3
SLOTS = 12
"""16-bit slots of a command."""

ACCUMULATE, FINISH, RELEASE, MASKED, RELU = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 8
"""Flags in slot 0; RELU is WRITE's."""

LARGEST_NIBBLE, LARGEST_BYTE, LARGEST_SLOT = 15, 255, 65535


@dataclass(frozen=True, kw_only=True)
class EngineSize:
    """What is built, as far as programs and cycles depend on it; names and defaults as in docs/engine.md.

    Attributes:
        m, k, n: of the core; A tile m x k, block k x n.
        element_bits: of an activation.
        weight_bits: of a weight.
        bus: bits of a beat of weights.
        a_words: words of a bank of one half of the A buffer.
        acc_tiles: C tiles of one half of the accumulators.
        weight_beats: beats in the FIFO in front of the core.
        drain_rows: rows of C written per cycle.
        requantise: whether results are INT8.
        activation_mask: whether tiles of A that are all zero are skipped in products.
        block_interval: least cycles between blocks; None is the dot-product core's, beats of a block + 1.
        block_latency: cycles from a block's last beat on the bus to its use, beyond the dot-product core's.
        hazard: least cycles between two passes of a tile.
        latency: of the core, in cycles.

    Raises:
        ValueError: a size that is not positive.
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
        return self.block_interval or self.block_beats + 1


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A convolution; a matrix product M x K x N is height 1, width M, K channels, N outputs.

    Attributes:
        height, width, channels: of the input.
        outputs: output channels.
        kernel: (h, w).
        stride: of both directions.
        pads: top, bottom, left, right.

    Raises:
        ValueError: a size is not positive, the kernel does not fit, a pad is not smaller than the kernel (an
            output pixel would see nothing of the image), or a number exceeds its field in a command.
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


@dataclass(frozen=True, kw_only=True)
class Load:
    """Fill an A half. (block, y, x) is where its image begins; sizes are those in the stream."""

    block: int
    y: int
    x: int
    blocks: int
    rows: int
    width: int
    pads: Pads
    stride: int
    phase_pitch: int

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with padding."""
        return self.rows + self.pads[0] + self.pads[1], self.width + self.pads[2] + self.pads[3]

    def slots(self) -> list[int]:
        """Return the command, iterations 1."""
        top, bottom, left, right = self.pads
        return [
            LOAD | self.stride << 4,
            1,
            self.blocks,
            self.rows,
            self.width,
            top | bottom << 4 | left << 8 | right << 12,
            self.phase_pitch,
            self.stride * self.phase_pitch,
            *[0] * 4,
        ]


@dataclass(frozen=True, kw_only=True)
class Conv:
    """Compute a strip for block columns `column` onward, with the loaded channel blocks, `block` onward."""

    block: int
    column: int
    blocks: int
    rows: int
    tiles: int
    kernel: tuple[int, int]
    stride: int
    phase_pitch: int
    columns: int
    accumulate: bool
    finish: bool
    masked: bool = False

    def slots(self) -> list[int]:
        """Return the command, iterations 1."""
        row_pitch = self.stride * self.phase_pitch
        flags = ACCUMULATE * self.accumulate | FINISH * self.finish | MASKED * self.masked | RELEASE
        return [
            CONV | self.stride << 4 | flags,
            1,
            self.blocks,
            self.rows,
            self.tiles,
            self.kernel[0] | self.kernel[1] << 8,
            self.phase_pitch,
            row_pitch,
            self.stride * row_pitch,
            self.columns,
            0,
            0,
        ]


@dataclass(frozen=True, kw_only=True)
class Write:
    """Write a strip's results for block columns `column` onward; (y, x) is where it lies in the output."""

    column: int
    y: int
    x: int
    rows: int
    width: int
    columns: int
    relu: bool

    def slots(self) -> list[int]:
        """Return the command, iterations 1."""
        return [WRITE | RELU * self.relu, 1, 0, self.rows, self.width, *[0] * 4, self.columns, 0, 0]


@dataclass(frozen=True, kw_only=True)
class Group:
    """What ends in a WRITE: pairs of LOAD and CONV, one unless input channels are split."""

    parts: tuple[tuple[Load, Conv], ...]
    write: Write

    @property
    def shape(self) -> tuple[tuple[int, ...], ...]:
        """What the engine sees of it, and its first block column: equal for groups that take as long."""
        steps = [step.slots() for pair in self.parts for step in pair]
        return (*map(tuple, steps), tuple(self.write.slots()), (self.write.column,))


@dataclass(frozen=True, kw_only=True)
class Program:
    """A layer cut for an engine.

    Attributes:
        layer: as it is computed (flat, where that is possible).
        size: of the engine.
        groups: in order.
        splits: into how many parts along "width", "outputs", "height" and "channels".
    """

    layer: Layer
    size: EngineSize
    groups: tuple[Group, ...]
    splits: dict[str, int]

    @cached_property
    def runs(self) -> list[tuple[Group, int]]:
        """The groups with equal neighbours taken together: the first of each run, and how many."""
        equal = [list(same) for _, same in groupby(self.groups, key=lambda group: group.shape)]
        return [(run[0], len(run)) for run in equal]

    def commands(self) -> list[list[int]]:
        """Return the commands, each twelve 16-bit slots; a run is one command with iterations if possible.

        Raises:
            ValueError: a number exceeds its slot.
        """
        commands = []
        for group, count in self.runs:
            # Of several parts each is a command of its own, so only a group of one can be repeated as it is.
            repeat, iterations = (1, count) if len(group.parts) == 1 else (count, 1)
            for _ in range(repeat):
                steps = [step for pair in group.parts for step in pair] + [group.write]
                for slots in (step.slots() for step in steps):
                    slots[1] = iterations
                    commands.append(slots)
        for slots in commands:
            if max(slots) > LARGEST_SLOT:
                index = slots.index(max(slots))
                raise ValueError(f"slot {index} of a command is {slots[index]}, more than {LARGEST_SLOT}")
        return commands


def command_word(slots: list[int]) -> int:
    """Return the 192-bit word of a command, slot 0 in the least significant bits."""
    return sum(slot << 16 * index for index, slot in enumerate(slots))
