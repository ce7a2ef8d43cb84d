"""A host on CORE-V-XIF 1.0 at random, written from its specification; it holds the unit to a golden hart.

It does what the specification lets a host do and no real one does all of: offers taken back or changed,
registers that come one by one, commits and kills for many at once, early, late and twice; ids with gaps
around their whole range; instructions of somebody else in between, and its own that write the same registers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator, SimulatorContext

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv_x_if_1 import CvXIf1
from tileloom.xfu.instruction import encode_counter, encode_decimate, encode_held, encode_offsets
from tileloom_golden.xfu import xdecimate as golden

from .obi_memory import ObiMemory

FOREIGN = 0x0200_0033
"""mul x0, x0, x0: an instruction that is not the unit's."""

PATIENCE = 400
"""Cycles without a result after which the unit counts as stuck."""

QUIET = 40
"""Cycles in which all that is committed completes, without anything new."""


def check_x_if_1(
    rng: np.random.Generator,
    config: XfuConfig,
    adapter: type[CvXIf1] = CvXIf1,
    idle: float = 0.5,
    axi: bool = False,
    count: int = 120,
) -> None:
    """Hold an adapter to the golden hart for ``count`` results."""
    dut = adapter(config)
    host = Host(dut, rng, idle, axi)
    simulator = Simulator(ResetInserter(host.reset_signal)(dut))
    simulator.add_clock(1e-6)

    async def bench(ctx: SimulatorContext) -> None:
        while host.seen["results"] < count:
            await host.cycle(ctx)

    simulator.add_testbench(bench)
    simulator.run()
    assert min(host.seen.values()) > 0, host.seen


@dataclass(eq=False)
class Flying:
    """An instruction in flight.

    Attributes
    ----------
    accepted:
        None while it is on offer; then whether it was.
    own:
        Register and value, of the host's own instruction, which has no id.
    """

    id: int
    word: int
    instruction: Any
    accepted: bool | None = None
    committed: bool = False
    killed: bool = False
    own: tuple[int, int] | None = None


