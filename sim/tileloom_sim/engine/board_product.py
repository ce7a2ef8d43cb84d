"""A product on an engine on a board: cut into parts that its memory holds, each a program of its own.

A part has all of K, some rows of X and some columns of W. What is in the memory already is not written again:
two parts that follow each other share much of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.driver.block import difference
from tileloom.driver.bus import Bus
from tileloom.driver.engine import EngineDriver
from tileloom.driver.serial import ResetError
from tileloom.engine.board import REGIONS
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import Layer
from tileloom_golden.engine.sparse import from_convolution

from ..board.port import RESTARTS, OpenBoard
from .job import Job
from .layers import engine_size
from .memory import MemoryImage
from .run import words_of

PIECE = 256
"""Bytes that are written or left alone together: what a frame holds."""


class BoardMemory:
    """The memory of the engine's master, at its addresses, over the board's bus."""

    def __init__(self, bus: Bus, size: int) -> None:
        self._bus = bus
        self.size = size
        self._base = REGIONS["memory"] << 28
        self._known: dict[int, bytes] = {}

    def read(self, address: int, size: int, /) -> bytes:
        """Return bytes, whole words."""
        return self._bus.read(self._base + address, size)

    def write(self, address: int, content: bytes, /) -> None:
        """Write bytes, whole words."""
        self._bus.write(self._base + address, content)

    def forget(self) -> None:
        """Take nothing for known: a write may have been cut short."""
        self._known.clear()

    def put(self, image: MemoryImage) -> int:
        """Write what of an image is not there yet, its results left out; return the bytes written."""
        written = 0
        begin, end = image.results, image.results + image.results_size
        content = image.content + bytes(-len(image.content) % PIECE)
        for place in range(0, len(content), PIECE):
            piece, behind = content[place : place + PIECE], place + PIECE
            if begin <= place and behind <= end:
                self._known.pop(place, None)
                continue
            if self._known.get(place) != piece:
                self.write(place, piece)
                written += PIECE
            self._known[place] = piece
            if place < end and begin < behind:  # the engine will write to it
                del self._known[place]
        return written


@dataclass
class Product:
    """A product: results (M x N), programs run, bytes written, cycles of the engine, resets of the board."""

    results: npt.NDArray[Any]
    programs: int = 0
    written: int = 0
    busy_cycles: int = 0
    stalls_in: int = 0
    stalls_out: int = 0
    blocks_skipped: int = 0
    resets: int = 0


def run(opened: OpenBoard, config: EngineConfig, job: Job, progress: Callable[[int, int], None]) -> Product:
    """Return the product of a job on a board; ``progress`` is called with results done, and all."""
    m, n = job.shape
    kind: Any = job.expected.dtype
    product = Product(np.zeros((m, n), kind))
    memory = BoardMemory(opened.bus, opened.board.sizes["memory_bytes"])
    engine = EngineDriver(opened.bus, config, REGIONS["registers"] << 28, memory=memory)
    engine.open()
    done = 0
    for top, right, part in parts(job, memory.size):
        for attempt in range(RESTARTS + 1):
            try:
                _run_part(engine, memory, part, product, top, right)
                break
            except ResetError:
                if attempt == RESTARTS:
                    raise
                product.resets += 1
                memory.forget()
                opened.bus.open()
                engine.open()
        done += part.shape[0] * part.shape[1]
        progress(done, m * n)
    return product


def _run_part(
    engine: EngineDriver, memory: BoardMemory, part: Job, product: Product, top: int, right: int
) -> None:
    product.written += memory.put(part.image)
    before = engine.counters()
    content = engine.run(part.image)
    spent = difference(before, engine.counters())
    product.programs += 1
    for name in ("busy_cycles", "stalls_in", "stalls_out", "blocks_skipped"):
        setattr(product, name, getattr(product, name) + spent[name])
    m, n = part.shape
    results = words_of(part, part.image, content).reshape(-1, n)[:m]
    product.results[top : top + m, right : right + n] = results


def parts(job: Job, room: int, top: int = 0, right: int = 0) -> Iterator[tuple[int, int, Job]]:
    """Yield a job's parts, each with an image of ``room`` bytes at most, and where in Y they begin.

    Raises UserError where not even one row by one column of blocks fits.
    """
    (m, n), block = job.shape, job.config.n
    size = len(job.image.content)
    if size <= room:
        yield top, right, job
    elif m == 1 and n <= block:
        raise UserError(f"K: a row by {n} columns takes {size:,} bytes, and the board has {room:,}")
    elif n <= block or 1 < m >= n:
        half = -(-m // 2)
        yield from parts(part_of(job, slice(0, half), slice(0, n)), room, top, right)
        yield from parts(part_of(job, slice(half, m), slice(0, n)), room, top + half, right)
    else:
        half = -(-n // (2 * block)) * block
        yield from parts(part_of(job, slice(0, m), slice(0, half)), room, top, right)
        yield from parts(part_of(job, slice(0, m), slice(half, n)), room, top, right + half)


def part_of(job: Job, rows: slice, columns: slice) -> Job:
    """Return the job of some rows of X and some columns of W, whole blocks of them."""
    config, block = job.config, job.config.n
    words = job.activations.reshape(1, job.shape[0], -1)
    x = words[:, rows, : job.weights.shape[0]]
    dense = job.weights.to_convolution()[columns]
    blocks = slice(columns.start // block, -(-columns.stop // block))
    kept = from_convolution(dense, job.weights.block, job.weights.mask[:, blocks])
    layer = Layer(height=1, width=x.shape[1], channels=x.shape[2], outputs=len(dense), kernel=(1, 1))
    program = compile_layer(layer, engine_size(config), relu=False)
    return replace(
        job,
        program=program,
        activations=x.reshape(program.layer.height, program.layer.width, -1),
        weights=kept,
        headers=job.headers[columns],
        expected=job.expected.reshape(job.shape)[rows, columns],
        shape=(x.shape[1], len(dense)),
        operands=None,
    )
