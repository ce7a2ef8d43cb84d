"""A model of the block-sparse engine that executes commands: buffers, addresses and locks, no cycles.

It reads commands and streams as docs/engine.md defines them, and so shows that a program is right without the
RTL: a wrong pitch, lock or order gives wrong results, a program that waits for ever or a stream that is left
over an error.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..integers import wrap_int32
from ..requantise import Requantisation, requantise
from .program import ACCUMULATE, CONV, FINISH, LOAD, RELEASE, RELU, WRITE, EngineSize
from .streams import EMPTY, LAST


class EngineModel:
    """One engine with the INT8 core, its streams given whole.

    Parameters
    ----------
    size:
        Of the engine.
    commands:
        Twelve slots each.
    activations:
        Transfers x k.
    index:
        Entries.
    weights:
        Beats x bytes.
    """

    def __init__(
        self,
        size: EngineSize,
        commands: list[list[int]],
        activations: npt.NDArray[np.int8],
        index: npt.NDArray[np.uint16],
        weights: npt.NDArray[np.uint8],
    ) -> None:
        self.size = size
        self.queues: dict[int, list[list[int]]] = {LOAD: [], CONV: [], WRITE: []}
        for slots in commands:
            self.queues[slots[0] & 3] += [slots] * slots[1]
        self.activations, self.index = deque(activations), deque(index.tolist())
        self.weights = deque(weights)
        self.halves = np.zeros((2, size.m, size.a_words, size.k), np.int8)
        self.full: deque[int] = deque()
        self.free = deque([0, 1])
        self.done: deque[tuple[npt.NDArray[np.int64], Requantisation]] = deque()
        self.results: list[npt.NDArray[np.int8]] = []

    def run(self) -> npt.NDArray[np.int8]:
        """Return the `results` stream, transfers x drain_rows x n.

        Raises
        ------
        ValueError
            Every unit waits, a stream ends too early or is not used up.
        """
        units = [self._load(), self._convolve(), self._write()]
        while units:
            before = self._state()
            units = [unit for unit in units if next(unit, None) is not None]
            if units and self._state() == before:
                raise ValueError("every unit waits: the commands' locks do not fit together")
        for name in ("activations", "index", "weights"):
            if getattr(self, name):
                raise ValueError(f"{len(getattr(self, name))} transfers of {name} are left")
        return np.concatenate(self.results)

    def _state(self) -> tuple[int, ...]:
        return (len(self.activations), len(self.index), len(self.full), len(self.done), len(self.results))

    def _take(self, name: str) -> Any:
        stream = getattr(self, name)
        if not stream:
            raise ValueError(f"{name} ends too early")
        return stream.popleft()

    def _load(self) -> Iterator[bool]:
        m = self.size.m
        for slots in self.queues[LOAD]:
            while not self.free:
                yield True
            half = self.free.popleft()
            # What is left of the strip before must not help.
            self.halves[half] = 85
            stride, blocks, (rows, width) = slots[0] >> 4 & 15, slots[2], slots[3:5]
            top, bottom, left, right = (slots[5] >> shift & 15 for shift in (0, 4, 8, 12))
            for block in range(blocks):
                for y, x in np.ndindex(top + rows + bottom, left + width + right):
                    place, phase = divmod(x, stride)
                    address = y * slots[7] + phase * slots[6] + place // m * blocks + block
                    inside = top <= y < top + rows and left <= x < left + width
                    self.halves[half, place % m, address] = self._take("activations") if inside else 0
            self.full.append(half)
            yield True

    def _convolve(self) -> Iterator[bool]:
        size = self.size
        accumulators = np.zeros(0, np.int64)
        for slots in self.queues[CONV]:
            while not self.full:
                yield True
            for _ in range(slots[9]):
                while len(self.done) == 2:
                    yield True
                if not slots[0] & ACCUMULATE:
                    accumulators = np.zeros((slots[3] * slots[4], size.m, size.n), np.int64)
                parameters = self._header()
                last = False
                while not last:
                    entry = self._take("index")
                    last = bool(entry & LAST)
                    if not entry & EMPTY:
                        self._block(slots, entry & EMPTY - 1, accumulators)
                if slots[0] & FINISH:
                    self.done.append((wrap_int32(accumulators).astype(np.int64), parameters))
            if slots[0] & RELEASE:
                self.free.append(self.full.popleft())
            yield True

    def _block(self, slots: list[int], row: int, accumulators: npt.NDArray[np.int64]) -> None:
        """Pass the strip's tiles by all taps of one block."""
        size = self.size
        stride, height, width = slots[0] >> 4 & 15, slots[5] & 255, slots[5] >> 8
        bank = np.arange(size.m)
        half = self.halves[self.full[0]]
        for dy, dx in np.ndindex(height, width):
            beats = b"".join(self._take("weights").tobytes() for _ in range(size.block_beats))
            block = np.frombuffer(beats, np.int8)[: size.k * size.n].reshape(size.k, size.n).astype(np.int64)
            place, phase = divmod(dx, stride)
            rotation = place % size.m
            offset = row + dy * slots[7] + phase * slots[6] + place // size.m * slots[2]
            for tile, (y, x) in enumerate(np.ndindex(slots[3], slots[4])):
                address = offset + y * slots[8] + x * slots[2] + np.where(bank < rotation, slots[2], 0)
                words = half[bank, address % size.a_words]
                accumulators[tile] += np.roll(words, -rotation, axis=0).astype(np.int64) @ block

    def _header(self) -> Requantisation:
        beats = b"".join(self._take("weights").tobytes() for _ in range(self.size.header_beats))
        words = np.frombuffer(beats, "<u8")[: self.size.n].astype(np.uint64)
        bias = wrap_int32(words.astype(np.int64)).astype(np.int64)
        zero_point = (words >> 54 & 0xFF).astype(np.uint8).view(np.int8).astype(np.int64)
        scale, shift = (words >> 32 & 0xFFFF).astype(int), (words >> 48 & 63).astype(int)
        return Requantisation(bias, scale, shift, zero_point)

    def _write(self) -> Iterator[bool]:
        size = self.size
        for slots in self.queues[WRITE]:
            rows, width = slots[3], slots[4]
            for _ in range(slots[9]):
                while not self.done:
                    yield True
                tiles, parameters = self.done.popleft()
                pixels = tiles.reshape(rows, -1, size.n)[:, :width]
                q = requantise(pixels, parameters, relu=bool(slots[0] & RELU))
                filled = np.pad(q, ((0, 0), (0, -width % size.drain_rows), (0, 0)))
                self.results.append(filled.reshape(-1, size.drain_rows, size.n))
            yield True
