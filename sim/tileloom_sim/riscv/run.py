"""Runs a program on the RISC-V system: data in, result words and cycles out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tileloom import scratch
from tileloom.errors import CheckError

from ..build import harness
from .compile import Program
from .system import MEMORY_BASE, MasterBlock, StreamBlock, System

CAUSES = {
    1: "instruction access fault",
    2: "illegal instruction",
    3: "breakpoint",
    4: "load address misaligned",
    5: "load access fault",
    7: "store access fault",
    11: "environment call",
    48: "instruction bus fault",
}

Progress = Callable[[int], None]
"""Called now and then with the cycles simulated so far."""


class ProgramError(CheckError):
    """The program did not come to its end; the message says where it was."""


class TrapError(ProgramError):
    """The program ended in a trap that it does not handle.

    Attributes
    ----------
    cause:
        mcause.
    pc:
        mepc.
    """

    def __init__(self, cause: int, pc: int) -> None:
        self.cause, self.pc = cause, pc
        what = f"interrupt {cause & 0x7FFF_FFFF}" if cause >> 31 else CAUSES.get(cause, f"cause {cause}")
        super().__init__(f"the program ended in a trap at {pc:#010x}: {what}")


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Wait states of one bus: cycles before a request is granted, and between grant and answer beyond one.

    Both 0 is single-cycle memory: a request a cycle, each answered in the next.
    """

    grant: int = 0
    response: int = 0


@dataclass(frozen=True, kw_only=True)
class Cache:
    """A set-associative cache, least recently used out first; reads and writes that miss bring a line in.

    Attributes
    ----------
    size, line:
        Bytes; ``line`` is a power of two of at least 4.
    ways:
        Lines of a set; ``size`` is a multiple of ``ways * line``.
    cycles:
        Of a hit: from the request to the answer, at least 1.

    Raises ValueError for what cannot be built.
    """

    size: int
    ways: int
    line: int
    cycles: int

    def __post_init__(self) -> None:
        if self.line < 4 or self.line & (self.line - 1):
            raise ValueError(f"line is {self.line}, not a power of two of at least 4")
        if self.ways < 1 or self.size < 1 or self.size % (self.ways * self.line):
            raise ValueError(f"size is {self.size}, not a multiple of {self.ways} ways x {self.line} bytes")
        if self.cycles < 1:
            raise ValueError(
                f"cycles is {self.cycles}: an answer comes a cycle after its request at the soonest"
            )


@dataclass(frozen=True, kw_only=True)
class Caches:
    """A cache on each bus, and one behind both. A line's way through them takes the sum of their cycles.

    A victim is written back for free: what is modelled is what the core waits for, no traffic.

    Attributes
    ----------
    level1, level2:
        Of each bus, and behind both.
    memory_cycles:
        Of a miss in both, on top of theirs.
    """

    level1: Cache
    level2: Cache
    memory_cycles: int


SASP_CACHES = Caches(
    level1=Cache(size=32 << 10, ways=4, line=64, cycles=2),
    level2=Cache(size=1 << 20, ways=8, line=64, cycles=20),
    memory_cycles=100,
)
"""Cycles of levels 1 and 2 as in SASP's system; sizes, ways, lines and the memory's cycles are chosen."""


@dataclass(frozen=True, kw_only=True)
class BusError:
    """A bus error for accesses from ``first`` up to, not including, ``end``.

    Only the first ``times`` accesses get it, or all if that is 0.
    """

    first: int
    end: int
    times: int = 0


@dataclass(frozen=True, kw_only=True)
class MasterError:
    """An error for a block's AXI4 master, from address ``first`` up to, not including, ``end``.

    ``response`` is 2, SLVERR, or 3, DECERR.
    """

    first: int
    end: int
    response: int = 2


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What surrounds the core during a run.

    Attributes
    ----------
    instruction_waits, data_waits:
        Wait states of the two buses.
    caches:
        Between both buses and the memory, or None: every word is a cycle away.
    random_seed:
        Draw each wait anew, from 0 up to the number given; None: always the number given.
    instruction_errors, data_errors:
        Addresses with bus errors; only for a core that has error inputs.
    memory_errors:
        Addresses with bus errors for a unit's own memory port.
    master_waits, master_seed:
        Of a block's AXI4 master: how often AR, R, AW, W and B wait in a cycle, 0 to below 1, and the seed of
        that.
    master_errors:
        Addresses with errors for it.
    stream_waits:
        Of a block between streams: how often the DMA channels of activations, weights, results and psum_in
        wait in a cycle, 0 to below 1; the seed is ``master_seed``.
    interrupts:
        Seed and mean distance in cycles of random interrupts on line 17, or None.
    memory_bytes:
        Size of the memory.
    limit:
        Cycles after which to give up.
    """

    instruction_waits: Waits = Waits()
    data_waits: Waits = Waits()
    caches: Caches | None = None
    random_seed: int | None = None
    instruction_errors: Sequence[BusError] = ()
    data_errors: Sequence[BusError] = ()
    memory_errors: Sequence[BusError] = ()
    master_waits: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    master_seed: int = 0
    master_errors: Sequence[MasterError] = ()
    stream_waits: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    interrupts: tuple[int, int] | None = None
    memory_bytes: int = 4 << 20
    limit: int = 100_000_000


@dataclass(frozen=True)
class Accesses:
    """Of the core's data bus to a place in memory: how many, and the bytes that they moved."""

    reads: int
    writes: int
    bytes_read: int
    bytes_written: int


