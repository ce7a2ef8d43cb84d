"""Memory for the engine as an AXI4 master: a program's descriptors and data, and where results will be.

What a host's driver does, with the layouts of ``docs/engine.md``, at the addresses of
``tileloom_golden.engine.memory_map``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.engine.memory_map import ALIGNMENT, DESCRIPTOR_BYTES, memory_map, repetitions
from tileloom_golden.engine.program import SLOTS, Conv, Group, Load, Program, Write
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import index_entries, to_blocks, weight_beats

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

CONV = 2


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
    backward:
        Channel blocks and rows lie in memory from the last to the first.
    """

    program: Program
    base: int
    content: bytes
    start: int
    results: int
    result_bytes: int
    backward: bool = False

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

    def says_what_to_do(self, address: int, beat: int) -> bool:
        """Return whether a beat of so many bytes that has ``address`` is of descriptors, or of the index."""
        place = address // beat * beat
        if place >= self.start // beat * beat:
            return True
        return any(
            -beat < place - (descriptor.address + repeat * descriptor.step) < descriptor.run
            for descriptor in self.descriptors
            if descriptor.opcode == CONV
            for repeat in range(descriptor.command[1])
        )

    def outputs(self, content: bytes) -> npt.NDArray[Any]:
        """Return the results, H_out x W_out x N, from the bytes that are in their place after the program."""
        layer, n = self.program.layer, self.program.size.n
        kind = {1: np.int8, 2: np.int16, 4: np.int32}[self.result_bytes]
        columns = np.frombuffer(content, kind).reshape(-1, *layer.output, n)
        columns = columns[::-1, ::-1] if self.backward else columns
        return columns.transpose(1, 2, 0, 3).reshape(*layer.output, -1)[..., : layer.outputs]


def memory_image(
    program: Program,
    activations: npt.NDArray[Any],
    weights: BlockSparse,
    headers: npt.NDArray[np.uint64],
    *,
    result_bytes: int,
    base: int = 0,
    backward: bool = False,
    entries: npt.NDArray[np.uint16] | None = None,
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
    backward:
        As in ``MemoryImage``; for addresses of 32 bits at most, which a descriptor's 32 bits can turn back.
    entries:
        The index of a strip where it is not that of the weights.

    Raises
    ------
    UserError
        ``base`` is not a multiple of 64, or something does not fit a descriptor.
    """
    if base % ALIGNMENT:
        raise UserError(f"base: must be a multiple of {ALIGNMENT}, not {base}")
    layer, size = program.layer, program.size
    where = memory_map(program, weights.mask, result_bytes=result_bytes, base=base)
    memory = MemoryImage(program, base, b"", where.descriptors, where.results, result_bytes, backward)
    content = bytearray(where.descriptors - base)

    def place(address: int, data: bytes) -> None:
        content[address - base : address - base + len(data)] = data

    image = np.asarray(activations).reshape(layer.height, layer.width, layer.channels)
    if image.dtype.kind == "u":
        image = image.astype(f"<u{size.element_bits // 8}")
    planes = to_blocks(image, size.k)
    place(where.activations, (planes[::-1, ::-1] if backward else planes).tobytes())
    place(where.results, bytes([0xA5]) * memory.results_size)
    placed = set()
    for group in program.groups:
        for load, conv in group.parts:
            part = where.of_conv(conv)
            if part not in placed:
                placed.add(part)
                alone = replace(program, groups=(replace(group, parts=((load, conv),)),))
                index = index_entries(alone, weights) if entries is None else entries
                place(part.index, index.astype("<u2").tobytes())
                place(part.weights, weight_beats(alone, weights, headers).tobytes())

    def pitch(count: int) -> int:
        return -count % (1 << 32) if backward else count

    def turned(address: int, begin: int, line: int, lines: int) -> int:
        """Return where a unit of a line is where the lines lie the other way round."""
        if not backward:
            return address
        number, offset = divmod(address - begin, line)
        return begin + (lines - 1 - number) * line + offset

    def of_load(step: Load) -> Descriptor:
        lines = len(planes) * layer.height
        return Descriptor(
            command=tuple(step.slots()),
            address=turned(where.of_load(step), where.activations, where.line, lines),
            plane=pitch(where.plane),
            line=pitch(where.line),
            run=step.width * where.unit,
            lines=step.rows,
        )

    def of_conv(step: Conv) -> Descriptor:
        part = where.of_conv(step)
        return Descriptor(
            command=tuple(step.slots()),
            address=part.index,
            run=part.index_bytes,
            weight_bytes=part.weight_bytes,
            weights=part.weights,
        )

    def of_write(step: Write) -> Descriptor:
        unit = size.n * result_bytes
        height, width = layer.output
        lines = -(-layer.outputs // size.n) * height
        return Descriptor(
            command=tuple(step.slots()),
            address=turned(where.of_write(step), where.results, width * unit, lines),
            plane=pitch(height * width * unit),
            line=pitch(width * unit),
            run=step.width * unit,
            lines=step.rows,
        )

    def descriptors(group: Group) -> list[Descriptor]:
        pairs = [descriptor for step, by in group.parts for descriptor in (of_load(step), of_conv(by))]
        return [*pairs, of_write(group.write)]

    for run in repetitions(program):
        for first, last in zip(descriptors(run[0]), descriptors(run[-1]), strict=True):
            step = (last.address - first.address) // max(1, len(run) - 1) % (1 << 32)
            command = (first.command[0], len(run), *first.command[2:])
            content += replace(first, command=command, step=step).to_bytes()
    content += Descriptor().to_bytes()
    return replace(memory, content=bytes(content))
