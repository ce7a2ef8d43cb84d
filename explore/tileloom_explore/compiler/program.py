"""Programs: the steps that move activations and weights between DDR, memory tiles and cores, and compute.

A step is one instruction for all cores, as in the paper: what differs between columns of cores is a list,
output channels follow from the row. LOADFM, CONV and WRITEFM after one another are a chain: so many
iterations, through the two halves of the cores' buffers, each a ``step`` of rows further on. Iteration i of
CONV waits for iteration i of LOADFM, WRITEFM for CONV, LOADFM for the half that it fills. ``lock`` is what a
step sets when it has begun its last iteration, and ``after`` the lock that it waits for. All others wait
until everything before them is done.

The text is the program: `to_text` and `from_text` are inverse.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable
from dataclasses import dataclass

from tileloom.errors import UserError

Ints = tuple[int, ...]

NEVER = -1
"""As ``after``: there is nothing to wait for."""


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """Where a box of a tensor is in the memory tiles, at the same address in each column; no step.

    In column j it is rows x width[j] x channels elements of ``item`` bytes, ``x[j]`` the first pixel.
    """

    number: int
    tensor: str
    memtile: int
    y: int
    rows: int
    x: Ints
    width: Ints
    channel: int
    channels: int
    item: int


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Where compressed weights are in the memory tiles; no step.

    Row r's are in the memory of column r % columns, at memtile + r / columns * bytes.
    """

    number: int
    node: str
    memtile: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Load:
    """DDR to memory tiles: fill a buffer from a tensor at address ``ddr``, ``line`` bytes a row."""

    buffer: int
    ddr: int
    line: int
    pixel: int


@dataclass(frozen=True, kw_only=True)
class Write:
    """Memory tiles to DDR: pixels x, width and channels of a buffer."""

    buffer: int
    ddr: int
    line: int
    pixel: int
    x: Ints
    width: Ints
    channel: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class LoadW:
    """DDR to memory tiles: compressed weights, row r's at ddr + r * bytes."""

    weights: int
    ddr: int


@dataclass(frozen=True, kw_only=True)
class LoadWM:
    """Memory tiles to cores: weights, broadcast along each row of cores.

    Where weights stream it is part of a chain, of as many iterations; else the cores stand still meanwhile.
    """

    iterations: int
    weights: int
    offset: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class LoadFM:
    """Memory tiles to cores: activations, broadcast down each column; ``core`` is where in the half.

    With ``sums`` it is partial sums, which go where the results will be: each row's own ``channels``, of
    which ``limit`` in all rows are there.
    """

    lock: int
    after: int
    iterations: int
    buffer: int
    core: int
    y: int
    rows: int
    step: int
    x: Ints
    width: Ints
    channel: int
    channels: int
    limit: int
    sums: int


@dataclass(frozen=True, kw_only=True)
class Conv:
    """What the cores compute of a strip: with the weights that they have, or a pooling or an addition.

    ``width`` are output pixels; ``inputs`` and ``outputs`` channels of a core, of which ``limit`` in all rows
    are there; ``blocks`` is what the busiest core has: blocks of weights, or of channels. Sums begin with
    what was there where ``accumulate`` is 1, and are results where ``finish`` is 1.
    """

    iterations: int
    kind: str
    kernel: Ints
    stride: int
    rows: int
    width: Ints
    above: int
    below: int
    left: Ints
    right: Ints
    inputs: int
    outputs: int
    limit: int
    blocks: int
    accumulate: int
    finish: int
    relu: int
    scale: int
    shift: int


@dataclass(frozen=True, kw_only=True)
class WriteFM:
    """Cores to memory tiles: results, or partial sums; row r's begin at channel + r * channels."""

    lock: int
    after: int
    iterations: int
    buffer: int
    y: int
    rows: int
    step: int
    x: Ints
    width: Ints
    channel: int
    channels: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class Begin:
    """Says which node the following steps are of; no step."""

    node: str


Step = Buffer | Weights | Load | Write | LoadW | LoadWM | LoadFM | Conv | WriteFM | Begin
STEPS: tuple[type[Step], ...] = typing.get_args(Step)
NAMES = {kind.__name__.upper(): kind for kind in STEPS}
HEXADECIMAL = ("ddr", "memtile", "core", "offset")


@dataclass(frozen=True)
class Chunk:
    """Compressed weights in DDR: of one core's row, for one pass.

    Attributes
    ----------
    node:
        Whose weights.
    outputs, inputs:
        Which blocks: first, and how many.
    address, bytes:
        Where, and the room that it has.
    """

    node: str
    outputs: tuple[int, int]
    inputs: tuple[int, int]
    address: int
    bytes: int


@dataclass(frozen=True)
class Program:
    """A network compiled for a grid.

    Attributes
    ----------
    steps:
        In order.
    tensors:
        Address of each tensor in DDR: height x width x channels filled up to whole blocks.
    chunks:
        The weights in DDR.
    ddr_bytes:
        That are used.
    """

    steps: tuple[Step, ...]
    tensors: dict[str, int]
    chunks: tuple[Chunk, ...]
    ddr_bytes: int


def to_text(steps: Iterable[Step]) -> str:
    """Return steps as text, one a line."""
    lines = []
    for step in steps:
        if isinstance(step, Begin):
            lines.append(f"\n# {step.node}")
            continue
        words = [type(step).__name__.upper()]
        for field in dataclasses.fields(step):
            value = getattr(step, field.name)
            shown = f"{value:#x}" if field.name in HEXADECIMAL else str(value)
            words += [field.name, ",".join(map(str, value)) if isinstance(value, tuple) else shown]
        lines.append(" ".join(words))
    return "\n".join(lines).strip() + "\n"


def from_text(text: str) -> tuple[Step, ...]:
    """Return the steps of a text. Raises UserError that names the line and what is wrong with it."""
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if words[0] == "#":
            steps.append(Begin(node=" ".join(words[1:])))
            continue
        try:
            steps.append(_parse(words))
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"line {number}: {error}") from None
    return tuple(steps)


def _parse(words: list[str]) -> Step:
    if words[0] not in NAMES:
        raise ValueError(f"no step is called {words[0]}")
    kind = NAMES[words[0]]
    hints = typing.get_type_hints(kind)
    values = dict(zip(words[1::2], words[2::2], strict=True))
    if list(values) != [field.name for field in dataclasses.fields(kind)]:
        raise ValueError(f"{words[0]} has {' '.join(hints)}, in this order")
    parsed: dict[str, typing.Any] = {}
    for name, value in values.items():
        if hints[name] is int:
            parsed[name] = int(value, 0)
        else:
            parsed[name] = value if hints[name] is str else tuple(map(int, value.split(",")))
    return kind(**parsed)
