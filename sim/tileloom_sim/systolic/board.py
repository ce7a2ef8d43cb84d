"""Y = X W on an array on a board: cut into tiles, put into its memories, run, and read back.

Tiles are played in runs: lists of them, as long as the memories hold what they need. Activations stay where
they are as long as there is room, so that each goes over the line once if all of a block of vectors fit. On a
stream port sums stay on the board until they are done; on the word port the host adds the tiles' results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tileloom.board.description import Board
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.driver.block import Block, difference
from tileloom.driver.serial import ResetError, SerialBus
from tileloom.errors import CheckError
from tileloom.registers.table import table
from tileloom.systolic.board import REGIONS, player_table, windows
from tileloom.systolic.config import Port, SystolicConfig
from tileloom.systolic.design import timing
from tileloom.systolic.registers import register_map
from tileloom_golden.checks import Words
from tileloom_golden.formats import Rounding
from tileloom_golden.rounding import add
from tileloom_golden.systolic.tiles import nonzero_tiles, split_tiles

from ..board.port import RESTARTS, OpenBoard, line_figures, line_rows
from ..layout import MATRIX, named, oriented
from . import beats, reference
from .operands import Operands, prepare, require_float32, values_of
from .simulate import compare

PATIENCE = 4
"""How many times the cycles that a run should take it is waited for, ..."""

LINE_CYCLES = 10_000_000
"""... beside what the line may take: a tenth of a second at 100 MHz."""


COUNTERS = ("cycles", "busy_cycles", "stalls", "tiles_done")
"""The board's own: clock cycles, those with tiles under way, of these stalls of activations; tiles."""


@dataclass
class Product:
    """A product: its words (M x N), tiles in all and those computed, counters, runs, resets of the board.

    The counters are of all runs, those before a reset included.
    """

    words: Words
    tiles: int
    computed: int
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    runs: int = 0
    resets: int = 0


def multiply(
    opened: OpenBoard,
    config: SystolicConfig,
    *,
    weights: Any,
    activations: Any,
    layout: str | None = None,
    prune: float | None = None,
) -> Result:
    """Return Y = X W of the user's matrices, an array or the path of an .npy file each, as ``simulate`` does.

    Raises CheckError where a word differs from the golden model's, LinkError where the board stops answering.
    """
    require_float32(config)
    x, w = named(activations, "activations"), named(weights, "weights")
    operands = prepare(config, x, oriented(w, layout, MATRIX), prune=prune)
    array = ArrayOnBoard(opened.bus, opened.board, config)
    began = time.perf_counter()
    with step("Multiplying on the board") as shown:
        product = array.multiply(
            operands.x, operands.w, lambda done, of: shown.show(completed=done, total=of)
        )
    seconds = time.perf_counter() - began
    with step("Comparing with the golden model"):
        compare(config, product.words, operands)
    figures = _figures(opened, operands, config, product, seconds)
    y = values_of(config, product.words, operands, raw=False)
    return Result(figures, [Sheet(opened.board.board, (), _rows(figures))], values=y)


def _figures(
    opened: OpenBoard, operands: Operands, config: SystolicConfig, product: Product, seconds: float
) -> dict[str, Any]:
    (m, k), n = operands.x.shape, operands.w.shape[1]
    counters = product.counters
    return {
        "board": opened.board.board,
        "clock_hz": opened.board.clock_hz,
        "m": m,
        "k": k,
        "n": n,
        "tiles": product.tiles,
        "tiles_skipped": product.tiles - product.computed,
        "tiles_done": counters["tiles_done"],
        "runs": product.runs,
        "busy_cycles": counters["busy_cycles"],
        "stall_cycles": counters["stalls"],
        "array_seconds": counters["busy_cycles"] / opened.board.clock_hz,
        "seconds": seconds,
        "multiply_accumulates_per_second": m * k * n / seconds if seconds else 0.0,
        "resets": product.resets,
        **line_figures(opened),
    }


def _rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    rate = figures["multiply_accumulates_per_second"]
    return [
        ("Y = X W", f"{figures['m']} x {figures['k']} x {figures['n']}"),
        ("equal to the golden model", "every word"),
        ("tiles skipped", f"{figures['tiles_skipped']} of {figures['tiles']}"),
        (
            "array busy, by its counter",
            f"{figures['busy_cycles']:,} cycles, {figures['array_seconds']:.4f} s",
        ),
        ("of these stalls", f"{figures['stall_cycles']:,} cycles"),
        ("tiles done, by its counter", f"{figures['tiles_done']:,} in {figures['runs']:,} runs"),
        ("in all", f"{figures['seconds']:.2f} s, {rate:,.0f} multiply-accumulates/s"),
        *line_rows(figures),
    ]