@dataclass(frozen=True)
class CacheUse:
    """Words asked of a cache, and how many of them were not there."""

    accesses: int
    misses: int


@dataclass(frozen=True, kw_only=True)
class ProgramRun:
    """What came of a run.

    Attributes
    ----------
    results:
        The words asked for.
    cycles:
        From reset to the end of the program.
    exit_code:
        What main returned.
    console:
        What the program printed.
    accesses:
        To the places that were to be counted, in order.
    caches:
        Where there are any: level 1 of the instruction bus, of the data bus, and level 2.
    """

    results: npt.NDArray[np.uint32]
    cycles: int
    exit_code: int
    console: str
    accesses: tuple[Accesses, ...] = ()
    caches: tuple[CacheUse, ...] = ()


def run_program(
    system: System,
    program: Program,
    *,
    memory: Mapping[int, bytes] | None = None,
    results: tuple[int, int] = (MEMORY_BASE, 0),
    counted: Sequence[tuple[int, int]] = (),
    conditions: Conditions | None = None,
    waves: Path | None = None,
    progress: Progress | None = None,
    mutant: int | None = None,
) -> ProgramRun:
    """Run a program until it writes the end-of-program register.

    Parameters
    ----------
    system:
        What to run it on; it is built first if the cache has none.
    program:
        What to run.
    memory:
        What to load beside the program, by address.
    results:
        Address and number of the words to return.
    counted:
        Address, a multiple of 4, and bytes of places to which accesses are counted.
    conditions:
        Wait states, errors, interrupts; by default none, and single-cycle memory.
    waves:
        A VCD file to write; the system must be built with waves.
    progress:
        Called now and then, at most five times a second.
    mutant:
        Of a system with faults in it, which of them is there.

    Raises TrapError where the program ends in one, ProgramError where it does not end, or on a core without
    error inputs reaches an address where nothing is.
    """
    conditions = conditions or Conditions()
    traits = system.traits
    if not traits.has_bus_errors and (conditions.instruction_errors or conditions.data_errors):
        raise ValueError(f"{traits.name} has no bus error input")
    with scratch.folder() as folder:
        loads = {}
        for index, (address, data) in enumerate({**program.segments, **(memory or {})}.items()):
            path = folder / f"load{index}.bin"
            path.write_bytes(data)
            loads[path] = address
        saved, console = folder / "results.bin", folder / "console.txt"
        address, count = results
        options = [
            f"memory={conditions.memory_bytes}",
            f"boot={program.entry}",
            *(f"load={address}:{path}" for path, address in loads.items()),
            f"save={address}:{4 * count}:{saved}",
            f"console={console}",
            f"errors={int(traits.has_bus_errors)}",
            *(f"count={address}:{size}" for address, size in counted),
            *_condition_options(conditions),
            *(_master_options(conditions) if isinstance(system.device, MasterBlock) else ()),
            *(_stream_options(conditions) if isinstance(system.device, StreamBlock) else ()),
            *([f"waves={waves}"] if waves is not None else []),
        ]
        *counts, (ending, cycles, *numbers) = _simulate(system.build(), options, progress, mutant)
        if ending == "trap":
            raise TrapError(int(numbers[0]), int(numbers[1]))
        return ProgramRun(
            results=np.fromfile(saved, "<u4"),
            cycles=int(cycles),
            exit_code=int(numbers[0]),
            console=console.read_text(errors="replace"),
            accesses=tuple(Accesses(*map(int, line[1:])) for line in counts if line[0] == "count"),
            caches=tuple(CacheUse(*map(int, line[1:])) for line in counts if line[0] == "cache"),
        )


def _condition_options(conditions: Conditions) -> list[str]:
    options = [f"limit={conditions.limit}"]
    for bus, waits, errors in (
        ("instr", conditions.instruction_waits, conditions.instruction_errors),
        ("data", conditions.data_waits, conditions.data_errors),
    ):
        options.append(f"{bus}={waits.grant}:{waits.response}")
        options += [f"{bus}_error={error.first}:{error.end}:{error.times}" for error in errors]
    options += [f"memory_error={error.first}:{error.end}:{error.times}" for error in conditions.memory_errors]
    if conditions.caches is not None:
        caches = conditions.caches
        for name, cache in (("level1", caches.level1), ("level2", caches.level2)):
            options.append(f"{name}={cache.size}:{cache.ways}:{cache.line}:{cache.cycles}")
        options.append(f"behind={caches.memory_cycles}")
    if conditions.random_seed is not None:
        options.append(f"random={conditions.random_seed}")
    if conditions.interrupts is not None:
        options.append("interrupts={}:{}".format(*conditions.interrupts))
    return options


def _master_options(conditions: Conditions) -> list[str]:
    return [
        f"axi={_shares(conditions.master_waits)}",
        f"axi_seed={conditions.master_seed}",
        *(f"axi_error={error.first}:{error.end}:{error.response}" for error in conditions.master_errors),
    ]


def _stream_options(conditions: Conditions) -> list[str]:
    return [f"streams={_shares(conditions.stream_waits)}", f"streams_seed={conditions.master_seed}"]


def _shares(waits: Sequence[float]) -> str:
    return ":".join(str(round(65536 * wait)) for wait in waits)


def _simulate(
    program: Path, options: list[str], progress: Progress | None, mutant: int | None
) -> list[list[str]]:
    """Run the harness; return the fields of its lines."""
    try:
        return harness.run(program, options, progress, mutant=mutant)
    except harness.HarnessError as error:
        raise ProgramError(str(error)) from None
