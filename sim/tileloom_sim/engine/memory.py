"""Memory for the engine as an AXI4 master: a program's descriptors and data, and where results will be.

What a host's driver does, with the layouts of ``docs/engine.md``, at the addresses of
``tileloom_golden.engine.memory_map``, or wherever else ``Places`` has them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.engine.memory_map import (
    ALIGNMENT,
    DESCRIPTOR_BYTES,
    MemoryMap,
    Weights,
    key_of,
    memory_map,
    repetitions,
)
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
class Lines:
    """Where the rows of activations or results are: y of a block at ``first + block * plane + y * line``.

    Blocks are of channels. In bytes; pitches may be negative, and addresses are meant modulo the number of
    those that there are.
    """

    first: int
    plane: int
    line: int


@dataclass(frozen=True)
class Places:
    """Where a layer lies in memory.

    Attributes
    ----------
    activations, results:
        Their rows. Of results the channel block is the column.
    parts:
        Index and weights of each CONV, by ``key_of``.
    descriptors:
        The first of them.
    address_bits:
        Addresses are modulo 2 to the power of it.
    """

    activations: Lines
    results: Lines
    parts: Mapping[tuple[int, ...], Weights]
    descriptors: int
    address_bits: int = 64


def close_together(where: MemoryMap) -> Places:
    """Return the places of a memory map: one thing behind the other."""
    height, width = where.program.layer.output
    line = width * where.program.size.n * where.result_bytes
    return Places(
        Lines(where.activations, where.plane, where.line),
        Lines(where.results, height * line, line),
        where.parts,
        where.descriptors,
    )


@dataclass(frozen=True)
class MemoryImage:
    """What is in memory before a program runs.

    Attributes
    ----------
    program:
        The program.
    regions:
        What there is of memory: first address and bytes of each part, ascending, multiples of 64.
    content:
        All bytes of the regions, those of results included, which are noise.
    places:
        Where things lie.
    result_bytes:
        Bytes of an element of C.
    """

    program: Program
    regions: tuple[tuple[int, int], ...]
    content: bytes
    places: Places
    result_bytes: int

    @property
    def base(self) -> int:
        """The lowest address."""
        return self.regions[0][0]

    @property
    def start(self) -> int:
        """Address of the first descriptor."""
        return self.places.descriptors

    @property
    def results(self) -> int:
        """Address of the first row of the first column of results."""
        return self.places.results.first % (1 << self.places.address_bits)

    @property
    def results_size(self) -> int:
        """Bytes of the results."""
        return sum(size for _, size in self.result_runs)

    @cached_property
    def activation_runs(self) -> list[tuple[int, int]]:
        """First address and bytes of each row of A, by channel block; one run if they follow one another."""
        layer, size = self.program.layer, self.program.size
        row = layer.width * size.k * size.element_bits // 8
        return _runs(self.places, self.places.activations, -(-layer.channels // size.k), layer.height, row)

    @cached_property
    def result_runs(self) -> list[tuple[int, int]]:
        """First address and bytes of each row of C, by column; one run if they follow one another."""
        layer, n = self.program.layer, self.program.size.n
        height, width = layer.output
        row = width * n * self.result_bytes
        return _runs(self.places, self.places.results, -(-layer.outputs // n), height, row)

    @cached_property
    def _offsets(self) -> tuple[list[int], list[int]]:
        """The regions' first addresses, and where they begin in the content."""
        sizes = np.cumsum([0, *(size for _, size in self.regions)])
        return [address for address, _ in self.regions], sizes.tolist()

    def part(self, address: int, size: int) -> slice:
        """Return where in the content so many bytes of a region are."""
        firsts, offsets = self._offsets
        region = bisect_right(firsts, address) - 1
        begin = offsets[region] + address - firsts[region]
        return slice(begin, begin + size)

    @property
    def descriptors(self) -> list[Descriptor]:
        """The program's descriptors, with the one that ends it."""
        place = self.part(self.start, DESCRIPTOR_BYTES).start
        found = [Descriptor.from_bytes(self.content[place:])]
        while found[-1].opcode:
            found.append(Descriptor.from_bytes(self.content[place + DESCRIPTOR_BYTES * len(found) :]))
        return found

    def says_what_to_do(self, address: int, beat: int) -> bool:
        """Return whether a beat of so many bytes that has ``address`` is of descriptors, or of the index."""
        place = address // beat * beat
        descriptors = self.descriptors
        if -beat < place - self.start < DESCRIPTOR_BYTES * len(descriptors):
            return True
        return any(
            -beat < place - (descriptor.address + repeat * descriptor.step) < descriptor.run
            for descriptor in descriptors
            if descriptor.opcode == CONV
            for repeat in range(descriptor.command[1])
        )

    def without_results(self, content: bytes) -> bytes:
        """Return a memory's bytes with zeros for the results."""
        left = bytearray(content)
        for run in self.result_runs:
            left[self.part(*run)] = bytes(run[1])
        return bytes(left)

    def outputs(self, content: bytes | bytearray) -> npt.NDArray[Any]:
        """Return the results, H_out x W_out x N, from the bytes of the memory after the program."""
        layer, n = self.program.layer, self.program.size.n
        kind = {1: np.int8, 2: np.int16, 4: np.int32}[self.result_bytes]
        rows = b"".join(content[self.part(*run)] for run in self.result_runs)
        columns = np.frombuffer(rows, kind).reshape(-1, *layer.output, n)
        return columns.transpose(1, 2, 0, 3).reshape(*layer.output, -1)[..., : layer.outputs]


