"""Y = X W on an engine on a board: cut into parts that its memory holds, each a program of its own.

A part has all of K, some rows of X and some columns of W. What is in the memory already is not written again:
two parts that follow each other share much of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.driver.block import difference
from tileloom.driver.bus import Bus
from tileloom.driver.engine import EngineDriver
from tileloom.driver.serial import ResetError
from tileloom.engine.board import REGIONS
from tileloom.engine.config import Core, EngineConfig
from tileloom.errors import CheckError, UserError
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import Layer
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.rounding import to_float64

from ..board.port import RESTARTS, OpenBoard, line_figures, line_rows
from ..layout import named
from ..systolic import reference
from ..systolic.operands import require_float32
from .job import Job, make_job
from .layers import engine_size
from .memory import MemoryImage
from .run import require_whole_bytes, words_of

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


def multiply(
    opened: OpenBoard,
    config: EngineConfig,
    *,
    weights: Any,
    activations: Any,
    layout: str | None = None,
    prune: float | None = None,
) -> Result:
    """Return Y = X W of the user's matrices as ``simulate`` does; results that are INT8 are scaled alike.

    Raises CheckError where a result differs from the golden model's, FaultError where a program ends with a
    fault, LinkError where the board stops answering.
    """
    require_whole_bytes(config)
    systolic = config.core is Core.SYSTOLIC
    if systolic:
        require_float32(config.systolic)
    x, w = (
        named(given, name, floats=systolic)
        for given, name in ((activations, "activations"), (weights, "weights"))
    )
    if w[1].ndim != 2:
        raise UserError(f"{w[0]}: has shape {w[1].shape}; a board multiplies matrices")
    with step("Computing the golden model"):
        job = make_job(config, x, w, layout, prune=prune)
    began = time.perf_counter()
    with step("Multiplying on the board") as shown:
        product = run(opened, config, job, lambda done, of: shown.show(completed=done, total=of))
    seconds = time.perf_counter() - began
    expected = job.expected.reshape(job.shape)
    wrong = product.results != expected
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise CheckError(
            f"Y[{row}, {column}] is {product.results[row, column]}, the golden model has "
            f"{expected[row, column]}; {int(wrong.sum())} of {wrong.size} differ"
        )
    values = product.results
    if systolic:
        assert job.operands is not None
        words = to_float64(values, reference.float_format(config.accumulator))
        values = words.astype(np.float32) * job.operands.scale
    figures = _figures(opened, job, product, seconds)
    return Result(figures, [Sheet(opened.board.board, (), _rows(figures))], values=values)


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
    whole = bytearray(len(part.image.content))
    whole[part.image.part(part.image.results, part.image.results_size)] = content
    results = words_of(part, part.image, whole).reshape(-1, n)[:m]
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


def _figures(opened: OpenBoard, job: Job, product: Product, seconds: float) -> dict[str, Any]:
    m, n = job.shape
    k = job.weights.shape[0]
    figures: dict[str, Any] = {
        "board": opened.board.board,
        "clock_hz": opened.board.clock_hz,
        "m": m,
        "k": k,
        "n": n,
        "programs": product.programs,
        "bytes_written": product.written,
        "busy_cycles": product.busy_cycles,
        "stalls_in": product.stalls_in,
        "stalls_out": product.stalls_out,
        "blocks_skipped": product.blocks_skipped,
        "busy_seconds": product.busy_cycles / opened.board.clock_hz,
        "seconds": seconds,
        "multiply_accumulates_per_second": m * k * n / seconds if seconds else 0.0,
        "resets": product.resets,
        **line_figures(opened),
    }
    if job.chosen and job.parameters is not None:
        figures["scale"] = job.parameters.scale.tolist()
        figures["shift"] = job.parameters.shift.tolist()
    return figures


def _rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    rate = figures["multiply_accumulates_per_second"]
    rows = [
        ("Y = X W", f"{figures['m']} x {figures['k']} x {figures['n']}"),
        ("equal to the golden model", "every result"),
        ("programs", f"{figures['programs']:,}"),
        (
            "engine busy, by its counter",
            f"{figures['busy_cycles']:,} cycles, {figures['busy_seconds']:.4f} s",
        ),
        ("of these stalls in, out", f"{figures['stalls_in']:,}, {figures['stalls_out']:,} cycles"),
        ("blocks skipped, by its counter", f"{figures['blocks_skipped']:,}"),
        ("in all", f"{figures['seconds']:.2f} s, {rate:,.0f} multiply-accumulates/s"),
        *line_rows(figures),
    ]
    if "scale" in figures:
        rows.append(("scale, shift", f"{figures['scale'][0]}, {figures['shift'][0]}"))
    return rows