class ArrayOnBoard:
    """Multiplies on an array behind a bus, whose description was read from it."""

    def __init__(self, bus: SerialBus, board: Board, config: SystolicConfig) -> None:
        self.bus, self.board, self.config = bus, board, config
        self.windows = windows(config, board.sizes)
        self.registers = {name: REGIONS["player"] << 28 | at for name, at in player_table().addresses.items()}
        figures = timing(config)
        self.block = None
        if config.wrapper:
            self.block = Block(bus, table(register_map(config)), REGIONS["registers"] << 28)
            self.block.open()
        self.latency, self.interval = figures["latency_cycles"], figures["cycles_per_vector"]
        self.transfers = {
            "weights": figures["weight_transfers_per_tile"],
            "activations": figures["activation_transfers_per_vector"],
            "results": figures["result_transfers_per_vector"],
        }

    def multiply(self, x: Words, w: Words, progress: Callable[[int, int], None] | None = None) -> Product:
        """Return X W for M x K and K x N words of the array's formats; tiles of zeros are left out.

        ``progress`` is called with tiles done, and all. Raises LinkError where nobody answers, BusError where
        an access fails, CheckError where a run does not end or not as it should.
        """
        config = self.config
        tiles = split_tiles(w, config.rows, config.columns)
        kept = nonzero_tiles(tiles, reference.operand_format(config.weight))
        chosen = [(int(k), int(n)) for n, k in np.argwhere(kept.T)]
        product = Product(
            np.zeros((len(x), kept.shape[1] * config.columns), np.uint64), kept.size, len(chosen)
        )
        padded = np.pad(x, ((0, 0), (0, kept.shape[0] * config.rows - x.shape[1])))
        inner = len({k for k, _ in chosen})
        most = self._vectors_of_a_block(inner)
        blocks = range(0, len(x), most) if chosen else ()
        for number, begin in enumerate(blocks):
            rows = slice(begin, begin + most)
            for attempt in range(RESTARTS + 1):
                block = _Block(self, padded[rows], tiles, chosen, product)
                try:
                    product.words[rows] = block.run()
                    break
                except ResetError:
                    if attempt == RESTARTS:
                        raise
                    product.resets += 1
                    self.bus.open()
            if progress is not None:
                progress((number + 1) * len(chosen), len(blocks) * len(chosen))
        product.words = product.words[:, : w.shape[1]]
        return product

    def _vectors_of_a_block(self, inner: int) -> int:
        """Return how many vectors go at a time: as many as there is room for, if it can be with all of K."""
        room = {name: self.windows[name].depth // self.transfers[name] for name in ("activations", "results")}
        return min(room["results"], max(1, room["activations"] // max(1, inner)))

    def write(self, name: str, transfer: int, content: beats.Beats) -> None:
        """Write transfers (n x words) into a memory from ``transfer`` on."""
        window = self.windows[name]
        stride = 1 << window.stride_bits
        padded = np.pad(content, ((0, 0), (0, stride - content.shape[1])))
        self.bus.write(window.region << 28 | transfer * 4 * stride, padded.astype("<u4").tobytes())

    def read(self, name: str, transfer: int, count: int) -> beats.Beats:
        """Return ``count`` transfers (count x words) of a memory from ``transfer`` on."""
        window = self.windows[name]
        stride = 1 << window.stride_bits
        address = window.region << 28 | transfer * 4 * stride
        raw = self.bus.read(address, count * 4 * stride)
        return np.frombuffer(raw, "<u4").reshape(count, stride)[:, : window.words]

    def counters(self) -> tuple[bool, dict[str, int]]:
        """Return whether tiles are under way, and the counters as they are."""
        first, last = self.registers["STATUS"], self.registers["TILES_DONE"]
        raw = np.frombuffer(self.bus.read(first, last + 4 - first), "<u4")

        def of(name: str) -> int:
            return int(raw[(self.registers[name] - first) // 4])

        return bool(of("STATUS") & 1), {name: of(name.upper()) for name in COUNTERS}

    def play(self, entries: list[int], vectors: int) -> dict[str, int]:
        """Run a list of tiles, whose operands are there, and return what the counters counted."""
        _, before = self.counters()
        self.write("tiles", 0, np.array(entries, "<u4").reshape(-1, 1))
        moves = {name: vectors * self.transfers[name] for name in ("activations", "results")}
        counts = [len(entries), moves["activations"], moves["results"]]
        self.bus.write(self.registers["TILES"], np.array(counts, "<u4").tobytes())
        if self.block is not None:
            self.block.write("VECTORS", vectors)
            self.block.write("TILES", len(entries))
            self.block.write("JOB", self.block.bit("JOB", "psum_in"))
            self.block.begin()
        self.bus.write(self.registers["CONTROL"], (1).to_bytes(4, "little"))
        tile = self.transfers["weights"] + vectors * self.interval + self.latency
        while True:
            busy, after = self.counters()
            spent = difference(before, after)
            if not busy:
                break
            if spent["cycles"] > PATIENCE * len(entries) * tile + LINE_CYCLES:
                raise CheckError(
                    f"the board: {len(entries)} tiles are not done after {spent['cycles']:,} cycles"
                )
        if spent["tiles_done"] != len(entries):
            raise CheckError(f"the board: {spent['tiles_done']} of {len(entries)} tiles were done")
        if self.block is not None:
            fault = self.block.fields("FAULT")
            fault["overflow"] = 0  # it is in the results, as it is in the golden model's
            if self.block.busy or any(fault.values()):
                raise CheckError(f"the board: a job of {len(entries)} tiles ended with the fault {fault}")
        return spent


class _Block:
    """All tiles of some vectors."""

    def __init__(
        self,
        array: ArrayOnBoard,
        x: Words,
        tiles: Words,
        chosen: list[tuple[int, int]],
        product: Product,
    ) -> None:
        self.array, self.x, self.tiles, self.chosen, self.product = array, x, tiles, chosen, product
        config = array.config
        self.host_adds = config.port is Port.WORD
        self.sums = np.zeros((len(x), tiles.shape[1] * config.columns), np.uint64)
        depth = {name: window.depth for name, window in array.windows.items()}
        self.size = {name: len(x) * array.transfers[name] for name in ("activations", "results")}
        self.room = {name: depth[name] // size for name, size in self.size.items()}
        self.longest = min(depth["tiles"], depth["weights"] // array.transfers["weights"])
        self.resident: dict[int, int] = {}  # the slot of a tile's activations
        self.slots: dict[tuple[int, int], int] = {}  # of its results: (n, k), k 0 where the board adds
        self.entries: list[int] = []
        self.weights: list[Words] = []

    def run(self) -> Words:
        """Return the sums of all columns, M x a multiple of the columns."""
        remaining = {n: sum(1 for _, other in self.chosen if other == n) for _, n in self.chosen}
        for k, n in self.chosen:
            key = (n, k if self.host_adds else 0)
            continued = key in self.slots
            if (
                len(self.entries) == self.longest
                or (not continued and len(self.slots) == self.room["results"])
                or (k not in self.resident and len(self.resident) == self.room["activations"])
            ):
                self._play(remaining)
            if k not in self.resident:
                self._load(k)
            if key not in self.slots:
                free = set(range(self.room["results"])) - set(self.slots.values())
                self.slots[key] = min(free)
            place = self.slots[key] * self.size["results"]
            activations = self.resident[k] * self.size["activations"]
            self.entries.append(activations | place << 16 | (continued and not self.host_adds) << 31)
            self.weights.append(self.tiles[k, n])
            remaining[n] -= 1
        self._play(remaining)
        return self.sums

    def _load(self, k: int) -> None:
        """Put the activations of a tile into the memory; all that were there go where it is full."""
        config = self.array.config
        if len(self.resident) == self.room["activations"]:
            self.resident.clear()
        slot = self.resident[k] = len(self.resident)
        vectors = self.x[:, k * config.rows : (k + 1) * config.rows]
        content = beats.vector_beats(config, vectors, config.activation.width)
        self.array.write("activations", slot * self.size["activations"], content)

    def _play(self, remaining: dict[int, int]) -> None:
        """Run what is listed, and read the results that are done."""
        config = self.array.config
        if not self.entries:
            return
        self.array.write("weights", 0, beats.weight_beats(config, np.stack(self.weights)))
        spent = self.array.play(self.entries, len(self.x))
        self.product.runs += 1
        for name, value in spent.items():
            self.product.counters[name] += value
        self.entries, self.weights = [], []
        for (n, k), slot in list(self.slots.items()):
            if self.host_adds or not remaining[n]:
                self._take(n, slot)
                del self.slots[n, k]

    def _take(self, n: int, slot: int) -> None:
        config = self.array.config
        size, width = self.size["results"], config.accumulator.width
        raw = self.array.read("results", slot * size, size)
        elements = 1 if self.host_adds else config.columns
        part = beats.unpack(raw, elements, width).reshape(len(self.x), config.columns)
        span = slice(n * config.columns, (n + 1) * config.columns)
        if self.host_adds:
            accumulator = reference.float_format(config.accumulator)
            part = add(self.sums[:, span], part, accumulator, Rounding(config.rounding.value))
        self.sums[:, span] = part
