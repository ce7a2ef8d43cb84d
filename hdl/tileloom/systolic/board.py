"""A systolic array on a board: its player, its memories and their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring

from ..board.decoder import ADDRESS_BITS, REGION_BITS, Decoder, narrowed
from ..board.description import Board, Description
from ..board.windows import Storage, Window, Windows
from ..config import to_plain
from ..errors import ConfigError
from ..registers.axi_lite import CHANNELS, channels
from ..registers.file import CONTROL, RegisterFile
from ..registers.table import Table, elaborate, table
from .config import SystolicConfig
from .design import timing
from .player import Player, widths
from .registers import register_map

REGISTERS = Path(__file__).with_name("board.rdl")

REGIONS = {"registers": 1, "player": 2, "weights": 3, "activations": 4, "tiles": 5, "results": 6}
"""Bits 31 to 28 of the addresses of the array's own registers, the player's, and each memory."""

SHARES = {"activations": 1, "weights": 2, "tiles": 4, "results": 4}
"""Transfers of activations for one of each memory's, at first."""

LEAST, MOST = 16, 1 << 14
"""Transfers that a memory has."""

PIECE = 16
"""Bits of the narrowest block RAM: memories are made of such columns."""


def sizes(config: SystolicConfig, bits: int) -> dict[str, int]:
    """Return the transfers of each memory, so that all of them have at most so many bits.

    Raises ConfigError where the smallest have more.
    """
    config.require_no_host("board")
    width = widths(config)

    def depths(most: int) -> dict[str, int]:
        return {name: max(LEAST, most // share) for name, share in SHARES.items()}

    def taken(most: int) -> int:
        return sum(-(-width[name] // PIECE) * PIECE * depth for name, depth in depths(most).items())

    most, needed = LEAST, transfers(config)
    while any(depths(most)[name] < count for name, count in needed.items()):
        most *= 2
    if taken(most) > bits:
        raise ConfigError(
            f"rows, columns: the smallest memories for this array have {taken(most):,} bits, and the board "
            f"has {bits:,} for them"
        )
    while most < MOST and taken(2 * most) <= bits:
        most *= 2
    return depths(most)


def transfers(config: SystolicConfig) -> dict[str, int]:
    """Return the transfers of weights for a tile, of activations and of results for a vector."""
    figures = timing(config)
    return {
        "weights": figures["weight_transfers_per_tile"],
        "activations": figures["activation_transfers_per_vector"],
        "results": figures["result_transfers_per_vector"],
    }


def player_table() -> Table:
    """Return the player's registers. Raises ToolError where SystemRDL cannot be read."""
    return table(elaborate(REGISTERS, {}))


def windows(config: SystolicConfig, depths: Mapping[str, int]) -> dict[str, Window]:
    """Return the windows of the memories by name."""
    return {
        name: Window(REGIONS[name], width, depths[name], written=name != "results", read=name == "results")
        for name, width in widths(config).items()
    }


class Device(wiring.Component):
    """The array behind AXI4-Lite with 32 bits of address. Ports: ``channels(ADDRESS_BITS)``."""

    def __init__(self, config: SystolicConfig, board: Board) -> None:
        if board.config != to_plain(config):
            raise ValueError("the board's description is of another array")
        self.config, self.board = config, board
        self.table = player_table()
        super().__init__(channels(ADDRESS_BITS))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        depths = dict(self.board.sizes)
        memories = windows(self.config, depths)
        m.submodules.windows = reached = Windows({"description": self.board.window, **memories})
        m.submodules.registers = registers = RegisterFile(self.table)
        m.submodules.description = description = Description(self.board)
        m.submodules.player = player = Player(self.config, depths)
        regions = [
            ([window.region for window in reached.windows.values()], 32 - REGION_BITS),
            ([REGIONS["player"]], self.table.address_bits),
        ]
        if self.config.wrapper:
            regions.append(([REGIONS["registers"]], table(register_map(self.config)).address_bits))
        m.submodules.decoder = decoder = Decoder(regions)
        for name in CHANNELS:
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(decoder, name))
            wiring.connect(m, getattr(decoder, f"{name}_0"), getattr(reached, name))
        narrowed(
            m,
            {name: getattr(decoder, f"{name}_1") for name in CHANNELS},
            {name: getattr(registers, name) for name in CHANNELS},
        )
        if self.config.wrapper:
            narrowed(
                m,
                {name: getattr(decoder, f"{name}_2") for name in CHANNELS},
                {name: getattr(player, f"{CONTROL}{name}") for name in CHANNELS},
            )
        m.d.comb += [
            description.address.eq(reached.description_address),
            reached.description_data.eq(description.data),
            reached.busy.eq(player.busy),
            player.start.eq(registers.control_start),
            player.tile_count.eq(registers.tiles_count),
            player.activation_count.eq(registers.activations_count),
            player.result_count.eq(registers.results_count),
            registers.status_busy.eq(player.busy),
            registers.cycles_count.eq(1),
            registers.busy_cycles_count.eq(player.busy),
            registers.stalls_count.eq(player.stalled),
            registers.tiles_done_count.eq(player.tile_done),
        ]
        for name, window in memories.items():
            storage = Storage(window.width, window.depth)
            m.submodules[name] = storage
            address = getattr(reached, f"{name}_address")
            if window.written:
                m.d.comb += [
                    storage.write.eq(getattr(reached, f"{name}_write")),
                    storage.write_address.eq(address),
                    storage.write_data.eq(reached.write_data.replicate(window.words)),
                    storage.read_address.eq(getattr(player, f"{name}_address")),
                    getattr(player, f"{name}_data").eq(storage.read_data),
                ]
        results = m.submodules.results
        m.d.comb += [
            results.write.eq(player.result_write.replicate(len(results.write))),
            results.write_address.eq(player.result_address),
            results.write_data.eq(player.result_data),
            results.read_address.eq(Mux(player.busy, player.results_address, reached.results_address)),
            player.results_data.eq(results.read_data),
            reached.results_data.eq(results.read_data),
        ]
        return m
