"""An array's player on a board, by its addresses: memories written and read, lists of tiles played."""

from __future__ import annotations

import numpy as np

from tileloom.board.description import Board
from tileloom.driver.block import Block, difference
from tileloom.driver.bus import Bus
from tileloom.errors import CheckError
from tileloom.registers.table import table
from tileloom.systolic.board import REGIONS, player_table, transfers, windows
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import timing
from tileloom.systolic.registers import register_map

from . import beats

PATIENCE = 4
"""How many times the cycles that a run should take it is waited for, ..."""

LINE_CYCLES = 10_000_000
"""... beside what the line may take: a tenth of a second at 100 MHz."""


COUNTERS = ("cycles", "busy_cycles", "stalls", "tiles_done")
"""The board's own: clock cycles, those with tiles under way, of these stalls of activations; tiles."""


class PlayerOnBoard:
    """A player behind a bus.

    Attributes
    ----------
    windows:
        Of its memories, by name.
    transfers:
        Of weights for a tile, of activations and of results for a vector.
    """

    def __init__(self, bus: Bus, board: Board, config: SystolicConfig) -> None:
        self.bus, self.board, self.config = bus, board, config
        self.windows = windows(config, board.sizes)
        self.registers = {name: REGIONS["player"] << 28 | at for name, at in player_table().addresses.items()}
        figures = timing(config)
        self.block = None
        if config.wrapper:
            self.block = Block(bus, table(register_map(config)), REGIONS["registers"] << 28)
            self.block.open()
        self.latency, self.interval = figures["latency_cycles"], figures["cycles_per_vector"]
        self.transfers = transfers(config)

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
