"""Area and energy of the core that hosts an array, CV32E40P with its FPU, without the array.

Its netlist runs a program gate by gate, in 64 lanes that differ in their data, with memory that answers in
the next cycle. What the core stores is held to what each lane's data make of it. The core's clock gate is
taken for a wire, and energy has what ``tileloom power`` counts: no wires, no clock tree, no memories.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.cores import CV32E40P_FPU
from tileloom.errors import CheckError
from tileloom_golden.fused import fused_gemm
from tileloom_sim.riscv.compile import Program, compile_program
from tileloom_sim.riscv.system import MEMORY_BASE
from tileloom_sim.systolic.software import Method, software_job

from ..gates import bits
from ..gates.flat import Flat, flatten
from ..gates.simulator import Simulator
from ..library.standard_cells import Library
from ..power.meter import Meter, Reading
from ..power.report import BOUNDS
from ..power.tables import LibraryUnits
from ..progress import Progress
from ..report import Report
from ..synthesis import synthesise
from ..system_verilog import to_verilog, ungated

TOP = "cv32e40p_top"

Words = npt.NDArray[np.uint32]
"""Words x lanes."""

MEASURED = 96
"""Cycles, in which a loop comes round a few times."""

LIMIT = 20_000
"""Cycles after which a program should have come to its end."""

END = 0x1000_0000
"""Where a program writes at its end."""

MOVE = """
#include <stdint.h>
extern uint32_t __free;
int main(void) {
    uint32_t *x = &__free, *y = x + 64;
    for (int i = 0; i < 64; i += 4) {
        uint32_t a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
        y[i] += a, y[i + 1] += b, y[i + 2] += c, y[i + 3] += d;
    }
    return 0;
}
"""
"""What the core does for an array, an addition in place of its step: a word, a sum, a sum stored."""


@dataclass(frozen=True)
class Work:
    """A program, its memory, what it should leave there by place, and cycles from ``main`` to its loop."""

    program: Program
    memory: Words
    expected: dict[int, Words]
    skipped: int


def map_host(library: Library, shown: Progress) -> Report:
    """Return the core mapped to a library. Raises ToolError where its package is missing or a tool fails."""
    verilog = to_verilog(
        ungated(CV32E40P_FPU.sources()), TOP, parameters=CV32E40P_FPU.parameters, flatten=False
    )
    return synthesise(verilog, TOP, library, progress=shown)


def multiplying(rng: np.random.Generator) -> Work:
    """Return the blocked FP32 product, 4 x 32 x 6: fused multiply-adds and the loads that they need."""
    m, k, n = 4, 32, 6
    x = rng.normal(size=(bits.LANES, m, k)).astype(np.float32)
    w = rng.normal(size=(bits.LANES, k, n)).astype(np.float32)
    program, job = software_job(Method.BLOCKED, x[0], w[0])
    job.say([job.fields.get(name, 0) for name in job.NAMES])
    memory = _memory(program, bytes(job.content))
    # A panel of six columns is W itself.
    for name, values in (("x", x), ("w", w)):
        place = (job.fields[name] - MEMORY_BASE) // 4
        memory[place : place + values[0].size] = values.reshape(bits.LANES, -1).view(np.uint32).T
    golden = np.stack([fused_gemm(a, b).view(np.uint32).ravel() for a, b in zip(x, w, strict=True)], axis=1)
    return Work(program, memory, {(job.fields["y"] - MEMORY_BASE) // 4: golden}, skipped=700)


def moving(rng: np.random.Generator) -> Work:
    """Return ``MOVE`` on random words."""
    program = compile_program(CV32E40P_FPU.name, {"main.c": MOVE}, main=["main.c"])
    memory = _memory(program, bytes(4 * 128))
    place = (program.free - MEMORY_BASE) // 4
    memory[place : place + 128] = rng.integers(0, 1 << 32, (128, bits.LANES), np.uint32)
    sums = memory[place : place + 64] + memory[place + 64 : place + 128]
    return Work(program, memory, {place + 64: sums}, skipped=20)


def measure_host(
    report: Report, library: Library, work: Work, rng: np.random.Generator, show: Callable[[str], None]
) -> dict[str, Reading]:
    """Return the energy of a cycle by bound, of ``MEASURED`` cycles in the program's loop.

    Raises CheckError where a result is wrong or the program does not end.
    """
    flat = flatten(report.mapped, library, {})
    units = LibraryUnits.of(library)
    found = {}
    for bound in BOUNDS:
        core = _Core(flat, work, rng)
        meter = Meter(core.simulator, units)
        started: int | None = None
        for cycle in range(LIMIT):
            if cycle % 50 == 0:
                show(f"{bound}, cycle {cycle}")
            place = -1 if started is None else cycle - started - work.skipped
            measured = 0 <= place < MEASURED
            core.settle(unit_delays=measured and bound == BOUNDS[1])
            if measured:
                meter.cycle()
            elif place == -1 and started is not None:
                meter.begin()
            elif place == MEASURED:
                found[bound] = meter.read()
            if core.ended or (place == MEASURED and bound == BOUNDS[1]):
                break
            if started is None and core.fetches == work.program.symbols["main"]:
                started = cycle
            core.tick()
        else:
            raise CheckError(f"{TOP}: the program did not end in {LIMIT} cycles")
        for place, words in work.expected.items() if core.ended else ():
            if not np.array_equal(core.memory[place : place + len(words)], words):
                raise CheckError(f"{TOP}: the netlist stored other results than the golden model's")
    return found


class _Core:
    """The netlist with its memory, reset."""

    def __init__(self, flat: Flat, work: Work, rng: np.random.Generator) -> None:
        self.memory = work.memory.copy()
        self.simulator = Simulator(flat, words=1, clock="clk_i", rng=rng)
        self.fetches: int | None = None
        self.ended = False
        self._answers: dict[str, Words | None] = {"instr": None, "data": None}
        for port in flat.inputs - {"clk_i"}:
            self.simulator.set(port, 0)
        for port, value in (("boot_addr_i", work.program.entry), ("mtvec_addr_i", work.program.entry)):
            self._drive(port, np.full(bits.LANES, value, np.uint32))
        for port in ("pulp_clock_en_i", "scan_cg_en_i", "fetch_enable_i", "instr_gnt_i", "data_gnt_i"):
            self.simulator.set(port, 1)
        for reset in (0, 0, 1):
            self.simulator.set("rst_ni", reset)
            self.simulator.settle()
            self.simulator.tick()

    def settle(self, *, unit_delays: bool) -> None:
        """Give the core what it asked for in the cycle before, and take what it asks for now."""
        for bus, words in self._answers.items():
            self.simulator.set(f"{bus}_rvalid_i", int(words is not None))
            if words is not None:
                self._drive(f"{bus}_rdata_i", words)
        self.simulator.settle(unit_delays=unit_delays)
        self.fetches = self._address("instr")
        self._answers["instr"] = None if self.fetches is None else self._read(self.fetches)
        address = self._address("data")
        self._answers["data"] = None
        if address is not None:
            written = bool(self._word("data_we_o")[0])
            self.ended = written and address == END
            if written and not self.ended:
                self._write(address)
            self._answers["data"] = np.zeros(bits.LANES, np.uint32) if written else self._read(address)

    def tick(self) -> None:
        """Go on to the next cycle."""
        self.simulator.tick()

    def _address(self, bus: str) -> int | None:
        if not self._word(f"{bus}_req_o")[0]:
            return None
        addresses = np.unique(self._word(f"{bus}_addr_o"))
        if len(addresses) != 1:
            raise CheckError(f"{TOP}: lanes differ in the addresses that they ask for")
        return int(addresses[0])

    def _read(self, address: int) -> Words:
        place = (address - MEMORY_BASE) // 4
        # The core fetches ahead, past the end of what there is.
        return self.memory[place] if place < len(self.memory) else np.zeros(bits.LANES, np.uint32)

    def _write(self, address: int) -> None:
        enabled = int(self._word("data_be_o")[0])
        mask = np.uint32(sum(0xFF << 8 * byte for byte in range(4) if enabled >> byte & 1))
        place = (address - MEMORY_BASE) // 4
        self.memory[place] = self.memory[place] & ~mask | self._word("data_wdata_o") & mask

    def _word(self, port: str) -> npt.NDArray[np.uint32]:
        nets = self.simulator.get(port)
        return bits.as_words(nets, bits.LANES, len(nets))[:, 0].astype(np.uint32)

    def _drive(self, port: str, words: npt.NDArray[np.uint32]) -> None:
        width = len(self.simulator.ports[port])
        self.simulator.set(port, bits.of_words(words.astype(np.uint64), width))


def _memory(program: Program, job: bytes) -> Words:
    """Return the program's memory with a job behind it, the same in all lanes."""
    content = bytearray(program.free - MEMORY_BASE + len(job))
    for address, data in program.segments.items():
        content[address - MEMORY_BASE : address - MEMORY_BASE + len(data)] = data
    content[program.free - MEMORY_BASE :] = job
    words = np.frombuffer(bytes(content) + bytes(-len(content) % 4), "<u4")
    return np.repeat(words[:, None], bits.LANES, axis=1).astype(np.uint32)