def _runs(places: Places, lines: Lines, blocks: int, rows: int, size: int) -> list[tuple[int, int]]:
    if lines.line == size and lines.plane == rows * size:
        return [(lines.first, blocks * rows * size)]
    number = 1 << places.address_bits
    return [
        ((lines.first + block * lines.plane + row * lines.line) % number, size)
        for block in range(blocks)
        for row in range(rows)
    ]


def memory_image(
    program: Program,
    activations: npt.NDArray[Any],
    weights: BlockSparse,
    headers: npt.NDArray[np.uint64],
    *,
    result_bytes: int,
    base: int = 0,
    places: Places | None = None,
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
        Where all of it goes, a multiple of 64, without ``places``.
    places:
        Where everything goes.
    entries:
        The index of a strip where it is not that of the weights.

    Raises
    ------
    UserError
        ``base`` is not a multiple of 64, or something does not fit a descriptor.
    ValueError
        Two things have the same place, or one is not within the addresses that there are.
    """
    if base % ALIGNMENT:
        raise UserError(f"base: must be a multiple of {ALIGNMENT}, not {base}")
    layer, size = program.layer, program.size
    if places is None:
        places = close_together(memory_map(program, weights.mask, result_bytes=result_bytes, base=base))
    memory = MemoryImage(program, (), b"", places, result_bytes)
    pieces: list[tuple[int, bytes]] = []

    image = np.asarray(activations).reshape(layer.height, layer.width, layer.channels)
    if image.dtype.kind == "u":
        image = image.astype(f"<u{size.element_bits // 8}")
    rows = to_blocks(image, size.k).tobytes()
    begins = np.cumsum([0, *(count for _, count in memory.activation_runs)])
    for begin, (address, count) in zip(begins.tolist(), memory.activation_runs, strict=False):
        pieces.append((address, rows[begin : begin + count]))
    pieces += [(address, b"\xa5" * count) for address, count in memory.result_runs]
    placed = set()
    for group in program.groups:
        for load, conv in group.parts:
            if key_of(conv) not in placed:
                placed.add(key_of(conv))
                part = places.parts[key_of(conv)]
                alone = replace(program, groups=(replace(group, parts=((load, conv),)),))
                index = index_entries(alone, weights) if entries is None else entries
                pieces.append((part.index, index.astype("<u2").tobytes()))
                pieces.append((part.weights, weight_beats(alone, weights, headers).tobytes()))
    pieces.append((places.descriptors, _descriptors(program, places, result_bytes)))
    regions, content = _joined(pieces, places.address_bits)
    return replace(memory, regions=regions, content=content)


def _joined(
    pieces: Iterable[tuple[int, bytes]], address_bits: int
) -> tuple[tuple[tuple[int, int], ...], bytes]:
    """Return the regions that pieces of memory are in, filled up with zeros, and their content."""
    found: list[tuple[int, bytearray]] = []
    for address, data in sorted(piece for piece in pieces if piece[1]):
        first, content = found[-1] if found else (-ALIGNMENT, bytearray())
        gap = address - first - len(content)
        if gap < 0 or address + len(data) > 1 << address_bits:
            raise ValueError(f"{address:#x}: {len(data)} bytes have no room there")
        if not found or address // ALIGNMENT > (first + len(content) - 1) // ALIGNMENT + 1:
            content += bytes(-len(content) % ALIGNMENT)
            found.append((address // ALIGNMENT * ALIGNMENT, bytearray(address % ALIGNMENT) + data))
        else:
            content += bytes(gap) + data
    found[-1][1].extend(bytes(-len(found[-1][1]) % ALIGNMENT))
    regions = tuple((first, len(content)) for first, content in found)
    return regions, b"".join(content for _, content in found)


def _descriptors(program: Program, places: Places, result_bytes: int) -> bytes:
    """Return a program's descriptors, one behind the other."""
    size, addresses = program.size, 1 << places.address_bits

    def pitch(count: int) -> int:
        # With more bits of address one that goes back has no descriptor, which raises UserError.
        return count % (1 << 32) if places.address_bits <= 32 else count

    def rows(lines: Lines, block: int, y: int, x: int, unit: int, width: int, count: int) -> dict[str, int]:
        return {
            "address": lines.first + block * lines.plane + y * lines.line + x * unit,
            "plane": pitch(lines.plane),
            "line": pitch(lines.line),
            "run": width * unit,
            "lines": count,
        }

    def fields_of(step: Load | Conv | Write) -> dict[str, int]:
        if isinstance(step, Load):
            unit = size.k * size.element_bits // 8
            return rows(places.activations, step.block, step.y, step.x, unit, step.width, step.rows)
        if isinstance(step, Write):
            unit = size.n * result_bytes
            return rows(places.results, step.column, step.y, step.x, unit, step.width, step.rows)
        part = places.parts[key_of(step)]
        return {
            "address": part.index,
            "run": part.index_bytes,
            "weight_bytes": part.weight_bytes,
            "weights": part.weights,
        }

    def steps(group: Group) -> list[Load | Conv | Write]:
        return [*(step for part in group.parts for step in part), group.write]

    content = b""
    for run in repetitions(program):
        for first, last in zip(steps(run[0]), steps(run[-1]), strict=True):
            slots = first.slots()
            found, address = fields_of(first), fields_of(last)["address"]
            found["step"] = pitch((address - found["address"]) // max(1, len(run) - 1))
            found["address"] %= addresses
            command = (slots[0], len(run), *slots[2:])
            content += Descriptor(command=command, **found).to_bytes()
    return content + Descriptor().to_bytes()
