"""A functional model of a grid: it executes a program on the bytes of DDR, memory tiles and cores.

Every byte of a memory tile knows which buffer it was written for, and each half of a core's buffers whether
it is full. Reading what was not written, or what another buffer has overwritten, filling a half that is still
needed, and waiting for a lock that never comes end in an error. Loads run ahead as far as locks and halves
allow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError

from .abstraction import Abstraction
from .cores import Cores
from .program import Begin, Buffer, Conv, Load, LoadFM, LoadW, LoadWM, Step, Weights, Write, WriteFM

Bytes = npt.NDArray[np.uint8]


class Machine:
    """A grid with its memories.

    Parameters
    ----------
    grid:
        Its sizes.
    ddr:
        What is in DDR at the beginning, which changes.
    written:
        Which of its bytes are there: weights and the network's inputs.

    Attributes
    ----------
    begins:
        Is told of each node as it begins, all before it done; it may change DDR.
    """

    def __init__(self, grid: Abstraction, ddr: Bytes, written: npt.NDArray[np.bool_]) -> None:
        self.grid, self.ddr, self.written = grid, ddr, written
        self.tiles = [Memory("memory tile", grid.activation_room) for _ in range(grid.columns)]
        self.weight_tiles = self.tiles
        if not grid.shared:
            self.weight_tiles = [Memory("memory tile", grid.weight_room) for _ in range(grid.columns)]
        self.buffers: dict[int, Buffer] = {}
        self.weights: dict[int, Weights] = {}
        self.node = ""
        self.cores = Cores(self)
        self.begins: Callable[[str], None] | None = None

    def run(self, steps: Sequence[Step]) -> None:
        """Execute steps. Raises CheckError that names the node where one of them is wrong."""
        for step in steps:
            self._step(step)
        self.cores.run()

    def _step(self, step: Step) -> None:
        if isinstance(step, LoadFM | Conv | WriteFM) or (isinstance(step, LoadWM) and self.grid.streams):
            self.cores.queue.append((self.node, step))
            return
        if isinstance(step, Buffer):
            self.buffers[step.number] = step
            return
        if isinstance(step, Weights):
            self.weights[step.number] = step
            return
        if isinstance(step, Begin):
            # No step: the cores go on, and only locks hold the next node's loads back.
            self.node = step.node
            if self.begins:
                self.cores.run()
                self.begins(step.node)
            return
        self.cores.run()
        if isinstance(step, Load):
            self._load(step)
        elif isinstance(step, Write):
            self._write(step)
        elif isinstance(step, LoadW):
            own = self.weights[step.weights]
            for row in range(self.grid.rows):
                source = slice(step.ddr + row * own.bytes, step.ddr + (row + 1) * own.bytes)
                memory, address = self._row(own, row)
                memory.put(address, self.ddr[source], -own.number)
        else:
            self.cores.fill(step)

    def row_weights(self, step: LoadWM) -> list[Bytes]:
        """Return the compressed weights that a step broadcasts along each row of cores."""
        own, found = self.weights[step.weights], []
        for row in range(self.grid.rows):
            memory, address = self._row(own, row)
            found.append(memory.get(address + step.offset, step.bytes, -own.number))
        return found

    def _row(self, own: Weights, row: int) -> tuple[Memory, int]:
        """Return in which memory, and where, a row's weights are."""
        return self.weight_tiles[row % self.grid.columns], own.memtile + row // self.grid.columns * own.bytes

    def _places(
        self, step: Load | Write, buffer: Buffer, x: int, width: int, channels: tuple[int, int]
    ) -> Any:
        """Return the addresses in DDR of pixels and channels of a buffer's rows."""
        rows = step.ddr + (buffer.y + np.arange(buffer.rows)) * step.line
        pixels = (x + np.arange(width)) * step.pixel
        return np.add.outer(np.add.outer(rows, pixels), channels[0] + np.arange(channels[1]))

    def _load(self, step: Load) -> None:
        buffer = self.buffers[step.buffer]
        for memory, x, width in zip(self.tiles, buffer.x, buffer.width, strict=True):
            places = self._places(step, buffer, x, width, (buffer.channel, buffer.channels))
            if not self.written[places].all():
                raise CheckError(f"LOAD reads {buffer.tensor} in DDR before it is written")
            memory.put(buffer.memtile, self.ddr[places].ravel(), buffer.number)

    def _write(self, step: Write) -> None:
        buffer = self.buffers[step.buffer]
        for column, (x, width) in enumerate(zip(step.x, step.width, strict=True)):
            if not width:
                continue
            content = self.strip(
                buffer, column, (buffer.y, buffer.rows), (x, width), (step.channel, step.channels), near=False
            )
            places = self._places(step, buffer, x, width, (step.channel, step.channels))
            self.ddr[places], self.written[places] = content, True

    def strip(
        self,
        buffer: Buffer,
        column: int,
        down: tuple[int, int],
        across: tuple[int, int],
        channels: tuple[int, int],
        *,
        near: bool = True,
    ) -> Bytes:
        """Return rows x pixels x bytes of a buffer, for a column: from its memory and those beside it."""
        x, width = across
        found = np.zeros((down[1], width, channels[1] * buffer.item), np.uint8)
        missing = np.ones(width, np.bool_)
        for other in (column, column - 1, column + 1) if near else (column,):
            if not 0 <= other < self.grid.columns:
                continue
            begin = max(x, buffer.x[other])
            end = min(x + width, buffer.x[other] + buffer.width[other])
            wanted = np.flatnonzero(missing[max(0, begin - x) : max(0, end - x)]) + max(0, begin - x)
            if len(wanted):
                places = _addresses(buffer, other, down, wanted + x, channels)
                found[:, wanted] = self.tiles[other].read(places, buffer.number, buffer.tensor)
                missing[wanted] = False
        if missing.any():
            raise CheckError(
                f"column {column} does not reach pixel {x + int(np.argmax(missing))} of {buffer.tensor}"
            )
        return found

    def put(
        self, buffer: Buffer, column: int, down: tuple[int, int], x: int, channel: int, content: Bytes
    ) -> None:
        """Write rows x pixels x bytes of channels into a buffer in a column's own memory."""
        width = content.shape[1]
        channels = (channel, content.shape[2] // buffer.item)
        places = _addresses(buffer, column, down, x + np.arange(width), channels)
        self.tiles[column].write(places, content, buffer.number)


class Memory:
    """Bytes, and for which buffer each was written; 0 is for none."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.bytes = np.zeros(size, np.uint8)
        self.owner = np.zeros(size, np.int32)

    def put(self, address: int, content: Bytes, owner: int) -> None:
        """Write bytes one after another."""
        self.write(address + np.arange(len(content)), content, owner)

    def get(self, address: int, size: int, owner: int) -> Bytes:
        """Read bytes one after another."""
        return self.read(address + np.arange(size), owner, "weights")

    def write(self, places: Any, content: Bytes, owner: int) -> None:
        """Write bytes for a buffer. Raises CheckError for an address that there is not."""
        if places.size and not 0 <= places.min() <= places.max() < len(self.bytes):
            raise CheckError(f"address {int(places.max()):#x} of a {self.name} of {len(self.bytes):#x} bytes")
        self.bytes[places], self.owner[places] = content, owner

    def read(self, places: Any, owner: int, what: str) -> Bytes:
        """Read bytes of a buffer. Raises CheckError where one was not written, or for another buffer."""
        found = self.owner[places]
        wrong = found != owner
        if wrong.any():
            first = tuple(np.argwhere(wrong)[0])
            state = "before it is written" if not found[first] else f"overwritten by buffer {found[first]}"
            raise CheckError(f"reads {what} at {int(places[first]):#x} of a {self.name}, {state}")
        return self.bytes[places]


def _addresses(
    buffer: Buffer, column: int, down: tuple[int, int], pixels: Any, channels: tuple[int, int]
) -> Any:
    """Return the addresses of rows x pixels x bytes of channels in a column's memory."""
    inside = (
        buffer.y <= down[0]
        and down[0] + down[1] <= buffer.y + buffer.rows
        and buffer.channel <= channels[0]
        and sum(channels) <= buffer.channel + buffer.channels
        and (len(pixels) == 0 or buffer.x[column] <= pixels.min())
        and (len(pixels) == 0 or pixels.max() < buffer.x[column] + buffer.width[column])
    )
    if not inside:
        raise CheckError(
            f"rows {down}, channels {channels} are not within buffer {buffer.number} of {buffer.tensor}"
        )
    pitch = buffer.channels * buffer.item
    rows = (np.arange(down[1]) + down[0] - buffer.y) * buffer.width[column] * pitch
    across = (pixels - buffer.x[column]) * pitch
    own = np.arange(channels[1] * buffer.item) + (channels[0] - buffer.channel) * buffer.item
    return buffer.memtile + np.add.outer(np.add.outer(rows, across), own)
