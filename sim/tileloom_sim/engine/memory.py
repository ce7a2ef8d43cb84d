"""Memory for the engine as an AXI4 master: a program's descriptors and data, and where results will be.

What a host's driver does, with the layouts of ``docs/engine.md``: activations and results lie as
``[channel block][y][x][channel in block]``, index and weights of a CONV one after the other, each from a
whole beat on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.engine.program import SLOTS, Conv, Group, Load, Program, Write
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import index_entries, to_blocks, weight_beats

MOST_ITERATIONS = 0xFFFF
"""Of a descriptor: its field has 16 bits."""

ALIGNMENT = 64
"""Of descriptors, and of everything else here, in bytes."""

DESCRIPTOR_BYTES = 64

PLACES = {
    "address": (24, 8),
    "step": (32, 4),
    "plane": (36, 4),
    "line": (40, 4),
    "run": (44, 4),
    "lines": (48, 2),
    "weight_bytes": (52, 4),
    "weights": (56, 8),
}
"""First byte and number of bytes of each field of a descriptor behind its command; all little-endian."""

OPCODE = 0b11
"""Of a command's first slot; 0 ends a program."""


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A command of a program in memory and where its data is: 64 bytes.

    Attributes
    ----------
    command:
        Its twelve slots of 16 bits. ``(0,) * 12``, the default, ends a program.
    address:
        Of LOAD and WRITE the first unit, of CONV the index.
    step, plane, line:
        LOAD and WRITE: bytes from an iteration to the next, from a channel block (WRITE: column) to the next,
        and from a run to the next.
    run:
        LOAD and WRITE: bytes of a run. CONV: bytes of the index, for an iteration.
    lines:
        LOAD and WRITE: runs in a channel block.
    weight_bytes, weights:
        CONV: bytes of weights, headers included, for an iteration, and their address.

    Raises
    ------
    UserError
        A value does not fit its field; the message names it.
    """

    command: tuple[int, ...] = (0,) * SLOTS
    address: int = 0
    step: int = 0
    plane: int = 0
    line: int = 0
    run: int = 0
    lines: int = 0
    weight_bytes: int = 0
    weights: int = 0

    def __post_init__(self) -> None:
        if len(self.command) != SLOTS:
            raise UserError(f"descriptor: command must have {SLOTS} slots, not {len(self.command)}")
        for index, slot in enumerate(self.command):
            _check_field(f"slot {index} of command", slot, 2)
        for name, (_, size) in PLACES.items():
            _check_field(name, getattr(self, name), size)

    @property
    def opcode(self) -> int:
        """What the command is: 0 ends the program, 1 LOAD, 2 CONV, 3 WRITE."""
        return self.command[0] & OPCODE

    def to_bytes(self) -> bytes:
        """Return the descriptor as it is in memory."""
        content = bytearray(DESCRIPTOR_BYTES)
        for index, slot in enumerate(self.command):
            content[2 * index : 2 * index + 2] = slot.to_bytes(2, "little")
        for name, (start, size) in PLACES.items():
            content[start : start + size] = getattr(self, name).to_bytes(size, "little")
        return bytes(content)

    @classmethod
    def from_bytes(cls, content: bytes) -> Descriptor:
        """Return the descriptor that is in the first 64 bytes."""

        def word(start: int, size: int) -> int:
            return int.from_bytes(content[start : start + size], "little")

        command = tuple(word(2 * index, 2) for index in range(SLOTS))
        return cls(command=command, **{name: word(*place) for name, place in PLACES.items()})


assert {field.name for field in fields(Descriptor)} == {"command", *PLACES}


def _check_field(name: str, value: int, size: int) -> None:
    if not 0 <= value < 1 << 8 * size:
        raise UserError(f"descriptor: {name} must be from 0 to {(1 << 8 * size) - 1}, not {value}")


@dataclass(frozen=True)
class MemoryImage:
    """What is in memory before a program runs.

    Attributes
    ----------
    program:
        The program.
    base, content:
        Address of the first byte, and all bytes, those of results included, which are noise.
    start:
        Address of the first descriptor.
    results, result_bytes:
        Where results will lie, and how many bytes an element of C has.
    """

    program: Program
    base: int
    content: bytes
    start: int
    results: int
    result_bytes: int

    @property
    def results_size(self) -> int:
        """Bytes of the results."""
        layer, n = self.program.layer, self.program.size.n
        return -(-layer.outputs // n) * n * layer.output[0] * layer.output[1] * self.result_bytes

    @property
    def descriptors(self) -> list[Descriptor]:
        """The program's descriptors, with the one that ends it."""
        found = [Descriptor.from_bytes(self.content[self.start - self.base :])]
        while found[-1].opcode:
            place = self.start - self.base + DESCRIPTOR_BYTES * len(found)
            found.append(Descriptor.from_bytes(self.content[place:]))
        return found

    def outputs(self, content: bytes) -> npt.NDArray[Any]:
        """Return the results, H_out x W_out x N, from the bytes that are in their place after the program."""
        layer, n = self.program.layer, self.program.size.n
        kind = {1: np.int8, 2: np.int16, 4: np.int32}[self.result_bytes]
        columns = np.frombuffer(content, kind).reshape(-1, *layer.output, n)
        return columns.transpose(1, 2, 0, 3).reshape(*layer.output, -1)[..., : layer.outputs]


