"""Builds a simulator of the RISC-V system: ``rtl/system.sv`` with a core, by Verilator, kept in the cache.

Memory map, all little-endian::

    0x8000_0000  memory, program and data; its size is chosen for each run
    0x1000_0000  registers of the harness, words:
      +0x00  W   end of program; the value is its exit code
      +0x04  W   print a character
      +0x08  RW  interrupt lines; bits 7 and 17 only show
      +0x0c  W   raise line 7 after so many cycles, once; 0 takes it back
      +0x10  W   acknowledge line 17, the random interrupt
      +0x14  W   pc of a trap that nobody handles
      +0x18  W   its cause; ends the program
      +0x1c  R   cycles since reset, low word; +0x20: high word
    0x1000_1000  registers of DMA channels, where the device is a block with streams (stream_dma.h)
    0x4000_0000  to 0x7fff_ffff: the device, RTL attached to the data bus; its interrupt is line 16

The device is a Verilog module with the ports clk, rst, req, gnt, addr[31:0], we, be[3:0], wdata[31:0],
rvalid, rdata[31:0], err and irq: OBI, one answer for each request taken, in order. A generated block with
registers is one behind ``rtl/block.sv``; its AXI4 master, or DMA channels at its AXI4-Streams, read and write
the same memory, at its addresses.
The coprocessor of a core with CV-X-IF has the ports that ``rtl/cv32e40x.sv`` connects.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tileloom.cores import CORES, Patch, RiscvCore, Sources

from ..build import coverage, harness, verilator

MEMORY_BASE = 0x8000_0000
REGISTERS_BASE = 0x1000_0000
DEVICE_BASE = 0x4000_0000

HERE = Path(__file__).parent
HARNESS = ("harness.cpp", "bus.h", "program_memory.h", "cache.h", "master_memory.h", "stream_dma.h")
TOP = "tileloom_riscv_system"
# What keeps Verilator from making sense of the cores' own assertions and delays, and what makes it fast.
OPTIONS = ["--timescale", "1ns/1ps", "--no-timing"]


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """RTL to attach to the system.

    Attributes
    ----------
    verilog, top:
        Text, and the module of it that is attached.
    id_width:
        Of a coprocessor, the width of its ids: X_ID_WIDTH of the core.
    """

    verilog: str
    top: str
    id_width: int = 4


@dataclass(frozen=True, kw_only=True)
class Block:
    """A generated block with registers on AXI4-Lite, and something else to move data.

    Attributes
    ----------
    verilog, top:
        Text, and its top module.
    register_bits:
        Of an address on AXI4-Lite.
    kept:
        Modules that are repeated, and so not inlined (``verilator.control_file``).
    """

    verilog: str
    top: str
    register_bits: int
    kept: tuple[str, ...] = ()

    PORTS: ClassVar[str]
    """File of ``rtl`` with the ports that move data."""

    def defines(self) -> dict[str, int]:
        """Return numbers of these ports, for Verilog with TILELOOM_ before their names."""
        raise NotImplementedError

    def harness_defines(self) -> dict[str, int]:
        """Return numbers that the harness wants."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class MasterBlock(Block):
    """A block that is an AXI4 master.

    Attributes
    ----------
    beat_bits, address_bits, burst_beats:
        Of the master: bits of data and of an address, most beats of a burst.
    """

    beat_bits: int
    address_bits: int
    burst_beats: int

    PORTS: ClassVar[str] = "axi.svh"

    def defines(self) -> dict[str, int]:
        """Return bits of data and of an address."""
        return {"BEAT_BITS": self.beat_bits, "ADDRESS_BITS": self.address_bits}

    def harness_defines(self) -> dict[str, int]:
        """Return what the memory wants to know of bursts."""
        return {"BEAT_BYTES": self.beat_bits // 8, "BURST_BEATS": self.burst_beats}


@dataclass(frozen=True, kw_only=True)
class StreamBlock(Block):
    """A systolic array between AXI4-Streams, with a DMA channel at each.

    Attributes
    ----------
    weight_bits, activation_bits, sum_bits:
        Of TDATA; sums are ``psum_in`` and ``results``.
    """

    weight_bits: int
    activation_bits: int
    sum_bits: int

    PORTS: ClassVar[str] = "streams.svh"

    def defines(self) -> dict[str, int]:
        """Return bits of TDATA."""
        bits = {"WEIGHT": self.weight_bits, "ACTIVATION": self.activation_bits, "SUM": self.sum_bits}
        return {f"{name}_BITS": count for name, count in bits.items()}

    def harness_defines(self) -> dict[str, int]:
        """Return bytes of TDATA."""
        return {name.replace("BITS", "BYTES"): bits // 8 for name, bits in self.defines().items()}


@dataclass(frozen=True, kw_only=True)
class System:
    """What a simulator is built of.

    Attributes
    ----------
    core:
        Name of the core, of ``cores.CORES``.
    patch:
        Changes the core's sources before they are built, such as to add a unit to its pipeline.
    coprocessor:
        RTL on CV-X-IF; only for a core that has it.
    device:
        RTL on the data bus, at DEVICE_BASE, or a generated block.
    memory_bits:
        Of a patch that adds a unit with a memory port of its own, OBI: the bits of that, 32, 64 or 128. It
        reaches the memory in cycles in which the core's data bus does not ask for it, with the wait states
        of that bus and through its cache.
    kept:
        Modules that are repeated, and so not inlined (``verilator.control_file``); a block names its own.
    waves:
        Build a simulator that can write waves.
    """

    core: str
    patch: Patch | None = None
    coprocessor: Attachment | None = None
    device: Attachment | Block | None = None
    memory_bits: int | None = None
    kept: tuple[str, ...] = ()
    waves: bool = False

    @property
    def traits(self) -> RiscvCore:
        """What is known of the core."""
        return CORES[self.core]

    def build(self) -> Path:
        """Return the simulator, made if the cache has none.

        Raises ToolError where a tool or a package is missing or fails.
        """
        sources = self.sources()
        files = [HERE / name for name in HARNESS]
        defines = [f"-D{name}={value}" for name, value in self.defines().items()]
        if isinstance(self.device, Block):
            files += [harness.HELD, harness.AXI_MEMORY]
            for name, value in self.device.harness_defines().items():
                defines += ["-CFLAGS", f"-D{name}={value}"]
        if self.memory_bits is not None:
            defines += ["-CFLAGS", f"-DMEMORY_BITS={self.memory_bits}"]
        kept = [*self.kept, *(self.device.kept if isinstance(self.device, Block) else ())]
        harness_sources = {path.name: path.read_text(encoding="utf-8") for path in files}
        return harness.compile_harness(
            f"riscv-{self.core}",
            "",
            TOP,
            sources | harness_sources,
            HARNESS[0],
            control=_control(sources, kept),
            waves=self.waves,
            options=[*OPTIONS, *defines, *sources],
        )

    def core_sources(self) -> Sources:
        """Return the core's sources, patched, in the order in which a tool must read them.

        Raises ToolError where the core's package is missing, and what ``patch`` raises.
        """
        return dict(self._patched)

    @functools.cached_property
    def _patched(self) -> Sources:
        # A patch may generate hardware; once is enough for many runs.
        sources = self.traits.sources()
        return sources if self.patch is None else self.patch(sources)

    def sources(self) -> Sources:
        """Return all SystemVerilog of the system, in the order in which a tool must read it.

        Raises as ``core_sources``.
        """
        system = {"tileloom_system.sv": (HERE / "rtl" / "system.sv").read_text()}
        if isinstance(self.device, Block):
            files = {"block_ports.svh": self.device.PORTS, "tileloom_block.sv": "block.sv"}
            system = {name: (HERE / "rtl" / file).read_text() for name, file in files.items()} | system
        attached = {
            f"tileloom_{role}.v": attachment.verilog
            for role, attachment in (("coprocessor", self.coprocessor), ("device", self.device))
            if attachment is not None
        }
        return {**self.core_sources(), **attached, **core_wrapper(self.core), **system}

    def defines(self) -> dict[str, str]:
        """Return the macros that the sources are built with."""
        defines = {"TILELOOM_FPU": "1"} if self.traits.fpu else {}
        if self.coprocessor is not None:
            defines["TILELOOM_COPROCESSOR"] = _identifier(self.coprocessor.top)
            defines["TILELOOM_ID_WIDTH"] = str(self.coprocessor.id_width)
        if isinstance(self.device, Block):
            defines["TILELOOM_DEVICE"] = "tileloom_block"
            defines["TILELOOM_BLOCK"] = _identifier(self.device.top)
            defines["TILELOOM_REGISTER_BITS"] = str(self.device.register_bits)
            defines |= {f"TILELOOM_{name}": str(value) for name, value in self.device.defines().items()}
        elif self.device is not None:
            defines["TILELOOM_DEVICE"] = _identifier(self.device.top)
        if self.memory_bits is not None:
            defines["TILELOOM_MEMORY_BITS"] = str(self.memory_bits)
        return defines


def core_wrapper(core: str) -> Sources:
    """Return what gives a core the ports of the system: module ``tileloom_riscv_core``, and its port list."""
    rtl, wrapper = HERE / "rtl", CORES[core].wrapper
    return {
        "ports.svh": (rtl / "ports.svh").read_text(),
        f"tileloom_{wrapper}.sv": (rtl / f"{wrapper}.sv").read_text(),
    }


def _control(sources: Sources, kept: Sequence[str]) -> str:
    """Return what Verilator is told: modules to keep; a core's own files are left out of coverage."""
    others = [name for name in sources if not name.endswith(".v")] if coverage.options() else []
    left_out = "".join(f'coverage_off -file "{name}"\n' for name in others)
    return verilator.control_file(kept, blocks=False) + left_out


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ValueError(f"not the name of a module: {name!r}")
    return name
