"""The block-sparse tile engine with an AXI4 master, by its registers: what the C driver does, in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..engine.axi.registers import register_map
from ..engine.axi.signals import DESCRIPTOR_BYTES
from ..engine.config import EngineConfig
from ..errors import UserError
from ..registers.table import WORD_BYTES, table
from .block import CYCLES, Block, FaultError
from .bus import Bus

RESPONSES = {2: "SLVERR", 3: "DECERR"}


class Image(Protocol):
    """A program with its data in memory, as ``tileloom_sim.engine.memory.MemoryImage`` is."""

    @property
    def regions(self) -> Sequence[tuple[int, int]]:
        """First address and bytes of each part of the memory, both whole words."""

    @property
    def content(self) -> bytes:
        """All bytes of the regions."""

    @property
    def start(self) -> int:
        """Address of the first descriptor."""

    @property
    def result_runs(self) -> Sequence[tuple[int, int]]:
        """First address and bytes of each run of results."""

    def part(self, address: int, size: int) -> slice:
        """Return where in the content bytes of a region are."""


class EngineFault(FaultError):  # noqa: N818 - it is an error by its base
    """How an engine's program ended, as its register FAULT says.

    Attributes
    ----------
    error, write, response, address:
        Memory answered an access with an error; of the first, whether it was a write, 2 SLVERR or 3 DECERR,
        and where its burst began.
    row_range, row_order:
        An index row was not below the number of blocks; not above the one before it. Both stay until a reset.
    """

    def __init__(self, fields: dict[str, int], address: int) -> None:
        self.error, self.write = bool(fields["error"]), bool(fields["write"])
        self.response = fields["response"]
        self.row_range, self.row_order = bool(fields["row_range"]), bool(fields["row_order"])
        self.address = address
        said = []
        if self.error:
            access = "written to" if self.write else "read from"
            response = RESPONSES.get(self.response, "no error")
            said.append(f"memory answered a burst {access} {address:#x} with {response}")
        if self.row_range:
            said.append("an index row is not below the number of blocks; reset the engine")
        if self.row_order:
            said.append("an index row is not above the one before it; reset the engine")
        super().__init__("; ".join(said) or "the fault is gone: the engine was reset meanwhile")


class EngineDriver(Block):
    """An engine.

    Parameters
    ----------
    bus:
        Where its registers are.
    config:
        What was built.
    base:
        The address of the first register.
    memory:
        Where the memory of the engine's master is, at its addresses; None for the same bus.

    Raises UserError for an engine without registers, ToolError as ``registers.table.elaborate``.
    """

    def __init__(self, bus: Bus, config: EngineConfig, base: int = 0, *, memory: Bus | None = None) -> None:
        if config.wrapper is None:
            raise UserError("wrapper: this engine has no registers; set it to axi4")
        super().__init__(bus, table(register_map(config)), base)
        self._memory = memory or bus

    def load(self, image: Image) -> None:
        """Write a program and its data to memory. Raises BusError."""
        for region in image.regions:
            self._memory.write(region[0], image.content[image.part(*region)])

    def start(self, program: int) -> None:
        """Start the program whose first descriptor is at an address.

        Raises BlockError where the engine is busy, UserError where no descriptor can be there.
        """
        if program % DESCRIPTOR_BYTES or program >> 64 or program < 0:
            raise UserError(f"program: must be a multiple of {DESCRIPTOR_BYTES} below 2^64, not {program:#x}")
        if program >> 32 and not self.has("PROGRAM_HIGH"):
            raise UserError(f"program: {program:#x} has more than the engine's address_bits")
        self.write("PROGRAM_LOW", program & 0xFFFF_FFFF)
        if self.has("PROGRAM_HIGH"):
            self.write("PROGRAM_HIGH", program >> 32)
        self.begin()

    def run(self, image: Image, cycles: int = CYCLES) -> bytes:
        """Start a program that was loaded, wait for its end, and return the image's content with the results.

        Raises as ``start`` and ``wait``; a fault is an EngineFault.
        """
        self.start(image.start)
        self.wait(cycles)
        content = bytearray(image.content)
        for address, size in image.result_runs:
            # Whole words, which the regions have around it.
            begin, end = address // WORD_BYTES * WORD_BYTES, -(-(address + size) // WORD_BYTES) * WORD_BYTES
            there = self._memory.read(begin, end - begin)
            content[image.part(address, size)] = there[address - begin :][:size]
        return bytes(content)

    def fault(self) -> FaultError:
        """Return what FAULT and its address say."""
        address = self.read("FAULT_ADDRESS_LOW")
        if self.has("FAULT_ADDRESS_HIGH"):
            address |= self.read("FAULT_ADDRESS_HIGH") << 32
        return EngineFault(self.fields("FAULT"), address)