def memory_image(
    program: Program,
    activations: npt.NDArray[Any],
    weights: BlockSparse,
    headers: npt.NDArray[np.uint64],
    *,
    result_bytes: int,
    base: int = 0,
) -> MemoryImage:
    """Return the memory for a layer.

    Parameters
    ----------
    program, weights, headers:
        As ``tileloom_golden.engine.streams`` takes them.
    activations:
        H x W x C of the layer, words of a whole number of bytes.
    result_bytes:
        Of an element of C.
    base:
        Where all of it goes, a multiple of 64.

    Raises
    ------
    UserError
        ``base`` is not a multiple of 64, or something does not fit a descriptor.
    """
    if base % ALIGNMENT:
        raise UserError(f"base: must be a multiple of {ALIGNMENT}, not {base}")
    layer, size = program.layer, program.size
    content = bytearray()

    def place(data: bytes) -> int:
        content.extend(data + bytes(-len(data) % ALIGNMENT))
        return base + len(content) - len(data) - (-len(data) % ALIGNMENT)

    image = np.asarray(activations).reshape(layer.height, layer.width, layer.channels)
    if image.dtype.kind == "u":
        image = image.astype(f"<u{size.element_bits // 8}")
    a_address = place(to_blocks(image, size.k).tobytes())
    memory = MemoryImage(program, base, b"", 0, 0, result_bytes)
    results = place(bytes([0xA5]) * memory.results_size)
    parts: dict[tuple[int, ...], tuple[int, int, int, int]] = {}
    for group in program.groups:
        for load, conv in group.parts:
            key = (conv.block, conv.blocks, conv.column, conv.columns)
            if key not in parts:
                alone = replace(program, groups=(replace(group, parts=((load, conv),)),))
                entries = index_entries(alone, weights).tobytes()
                beats = weight_beats(alone, weights, headers).tobytes()
                parts[key] = (place(entries), len(entries), place(beats), len(beats))

    def of_load(step: Load) -> Descriptor:
        unit = size.k * size.element_bits // 8
        offset = ((step.block * layer.height + step.y) * layer.width + step.x) * unit
        return Descriptor(
            command=tuple(step.slots()),
            address=a_address + offset,
            plane=layer.height * layer.width * unit,
            line=layer.width * unit,
            run=step.width * unit,
            lines=step.rows,
        )

    def of_conv(step: Conv) -> Descriptor:
        index, index_bytes, beats, beat_bytes = parts[step.block, step.blocks, step.column, step.columns]
        return Descriptor(
            command=tuple(step.slots()),
            address=index,
            run=index_bytes,
            weight_bytes=beat_bytes,
            weights=beats,
        )

    def of_write(step: Write) -> Descriptor:
        unit = size.n * result_bytes
        height, width = layer.output
        offset = ((step.column * height + step.y) * width + step.x) * unit
        return Descriptor(
            command=tuple(step.slots()),
            address=results + offset,
            plane=height * width * unit,
            line=width * unit,
            run=step.width * unit,
            lines=step.rows,
        )

    def descriptors(group: Group) -> list[Descriptor]:
        pairs = [descriptor for step, by in group.parts for descriptor in (of_load(step), of_conv(by))]
        return [*pairs, of_write(group.write)]

    found = []
    for run in _runs(program):
        for first, last in zip(descriptors(run[0]), descriptors(run[-1]), strict=True):
            step = (last.address - first.address) // max(1, len(run) - 1)
            command = (first.command[0], len(run), *first.command[2:])
            found.append(replace(first, command=command, step=step))
    start = place(b"".join(descriptor.to_bytes() for descriptor in [*found, Descriptor()]))
    return replace(memory, content=bytes(content), start=start, results=results)


def _runs(program: Program) -> Iterator[list[Group]]:
    """Yield groups that one set of descriptors serves: equal, of the same weights, at equal distances."""
    run: list[Group] = []
    for group in program.groups:
        if run and not _continues(run, group):
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _continues(run: list[Group], group: Group) -> bool:
    first = run[0]
    if len(run) == MOST_ITERATIONS or len(first.parts) > 1 or group.shape != first.shape:
        return False
    if group.parts[0][1] != first.parts[0][1]:
        return False
    return len(run) == 1 or _distance(run[0], run[1]) == _distance(run[-1], group)


def _distance(before: Group, after: Group) -> tuple[int, ...]:
    places = []
    for group in (before, after):
        load, write = group.parts[0][0], group.write
        places.append((load.block, load.y, load.x, write.column, write.y, write.x))
    return tuple(np.subtract(places[1], places[0]).tolist())
