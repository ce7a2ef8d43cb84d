"""Memory for the engine as an AXI4 master: a program's descriptors and data, and where results will be.

What a host's driver does, with the layouts of ``docs/engine.md``: activations and results lie as
``[channel block][y][x][channel in block]``, index and weights of a CONV one after the other, each from a
whole beat on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom_golden.engine.program import Conv, Group, Load, Program, Write
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import index_entries, to_blocks, weight_beats

ALIGNMENT = 64
"""Of descriptors, and of everything else here."""

Slots = list[int]


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
    """
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

    def load_fields(load: Load) -> tuple[int, ...]:
        unit = size.k * size.element_bits // 8
        offset = ((load.block * layer.height + load.y) * layer.width + load.x) * unit
        plane, line = layer.height * layer.width * unit, layer.width * unit
        return a_address + offset, plane, line, load.width * unit, load.rows, 0, 0

    def conv_fields(conv: Conv) -> tuple[int, ...]:
        index, index_bytes, beats, beat_bytes = parts[conv.block, conv.blocks, conv.column, conv.columns]
        return index, 0, 0, index_bytes, 0, beat_bytes, beats

    def write_fields(write: Write) -> tuple[int, ...]:
        unit = size.n * result_bytes
        height, width = layer.output
        offset = ((write.column * height + write.y) * width + write.x) * unit
        return results + offset, height * width * unit, width * unit, write.width * unit, write.rows, 0, 0

    descriptors = b""
    for run in _runs(program):
        steps = [step for pair in run[0].parts for step in pair] + [run[0].write]
        following = [step for pair in run[-1].parts for step in pair] + [run[-1].write]
        for step, last in zip(steps, following, strict=True):
            fields = [
                load_fields(one)
                if isinstance(one, Load)
                else conv_fields(one)
                if isinstance(one, Conv)
                else write_fields(one)
                for one in (step, last)
            ]
            slots = step.slots()
            slots[1] = len(run)
            between = (fields[1][0] - fields[0][0]) // max(1, len(run) - 1)
            descriptors += _descriptor(slots, between, fields[0])
    start = place(descriptors + bytes(ALIGNMENT))
    return replace(memory, content=bytes(content), start=start, results=results)


def _descriptor(slots: Slots, step: int, fields: tuple[int, ...]) -> bytes:
    address, plane, line, run, lines, weight_bytes, weights = fields
    values = (*slots, address, step & 0xFFFFFFFF, plane, line, run, lines, 0, weight_bytes, weights)
    return struct.pack("<12HQ4I2HIQ", *values)


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
    if len(first.parts) > 1 or group.shape != first.shape:
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
