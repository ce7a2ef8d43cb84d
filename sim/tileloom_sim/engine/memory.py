"""Memory for the engine as an AXI4 master: a program's descriptors and data, and where results will be.

What a host's driver does, with the layouts of ``docs/engine.md``, at the addresses of
``tileloom_golden.engine.memory_map``, or wherever else ``Places`` has them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.engine.grid import GridProgram
from tileloom_golden.engine.memory_map import ALIGNMENT, key_of, memory_map
from tileloom_golden.engine.program import DESCRIPTOR_BYTES, Program
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import index_entries, to_blocks, weight_beats

from .descriptor import CONV, Descriptor
from .descriptors import descriptors
from .places import Places, close_together


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

    program: Program | GridProgram
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
        return self.places.runs(self.places.activations, -(-layer.channels // size.k), layer.height, row)

    @cached_property
    def result_runs(self) -> list[tuple[int, int]]:
        """First address and bytes of each row of C, by column; one run if they follow one another."""
        layer, n = self.program.layer, self.program.size.n
        height, width = layer.output
        row = width * n * self.result_bytes
        return self.places.runs(self.places.results, -(-layer.outputs // n), height, row)

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

    @cached_property
    def descriptors(self) -> list[Descriptor]:
        """The program's descriptors, with the one that ends it."""
        place = self.part(self.start, DESCRIPTOR_BYTES).start
        found = [Descriptor.from_bytes(self.content[place:])]
        while not found[-1].ends:
            found.append(Descriptor.from_bytes(self.content[place + DESCRIPTOR_BYTES * len(found) :]))
        return found

    def says_what_to_do(self, address: int, beat: int) -> bool:
        """Return whether a beat of so many bytes that has ``address`` is of descriptors, or of the index."""
        place = address // beat * beat
        if -beat < place - self.start < DESCRIPTOR_BYTES * len(self.descriptors):
            return True
        return any(
            -beat < place - (descriptor.address + repeat * descriptor.step) < descriptor.run
            for descriptor in self.descriptors
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
        if isinstance(self.program, GridProgram):
            columns = self.program.columns(columns)
        return columns.transpose(1, 2, 0, 3).reshape(*layer.output, -1)[..., : layer.outputs]


def memory_image(
    program: Program | GridProgram,
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
    if isinstance(program, GridProgram):
        weights, headers = program.weights(weights), program.headers(headers)
    if places is None:
        places = close_together(memory_map(program, weights.mask, result_bytes=result_bytes, base=base))
    memory = MemoryImage(program, (), b"", places, result_bytes)
    pieces: list[tuple[int, bytes]] = []

    image = np.asarray(activations).reshape(layer.height, layer.width, layer.channels)
    if image.dtype.kind == "u":
        image = image.astype(f"<u{size.element_bits // 8}")
    rows = to_blocks(image, size.k).tobytes()
    begin = 0
    for address, count in memory.activation_runs:
        pieces.append((address, rows[begin : begin + count]))
        begin += count
    pieces += [(address, b"\xa5" * count) for address, count in memory.result_runs]
    placed = set()
    # Of a grid what the engines of a row share.
    programs = [program] if isinstance(program, Program) else [row[0] for row in program.engines]
    for own, group in [(one, group) for one in programs for group in one.groups]:
        for load, conv in group.parts:
            if key_of(conv) not in placed:
                placed.add(key_of(conv))
                part = places.parts[key_of(conv)]
                alone = replace(own, groups=(replace(group, parts=((load, conv),)),))
                index = index_entries(alone, weights) if entries is None else entries
                pieces.append((part.index, index.astype("<u2").tobytes()))
                pieces.append((part.weights, weight_beats(alone, weights, headers).tobytes()))
    pieces.append((places.descriptors, descriptors(program, places, result_bytes)))
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
