"""A host on CV-X-IF that stalls, commits, kills and resets at random, and a scoreboard of what completes."""

from collections import Counter
from types import ModuleType

import numpy as np
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator, SimulatorContext

from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor import cv_x_if
from tileloom.systolic.coprocessor.instruction import FORMS, Operation, encode

from .coprocessor_bench import PATIENCE, Draw, expect, model

FOREIGN = (0x13, 0x0000702B | 7 << 25, 0x0000702B | 3 << 25 | 1 << 15, 0x0000602B)
"""Words that are not the array's: addi, funct7 out of range, a register too many, xDecimate's funct3."""


class Instruction:
    """One on its way: its word's fields, and whether it is committed."""

    def __init__(self, operation: Operation, a: int, b: int, rd: int, tag: int) -> None:
        self.operation, self.a, self.b, self.rd, self.tag = operation, a, b, rd, tag
        self.committed = False

    @property
    def word(self) -> int:
        """The instruction word; registers that it reads have numbers of no matter."""
        form = FORMS[self.operation]
        return encode(self.operation, rd=self.rd if form.rd else 0, rs1=5 * form.rs1, rs2=6 * form.rs2)


class Host:
    """Offers instructions, decides about them in order, and takes results in order.

    ``flight`` are those accepted and not complete; one at most of them, the youngest, is not committed.
    """

    def __init__(self, config: SystolicConfig, seed: int) -> None:
        self.config = config
        self.draw = Draw(config, seed)
        self.rng = np.random.default_rng(seed + 1)
        self.reached: Counter[str] = Counter()
        self.tag = 0
        self.restart()

    def restart(self) -> None:
        """Begin as after reset: with a tile of weights, and a vector that takes it up."""
        self.golden = model(self.config)
        self.preload = [Operation.STEP] * self.golden.steps + [Operation.WEIGHT] * self.golden.weight_words
        self.draw.burst = []
        self.flight: list[Instruction] = []
        self.offer: Instruction | None = None

    def next_instruction(self) -> Instruction:
        """Draw an instruction that is possible once all in flight have completed."""
        while True:
            operation = self.preload.pop() if self.preload else self.draw.operation(self.golden)
            # An index of ACTIVATION must be there when it executes.
            if operation is Operation.ACTIVATION and self.flight:
                continue
            operands = self.draw.operands(operation, self.golden)
            if operands is not None:
                rd = int(self.rng.integers(32)) if FORMS[operation].rd else 0
                return Instruction(operation, *operands, rd, self.tag)


async def run_host(ctx: SimulatorContext, dut: cv_x_if.CvXIf, reset: Signal, host: Host, wanted: int) -> None:
    """Pass cycles until ``wanted`` instructions have completed."""
    rng, done, idle = host.rng, 0, 0
    ctx.set(dut.issue_rs_valid, 3)
    while done < wanted:
        moving, ready = rng.random() < 0.8, rng.random() < 0.8
        # What CV32E40X does after a CSR instruction has the guard wait; a foreign word now and then.
        foreign = rng.random() < 0.05
        if host.offer is None and rng.random() < 0.8 and not foreign:
            host.offer = host.next_instruction()
        offer = None if foreign else host.offer
        word = int(rng.choice(FOREIGN)) if foreign else offer.word if offer else 0x13
        ctx.set(dut.mem_ready, moving)
        ctx.set(dut.issue_valid, foreign or offer is not None)
        ctx.set(dut.issue_instr, word)
        ctx.set(dut.issue_id, host.tag)
        ctx.set(dut.issue_rs1, offer.a if offer else int(rng.integers(1 << 32)))
        ctx.set(dut.issue_rs2, offer.b if offer else int(rng.integers(1 << 32)))

        undecided = next((each for each in host.flight if not each.committed), None)
        decides = rng.random() < 0.6
        target = undecided or (offer if offer and not offer.committed else None)
        kills = bool(decides and target and not host.preload and rng.random() < 0.15)
        ctx.set(dut.commit_valid, bool(decides and target))
        ctx.set(dut.commit_id, target.tag if target else int(rng.integers(16)))
        ctx.set(dut.commit_kill, kills)
        ctx.set(dut.result_ready, ready and bool(host.flight) and host.flight[0].committed)

        accepted = False
        if ctx.get(dut.issue_valid) and ctx.get(dut.issue_ready):
            assert bool(ctx.get(dut.issue_accept)) is not foreign, f"{word:08x}"
            accepted = not foreign
            host.reached["foreign"] += foreign
        completes = ctx.get(dut.result_valid) and ctx.get(dut.result_ready)
        if completes:
            oldest = host.flight.pop(0)
            got = ctx.get(dut.result_data), ctx.get(dut.result_rd), ctx.get(dut.result_id)
            expected = expect(host.golden, oldest.operation, oldest.a, oldest.b)
            assert got[1:] == (oldest.rd, oldest.tag), f"{oldest.operation.name}: rd, id {got[1:]}"
            if expected is not None:
                assert got[0] == expected, (
                    f"{done}, {oldest.operation.name}: {got[0]:08x}, not {expected:08x}"
                )
                host.reached["compared"] += 1
            done += 1
        idle = 0 if completes or kills or foreign else idle + 1
        assert idle < PATIENCE, "the coprocessor stands still"
        if decides and target and not kills:
            target.committed = True
            host.reached["committed while offered"] += target is offer and not accepted
        if kills:
            host.reached["killed in flight" if undecided else "killed on offer"] += 1
            host.flight = [each for each in host.flight if each.committed]
            # Younger ones are killed with it: what was on offer is taken back.
            host.offer = None
            accepted = False
            host.tag = (host.tag + 1) % 16
        if accepted and host.offer:
            host.flight.append(host.offer)
            host.offer = None
            host.tag = (host.tag + 1) % 16
        resets = not host.preload and rng.random() < 0.01
        ctx.set(reset, resets)
        await ctx.tick()
        ctx.set(reset, 0)
        if resets:
            host.reached["reset"] += 1
            host.restart()


def run(config: SystolicConfig, instructions: int, seed: int, hardware: ModuleType = cv_x_if) -> Counter[str]:
    """Run random instructions; return what was reached. Raises AssertionError where something is wrong."""
    dut, host, reset = hardware.CvXIf(config), Host(config, seed), Signal()

    async def bench(ctx: SimulatorContext) -> None:
        await run_host(ctx, dut, reset, host, instructions)

    simulator = Simulator(ResetInserter(reset)(dut))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return host.reached
