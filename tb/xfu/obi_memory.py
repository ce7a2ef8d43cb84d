"""Memory at the unit's own load port, hostile within OBI 1.2 or AXI4-Lite and the rules of docs/hosts.md."""

import numpy as np
from amaranth.lib import wiring
from amaranth.sim import SimulatorContext


class ObiMemory:
    """Answers loads late, some with an error and garbage, and answers what nobody asked.

    On AXI4-Lite an answer may come with the grant, and stays until it is taken; none comes unasked.

    Attributes
    ----------
    axi:
        Whether it is on AXI4-Lite, and not on OBI.
    age:
        Every byte depends on it: an older store that arrives changes it.
    pending:
        Cycles for which an older store is on its way.
    failing:
        Whether the load that is under way, or the next one, gets a bus error.
    asked, last:
        Address of the byte that is owed; of the last one that was answered, and what it was (None: an error).
    """

    def __init__(self, rng: np.random.Generator, idle: float, *, axi: bool) -> None:
        self.rng, self.idle, self.axi = rng, idle, axi
        self.age = self.pending = 0
        self.failing = False
        self.ordered = 0
        self.reset()

    def reset(self) -> None:
        """Forget what is under way."""
        self.asked: int | None = None
        self.begun: tuple[int, int] | None = None
        self.last: tuple[int, int | None] | None = None
        self.answers = False
        self.shown: tuple[int, int] | None = None

    def byte(self, address: int) -> int:
        """Return what there is now."""
        return (address + self.age) * 0x9E3779B1 >> 9 & 0xFF

    def drive(self, ctx: SimulatorContext, dut: wiring.Component) -> None:
        """Set this cycle's inputs."""
        rng = self.rng
        ctx.set(dut.load_gnt, rng.random() >= self.idle)
        # What comes behind a request that has begun changes nothing of it.
        late = self.begun is not None and rng.random() < 0.5
        ctx.set(dut.stores_pending, self.pending > 0 or late)
        if self.axi:
            self._drive_axi(ctx, dut)
            return
        self.answers = self.asked is not None and rng.random() >= self.idle
        data = int(rng.integers(1 << 32))
        if self.answers:
            assert self.asked is not None
            found = None if self.failing else self.byte(self.asked)
            if found is not None:
                lane = self.asked % 4 * 8
                data = data & ~(0xFF << lane) | found << lane
            self.last = (self.asked, found)
        # Answers without a request, which the unit has to ignore; none while one is owed.
        stray = self.asked is None and rng.random() < 0.2
        ctx.set(dut.load_rvalid, self.answers or stray)
        ctx.set(dut.load_rdata, data)
        ctx.set(dut.load_err, self.failing if self.answers else int(rng.integers(2)))

    def _drive_axi(self, ctx: SimulatorContext, dut: wiring.Component) -> None:
        """Show an answer, with the grant at the soonest, and as it is until it is taken."""
        rng = self.rng
        owed = self.asked
        if owed is None and ctx.get(dut.load_req) and ctx.get(dut.load_gnt):
            owed = ctx.get(dut.load_addr) + ctx.get(dut.load_be).bit_length() - 1
        if self.shown is None and owed is not None and rng.random() >= self.idle:
            lane = owed % 4 * 8
            found = None if self.failing else self.byte(owed)
            data = int(rng.integers(1 << 32))
            self.shown = (
                data if found is None else data & ~(0xFF << lane) | found << lane,
                int(self.failing),
            )
            self.last = (owed, found)
        data, error = self.shown or (int(rng.integers(1 << 32)), int(rng.integers(2)))
        ctx.set(dut.load_rvalid, self.shown is not None)
        ctx.set(dut.load_rdata, data)
        ctx.set(dut.load_err, error)
        self.answers = self.shown is not None and bool(ctx.get(dut.load_rready))
        if self.answers:
            self.shown = None

    def observe(self, ctx: SimulatorContext, dut: wiring.Component) -> bool:
        """Check this cycle's request, before the clock; return whether it was taken."""
        req, gnt = ctx.get(dut.load_req), ctx.get(dut.load_gnt)
        assert ctx.get(dut.load_rready) == (self.asked is not None), "ready for no answer, or not for one"
        address, lanes = ctx.get(dut.load_addr), ctx.get(dut.load_be)
        if self.begun is not None:
            assert req and (address, lanes) == self.begun, "a request that was not granted has changed"
        elif req:
            assert not self.pending, "a load before an older store"
            assert self.asked is None, "two loads at a time"
        if self.answers:
            self.asked = None
        if self.pending:
            self.pending -= 1
            self.ordered += 1
            self.age += self.pending == 0
        self.begun = (address, lanes) if req and not gnt else None
        if req and gnt:
            assert address % 4 == 0 and lanes in (1, 2, 4, 8)
            self.asked = address + lanes.bit_length() - 1
        return bool(req and gnt)