class Host:
    """The host, its registers, and the hart that the results are held to."""

    def __init__(self, dut: CvXIf1, rng: np.random.Generator, idle: float, axi: bool) -> None:
        self.dut, self.config, self.rng, self.idle = dut, dut.config, rng, idle
        self.reset_signal = Signal()
        self.hartid = int(rng.integers(1 << self.config.hartid_width))
        self.hart = golden.Hart(self.load, registers=[0, *map(int, rng.integers(0, 1 << 32, 31))])
        self.memory = ObiMemory(rng, idle, axi=axi)
        self.flying: list[Flying] = []
        self.offered: Flying | None = None
        self.newest = int(rng.integers(1 << self.config.id_width))
        self.valid = 0  # bits of rs_valid so far
        self.held: tuple[int, ...] | None = None
        self.idle_cycles = self.next_rd = self.quiet = 0
        kinds = "results spared faults rejected killed killed_on_offer retracted batches wrapped own resets"
        self.seen = dict.fromkeys(kinds.split(), 0)

    def load(self, address: int) -> int:
        """Return what the unit was answered, or fail where it was told of an error."""
        assert self.memory.last is not None and self.memory.last[0] == address, (
            f"{address:#x} was to be loaded"
        )
        byte = self.memory.last[1]
        if byte is None:
            raise golden.LoadError(address)
        return byte

    def chance(self, probability: float | None = None) -> bool:
        """Return whether something that may happen in any cycle happens in this one."""
        return bool(self.rng.random() < (1 - self.idle if probability is None else probability))

    def draw(self) -> tuple[Any, int]:
        """Return an instruction and its word."""
        rd, rs1, rs2 = (int(number) for number in self.rng.integers(0, 6, 3))
        rd, self.next_rd = self.next_rd or rd, 0
        kind = self.rng.random()
        if kind < 0.25:
            return None, FOREIGN
        if kind < 0.35:
            return golden.SwapCounter(rd, rs1), encode_counter(rd, rs1)
        m = int(self.rng.choice(self.config.group_sizes))
        if self.config.sources == 3:
            return golden.Decimate(m, rd, rs1, rs2), encode_decimate(m, rd, rs1, rs2)
        if kind < 0.5:
            return golden.SwapOffsets(rd, rs1), encode_offsets(rd, rs1)
        return golden.DecimateHeld(m, rd, rs1), encode_held(m, rd, rs1)

    def next_id(self) -> int | None:
        """Return an id for the next offer, or None: there is none that is not in flight."""
        ids = 1 << self.config.id_width
        gap = int(self.rng.integers(1, 4))
        oldest = next((each.id for each in self.flying if each.own is None), None)
        if oldest is not None:
            span = (self.newest - oldest) % ids
            if span + gap >= ids:
                return None
        return (self.newest + gap) % ids

    def offer(self) -> None:
        """Go on with the offer, take it back, change it, or begin one."""
        offered = self.offered
        if offered is not None and self.chance(0.1 if not offered.killed else 0.5):
            self.flying.remove(offered)
            self.offered = offered = None
            self.seen["retracted"] += 1
        if offered is None and self.chance():
            tag = self.next_id()
            if tag is not None:
                self.seen["wrapped"] += tag < self.newest
                self.newest, self.valid = tag, 0
                instruction, word = self.draw()
                self.offered = Flying(tag, word, instruction)
                self.flying.append(self.offered)

    def operands(self) -> tuple[list[int], int]:
        """Return values for rs1, rs2 and rs3, garbage among them, and which are valid."""
        assert self.offered is not None
        word, count = self.offered.word, self.config.sources
        numbers = [word >> 15 & 31, word >> 20 & 31, word >> 7 & 31][:count]
        values = []
        for place, number in enumerate(numbers):
            value = self.newest_value(number)
            if not self.valid >> place & 1 and value is not None and self.chance():
                self.valid |= 1 << place
            known = value is not None and self.valid >> place & 1
            values.append(value if known else int(self.rng.integers(1 << 32)))
        return values, self.valid

    def newest_value(self, number: int) -> int | None:
        """Return what is newest in program order of a register, or None: an older result is awaited."""
        for each in reversed(self.flying if number else []):
            if each.own is not None and each.own[0] == number:
                return each.own[1]
            if each.accepted and not each.killed and each.own is None and each.instruction.rd == number:
                return None
        return self.hart.registers[number]

    def order(self) -> tuple[Flying | None, bool]:
        """Return what is committed or killed in this cycle, and which."""
        ids = [each for each in self.flying if each.own is None]
        open_ = [each for each in ids if not each.committed and not each.killed]
        if not ids or not self.chance(0.4):
            return None, False
        if not open_ or self.chance(0.3):
            # What is decided already stays so; others are meant by it all the same.
            decided = [each for each in ids if each.committed or each.killed]
            return (decided[-1], self.chance()) if decided else (None, False)
        return open_[int(self.rng.integers(len(open_)))], self.chance(0.25)

    async def cycle(self, ctx: SimulatorContext) -> None:
        """Pass a cycle; check all that the coprocessor does in it."""
        dut, rng = self.dut, self.rng
        if self.chance(0.012):
            await self.reset(ctx)
            return
        if self.quiet:  # nothing new: what is committed completes by itself
            self.quiet -= 1
            left = [each for each in self.flying if each.accepted and each.committed and each.own is None]
            assert self.quiet or not left, f"{left} does not complete"
        elif self.chance(0.04):
            self.quiet = QUIET
            if self.offered is not None:
                self.flying.remove(self.offered)
                self.offered = None
        else:
            self.offer()
        if not self.memory.pending and self.chance(0.1):
            self.memory.pending = int(rng.integers(1, 5))
        if self.memory.asked is None and self.memory.begun is None:
            self.memory.failing = self.chance(0.1)
        values, valid = self.operands() if self.offered else ([0] * self.config.sources, 0)
        named, kill = (None, False) if self.quiet else self.order()
        offered = self.offered
        ready = self.chance() or self.quiet > 0
        garbage = int(rng.integers(1 << 32))
        signals = {
            "issue_valid": offered is not None,
            "issue_instr": offered.word if offered else garbage,
            "issue_id": offered.id if offered else garbage,
            "issue_hartid": self.hartid if offered else garbage,
            "register_valid": offered is not None,
            "register_rs_valid": valid if offered else garbage,
            "commit_valid": named is not None,
            "commit_id": named.id if named else garbage,
            "commit_hartid": self.hartid if named else garbage,
            "commit_kill": kill if named else garbage & 1,
            "result_ready": ready,
        } | {f"register_rs{place + 1}": value for place, value in enumerate(values)}
        for name, value in signals.items():
            signal = getattr(dut, name)
            ctx.set(signal, int(value) & (1 << len(signal)) - 1)
        self.memory.drive(ctx, dut)
        self.decide(named, kill)
        self.result(ctx, ready)
        if self.memory.observe(ctx, dut):
            self.check_load()
        self.issue(ctx)
        self.flying = [each for each in self.flying if self.in_flight(each)]
        self.retire_own()
        self.write_own()
        self.idle_cycles += 1
        assert self.idle_cycles < PATIENCE, f"stuck with {self.flying}"
        await ctx.tick()

    def decide(self, named: Flying | None, kill: bool) -> None:
        """Commit or kill what this cycle's order means: all up to it, or all from it on."""
        if named is None:
            return
        place = self.flying.index(named)
        meant = self.flying[place:] if kill else self.flying[: place + 1]
        meant = [each for each in meant if not each.committed and not each.killed]
        self.seen["batches"] += sum(each.own is None for each in meant) > 1
        for each in meant:
            each.committed, each.killed = not kill, kill
        older = [
            each for each in self.flying[:place] if each.accepted and not each.killed and each.own is None
        ]
        self.seen["spared"] += kill and any(not each.committed for each in older)
        self.seen["killed"] += sum(kill and bool(each.accepted) and each.own is None for each in meant)

    def in_flight(self, each: Flying) -> bool:
        """Return whether an instruction still is: "Identification"."""
        if each.killed:
            return each.accepted is None
        if each.own is not None:
            return True
        return each.accepted is not False or not each.committed

    def issue(self, ctx: SimulatorContext) -> None:
        """See whether what is on offer is taken."""
        dut, offered = self.dut, self.offered
        if offered is None:
            return
        assert ctx.get(dut.register_ready) == ctx.get(dut.issue_ready)
        if not ctx.get(dut.issue_ready):
            assert offered.instruction is not None, "an instruction of somebody else waits"
            return
        offered.accepted = bool(ctx.get(dut.issue_accept))
        assert offered.accepted == (offered.instruction is not None)
        assert ctx.get(dut.issue_writeback) == offered.accepted
        reads = ctx.get(dut.issue_register_read)
        swaps = isinstance(offered.instruction, golden.SwapCounter | golden.SwapOffsets)
        assert reads == (0 if not offered.accepted else 1 if swaps else 2**self.config.sources - 1)
        assert offered.killed or reads & ~self.valid == 0, "taken without its registers"
        self.seen["rejected"] += not offered.accepted
        self.seen["killed_on_offer"] += offered.killed and offered.accepted
        self.offered = None

    def head(self) -> Flying | None:
        """Return the oldest instruction that owes a result."""
        self.retire_own()
        return next((each for each in self.flying if each.accepted and not each.killed), None)

    def check_load(self) -> None:
        """Check that a load is of the oldest instruction, which is committed."""
        head = self.head()
        assert head is not None and head.committed, "a load of what is not committed"

    def result(self, ctx: SimulatorContext, ready: bool) -> None:
        """Check a result, and that one that was not taken stays."""
        dut = self.dut
        if not ctx.get(dut.result_valid):
            assert self.held is None, "a result was taken back"
            return
        names = ("id", "hartid", "data", "rd", "we")
        found = tuple(int(ctx.get(getattr(dut, f"result_{name}"))) for name in names)
        assert self.held in (None, found), "a result has changed"
        self.held = None if ready else found
        head = self.head()
        assert head is not None and head.committed, "a result of what is not committed"
        if not ready:
            return
        registers, rd = self.hart.registers, head.instruction.rd
        expected = registers[rd]
        try:
            self.hart.execute(head.instruction)
            expected = registers[rd]
        except golden.LoadError:
            self.seen["faults"] += 1
        assert found[:2] == (head.id, self.hartid) and found[3:] == (rd, 1), found
        assert rd == 0 or found[2] == expected, f"{head.instruction}: {found[2]:#x}, not {expected:#x}"
        self.flying.remove(head)
        self.seen["results"] += 1
        self.idle_cycles = 0

    def retire_own(self) -> None:
        """Let the host's own instructions write that have nothing older before them."""
        while self.flying and self.flying[0].own is not None:
            register, value = self.flying.pop(0).own or (0, 0)
            self.hart.write(register, value)

    def write_own(self) -> None:
        """Begin an instruction of the host's own, whose value is there at once, whatever older ones write."""
        if self.offered is None and self.chance(0.3):
            own = int(self.rng.integers(1, 6)), int(self.rng.integers(1 << 32))
            awaited = {each.instruction.rd for each in self.flying if each.accepted and each.own is None}
            self.flying.append(Flying(-1, 0, None, accepted=True, own=own))
            if own[0] in awaited:  # and one of the unit's behind it, which reads what is newest
                self.next_rd = own[0]
                self.seen["own"] += 1

    async def reset(self, ctx: SimulatorContext) -> None:
        """Give the coprocessor the state that it begins with, whatever is under way."""
        ctx.set(self.dut.issue_valid, 0)
        ctx.set(self.dut.commit_valid, 0)
        ctx.set(self.reset_signal, 1)
        await ctx.tick()
        ctx.set(self.reset_signal, 0)
        self.flying, self.offered, self.held, self.quiet = [], None, None, 0
        self.memory.reset()
        self.hart.counter = self.hart.offsets = 0
        self.seen["resets"] += 1
