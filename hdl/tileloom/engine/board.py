"""An engine on a board: its registers, and the memory that its master and the board's bus share."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring

from ..board.decoder import ADDRESS_BITS, REGION_BITS, Decoder, narrowed
from ..board.description import Board, Description
from ..board.windows import Window, Windows
from ..config import to_plain
from ..errors import ConfigError
from ..registers.axi_lite import CHANNELS, channels
from .axi.control import ControlledEngine
from .axi.signals import BOUNDARY, master_members
from .board_memory import BoardMemory
from .config import EngineConfig

REGIONS = {"registers": 1, "memory": 3}
"""Bits 31 to 28 of the addresses of the registers, and of the memory as the board's bus has it."""


def sizes(config: EngineConfig, bits: int) -> dict[str, int]:
    """Return the bytes of the memory, a power of two of at most so many bits.

    Raises ConfigError for an engine that is not behind registers.
    """
    if config.wrapper is None:
        raise ConfigError("wrapper: on a board an engine has registers; set port and wrapper to axi4")
    size = 1 << (bits // 8).bit_length() - 1
    if size < BOUNDARY:
        raise ConfigError(f"bus: {size} bytes of memory are less than the {BOUNDARY} that bursts need")
    return {"memory_bytes": size}


def window(config: EngineConfig, board: Board) -> Window:
    """Return the window of the memory."""
    depth = board.sizes["memory_bytes"] * 8 // config.bus
    return Window(REGIONS["memory"], config.bus, depth, written=True, read=True)


class Device(wiring.Component):
    """The engine behind AXI4-Lite with 32 bits of address. Ports: ``channels(ADDRESS_BITS)``."""

    def __init__(self, config: EngineConfig, board: Board) -> None:
        if board.config != to_plain(config):
            raise ValueError("the board's description is of another engine")
        self.config, self.board = config, board
        super().__init__(channels(ADDRESS_BITS))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.engine = engine = ControlledEngine(self.config)
        m.submodules.memory = memory = BoardMemory(self.config, self.board.sizes["memory_bytes"])
        m.submodules.description = description = Description(self.board)
        windows = {"description": self.board.window, "memory": window(self.config, self.board)}
        m.submodules.windows = reached = Windows(windows)
        regions = [
            ([each.region for each in windows.values()], 32 - REGION_BITS),
            ([REGIONS["registers"]], engine.table.address_bits),
        ]
        m.submodules.decoder = decoder = Decoder(regions)
        for name in CHANNELS:
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(decoder, name))
            wiring.connect(m, getattr(decoder, f"{name}_0"), getattr(reached, name))
        narrowed(
            m,
            {name: getattr(decoder, f"{name}_1") for name in CHANNELS},
            {name: getattr(engine, f"control_{name}") for name in CHANNELS},
        )
        for name in master_members(self.config):
            wiring.connect(m, getattr(engine, name), getattr(memory, name))
        m.d.comb += [
            description.address.eq(reached.description_address),
            reached.description_data.eq(description.data),
            reached.busy.eq(memory.busy),
            memory.address.eq(reached.memory_address),
            memory.write.eq(reached.memory_write),
            memory.write_data.eq(reached.write_data),
            reached.memory_data.eq(memory.data),
        ]
        return m
