"""Random operations on the functional unit, each compared with the golden model as it completes."""

from collections import Counter
from types import ModuleType

import numpy as np
from amaranth.sim import Simulator, SimulatorContext

from tileloom.formats import FloatFormat
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor import unit as coprocessor_unit
from tileloom.systolic.coprocessor.instruction import Operation
from tileloom_golden.systolic.coprocessor import Coprocessor
from tileloom_sim.systolic.reference import arithmetic
from tileloom_sim.systolic.stimulus import float_words, integer_words

PATIENCE = 1000
"""Cycles after which an operation counts as hung: more than a vector takes through any array here."""

MIX = {
    Operation.STEP: 60,
    Operation.READ: 6,
    Operation.WEIGHT: 20,
    Operation.STATUS: 6,
    Operation.RESET: 0.7,
    Operation.ACTIVATION: 4,
    Operation.RESULT: 4,
}

SUMS_MIX = {
    Operation.FIRST: 25,
    Operation.NEXT: 50,
    Operation.LAST: 40,
    Operation.SUM: 15,
    Operation.HOLD: 15,
    Operation.HELD: 8,
}
"""With a memory of sums there are these besides."""


def model(config: SystolicConfig) -> Coprocessor:
    """Return the golden model of a configuration."""
    return Coprocessor(
        rows=config.rows,
        columns=config.columns,
        double_buffer=config.double_buffer,
        accumulators=config.accumulators or 0,
        **arithmetic(config),
    )


class Draw:
    """Draws operations and operands for a configuration."""

    def __init__(self, config: SystolicConfig, seed: int) -> None:
        self.config = config
        self.rng = np.random.default_rng(seed)
        self.burst: list[Operation] = []
        self.mix = MIX | (SUMS_MIX if config.accumulators else {})

    def weight(self) -> int:
        """Return a word of weights, its unused bits random."""
        config, rng = self.config, self.rng
        word = int(rng.integers(1 << 32))
        width = config.weight.width
        for index in range(config.weights_per_word):
            if isinstance(config.weight, FloatFormat):
                value = int(float_words(rng, config.weight, 1)[0])
            else:
                value = int(integer_words(rng, config.weight.bits, 1)[0])
            low = 32 - (index + 1) * width
            word = word & ~(((1 << width) - 1) << low) | value << low
        return word

    def above(self, word: int, width: int) -> int:
        """Return a word with random bits above its width."""
        return word | (int(self.rng.integers(1 << 32)) >> width << width)

    def operation(self, golden: Coprocessor) -> Operation:
        """Return the next operation: some come in bursts, as software gives them."""
        if not self.burst:
            operations = list(self.mix)
            chances = np.array(list(self.mix.values()))
            chosen = operations[self.rng.choice(len(operations), p=chances / chances.sum())]
            longest = {
                Operation.STEP: 3 * golden.steps,
                Operation.WEIGHT: golden.weight_words,
                Operation.READ: 2 * golden.columns,
                **dict.fromkeys((Operation.FIRST, Operation.NEXT, Operation.LAST), 3 * golden.steps),
            }.get(chosen, 2)
            self.burst = [chosen] * int(self.rng.integers(1, longest + 1))
        return self.burst.pop()

    def operands(self, operation: Operation, golden: Coprocessor) -> tuple[int, int] | None:
        """Return rs1 and rs2, or None where the operation makes no sense now."""
        config, rng = self.config, self.rng
        total = config.accumulator
        a = b = int(rng.integers(1 << 32))  # of an operand that is not looked at
        if operation in (Operation.STEP, Operation.READ):
            b = self.above(int(float_words(rng, total, 1, infinity=True)[0]), total.width)
        if operation in (Operation.STEP, Operation.FIRST, Operation.NEXT, Operation.LAST):
            a = self.above(int(float_words(rng, config.activation, 1)[0]), config.activation.width)
        elif operation is Operation.WEIGHT:
            a = self.weight()
        elif operation is Operation.RESET:
            a = int(rng.integers(8)) | int(rng.integers(1 << 29)) << 3
        elif operation is Operation.ACTIVATION:
            begun = min(golden.status() >> 8 & 0xFF, config.rows)
            if not begun:
                return None
            a = int(rng.integers(begun))
        elif operation in (Operation.RESULT, Operation.HOLD):
            a = self.above(int(float_words(rng, total, 1, infinity=True)[0]), total.width)
        return a, b


def expect(golden: Coprocessor, operation: Operation, a: int, b: int) -> int | None:
    """Let the model execute an operation; return its result, None where it has none."""
    if operation is Operation.STEP:
        return golden.step(a, b)
    if operation is Operation.READ:
        return golden.read(b)
    if operation is Operation.STATUS:
        return golden.status()
    if operation is Operation.ACTIVATION:
        return golden.activation(a)
    if operation is Operation.LAST:
        return golden.last(a)
    if operation is Operation.SUM:
        return golden.sum()
    if operation is Operation.HELD:
        return golden.held()
    {
        Operation.WEIGHT: golden.weight,
        Operation.RESET: golden.reset,
        Operation.RESULT: golden.result,
        Operation.FIRST: golden.first,
        Operation.NEXT: golden.next,
        Operation.HOLD: golden.hold,
    }[operation](a)
    return None


def run(
    config: SystolicConfig, operations: int, seed: int, hardware: ModuleType = coprocessor_unit
) -> Counter[str]:
    """Run random operations back to back and with gaps; return what was reached. Raises AssertionError."""
    reached: Counter[str] = Counter()
    dut = hardware.Unit(config)

    async def bench(ctx: SimulatorContext) -> None:
        draw, golden = Draw(config, seed), model(config)
        # Weights have no reset: a tile comes first, and a vector that takes it up.
        preload = [Operation.STEP] * golden.steps + [Operation.WEIGHT] * golden.weight_words
        done = 0
        while done < operations:
            operation = preload.pop() if preload else draw.operation(golden)
            operands = draw.operands(operation, golden)
            if operands is None:
                continue
            a, b = operands
            ctx.set(dut.operation, operation)
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            # Something else may have EX for a while, which must not change anything.
            for _ in range(int(draw.rng.integers(4)) if draw.rng.random() < 0.2 else 0):
                await ctx.tick()
            waited = 0
            while not ctx.get(dut.ready):
                await ctx.tick()
                waited += 1
                assert waited < PATIENCE, f"{operation.name} is not ready after {PATIENCE} cycles"
            result = ctx.get(dut.result)
            unread = golden.status() & 0xFF
            expected = expect(golden, operation, a, b)
            if expected is not None:
                assert result == expected, (
                    f"operation {done}, {operation.name}: {result:08x}, not {expected:08x}"
                )
                reached["compared"] += 1
            reached[operation.name] += 1
            reached["waited"] += waited > 0
            reached[f"{operation.name} waited"] += waited > 0
            reached["taken back"] += operation is Operation.STEP and unread > config.columns
            reached["full"] += unread == 2 * config.columns
            reached["sums full"] += 0 < golden.accumulators == golden.held()
            ctx.set(dut.taken, 1)
            await ctx.tick()
            ctx.set(dut.taken, 0)
            done += 1

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return reached
