"""Random commands to the address generator in a memory that waits; its words against the golden model's."""

from collections import Counter, deque
from types import ModuleType

import numpy as np
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import data
from amaranth.sim import Simulator, SimulatorContext

from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor.generator import unit as generator_unit
from tileloom.systolic.coprocessor.instruction import Operation, Setting
from tileloom_golden.systolic.coprocessor import SUMS
from tileloom_golden.systolic.generator import FetchingCoprocessor
from tileloom_sim.systolic.reference import arithmetic
from tileloom_sim.systolic.stimulus import float_words

from .coprocessor_bench import Draw, expect

PATIENCE = 20_000
"""Cycles after which an operation counts as hung."""

BASES = {"weights": 0, "x": 0x800, "y": 0x1000}
"""Addresses from which each kind of word lies, up to the next."""

ERRORS = {"weights": 1, "x": 2, "y": 3}
"""What a fault there is called."""

WAITS = ((0.0, 0), (0.5, 0), (0.3, 6), (0.0, 12))
"""Of memories: how often a request is not granted, and cycles at most that its answer takes longer."""


class Memory:
    """Grants and answers a port with waits, and errors where it is told to, with garbage for data."""

    def __init__(self, rng: np.random.Generator, bits: int) -> None:
        self.rng, self.lanes = rng, bits // 32
        self.words: dict[int, int] = {}
        self.faulty: range = range(0)
        self.waits = WAITS[0]
        self.answers: deque[tuple[int, int, bool]] = deque()  # when, data, error
        self.cycle, self.last = 0, 0
        self.held: tuple[int, ...] | None = None
        self.accesses: Counter[str] = Counter()

    def restart(self) -> None:
        """Forget what is asked for, as after reset."""
        self.answers.clear()
        self.held = None

    def garbage(self) -> int:
        """Return data where there is none."""
        return int.from_bytes(self.rng.bytes(4 * self.lanes), "little")

    def drive(self) -> dict[str, int]:
        """Return what the port sees in this cycle."""
        due = bool(self.answers) and self.answers[0][0] <= self.cycle
        word, error = self.answers.popleft()[1:] if due else (self.garbage(), self.rng.random() < 0.5)
        self.granted = self.rng.random() >= self.waits[0]
        return {"gnt": self.granted, "rvalid": due, "rdata": word, "err": error}

    def take(self, asked: tuple[int, int, int, int] | None) -> None:
        """Take what is asked for in this cycle: address, whether to write, bytes, data."""
        self.cycle += 1
        assert self.held is None or asked == self.held, "a request changed before it was granted"
        self.held = None if self.granted else asked
        if asked is None or self.held:
            return
        address, write, strobes, wanted = asked
        assert address % (4 * self.lanes) == 0
        self.last = max(self.last, self.cycle + int(self.rng.integers(self.waits[1] + 1)))
        if address in self.faulty:
            self.answers.append((self.last, self.garbage(), True))
            self.accesses["error"] += 1
            return
        places = [address + 4 * lane for lane in range(self.lanes)]
        found = sum(self.words.get(place, 0) << 32 * lane for lane, place in enumerate(places))
        self.answers.append((self.last, self.garbage() if write else found, False))
        self.accesses["stores" if write else "loads"] += 1
        for lane, place in enumerate(places if write else ()):
            whole = strobes >> 4 * lane & 0xF
            assert whole in (0, 0xF)
            if whole:
                assert place in self.words, f"stores to {place:#x}"
                self.words[place] = wanted >> 32 * lane & 0xFFFF_FFFF


class Bench:
    """A core that gives commands and other operations, and compares memory when none is left."""

    def __init__(self, config: SystolicConfig, seed: int, hardware: ModuleType) -> None:
        self.config = config
        self.rng = np.random.default_rng(seed)
        self.draw = Draw(config, seed + 1)
        self.reached: Counter[str] = Counter()
        self.golden = FetchingCoprocessor(
            {},
            rows=config.rows,
            columns=config.columns,
            double_buffer=True,
            accumulators=config.accumulators or 0,
            **arithmetic(config),
        )
        assert config.memory_bits is not None
        self.memory = Memory(self.rng, config.memory_bits)
        # All inputs are one signal: the simulator settles once for each that is set.
        self.dut = dut = hardware.FetchingUnit(config)
        core = {"reset": 1, "wants": 1, "operation": 4, "a": 32, "b": 32}
        side = {"gnt": 1, "rvalid": 1, "rdata": config.memory_bits, "err": 1}
        self.inputs = Signal(data.StructLayout(core | side))
        self.module = Module()
        self.module.submodules += ResetInserter(self.inputs.reset)(dut)
        self.module.d.comb += dut.taken.eq(self.inputs.wants & dut.ready)
        for port, names in ((dut, ("operation", "a", "b")), (dut.memory, side)):
            self.module.d.comb += [getattr(port, name).eq(getattr(self.inputs, name)) for name in names]

    def fill(self, vectors: int) -> None:
        """Put tiles, vectors and sums into memory, apart by random strides, for a few commands."""
        config, rng = self.config, self.rng
        strides = [4 * (length + int(rng.integers(6))) for length in (config.rows, config.columns)]
        weights, *starts = (base + 4 * int(rng.integers(16)) for base in BASES.values())
        self.settings = [weights, vectors, *strides]
        self.places = list(zip(starts, strides, strict=True))
        self.words = {weights + 4 * i: self.draw.weight() for i in range(1 << 8)}
        kinds = ((config.activation, config.rows, False), (config.accumulator, config.columns, True))
        for (form, length, infinity), (start, stride) in zip(kinds, self.places, strict=True):
            # Two tiles, one behind the other.
            drawn = float_words(rng, form, (2 * vectors, length), infinity=infinity)
            self.words |= {
                start + vector * stride + 4 * i: int(word)
                for vector, row in enumerate(drawn)
                for i, word in enumerate(row)
            }
        self.golden.memory, self.memory.words = dict(self.words), dict(self.words)

    async def cycle(self, ctx: SimulatorContext, **core: int) -> tuple[int, int]:
        """Pass one cycle, memory's side included; return whether an operation is ready, and its result."""
        port = self.dut.memory
        if "operation" not in core:  # something that is not wanted
            core |= {"operation": int(self.rng.integers(16)), "a": int(self.rng.integers(1 << 32)), "b": 0}
        ctx.set(self.inputs, {"reset": 0, "wants": 0, **core, **self.memory.drive()})
        found = ctx.get(self.dut.ready), ctx.get(self.dut.result)
        asked = None
        if ctx.get(port.req):
            write = ctx.get(port.we)
            asked = (ctx.get(port.addr), write, ctx.get(port.be), ctx.get(port.wdata) if write else 0)
        self.memory.take(asked)
        await ctx.tick()
        return found

    async def execute(self, ctx: SimulatorContext, operation: Operation, a: int, b: int) -> int:
        """Execute one operation; return its result."""
        for waited in range(PATIENCE):
            ready, result = await self.cycle(ctx, wants=1, operation=operation, a=a, b=b)
            if ready:
                self.reached[operation.name] += 1
                self.reached[f"{operation.name} waited"] += waited > 0
                return result
        raise AssertionError(f"{operation.name} is not ready after {PATIENCE} cycles")

    async def begin(self, ctx: SimulatorContext) -> None:
        """Give the settings of ``fill``, and a command, after which the state of the array is known."""
        for number, name in enumerate(self.golden.settings):
            await self.execute(ctx, Operation.SETTING, 0, number)
            self.golden.settings[name] = 0
        for number, value in enumerate(self.settings):
            a = value | int(self.rng.integers(4)) * (number != Setting.VECTORS)
            b = number | int(self.rng.integers(1 << 29)) << 3
            found = await self.execute(ctx, Operation.SETTING, a, b)
            assert found == self.golden.setting(a, b) == 0, f"setting {number} is {found:#x}"
        await self.multiply(ctx, 1)

    async def multiply(self, ctx: SimulatorContext, count: int) -> None:
        """Give commands, each until it is taken."""
        vectors = self.settings[Setting.VECTORS]
        for _ in range(count):
            a, b = (
                start + int(self.rng.integers(2)) * vectors * stride + int(self.rng.integers(4))
                for start, stride in self.places
            )
            while result := await self.execute(ctx, Operation.MULTIPLY, a, b):
                assert result == 1 << 29, f"{result:#x}"
                self.reached["refused"] += 1
                for _ in range(int(self.rng.integers(8))):
                    await self.cycle(ctx)
            assert self.golden.multiply(a, b) == 0

    async def wait(self, ctx: SimulatorContext) -> int:
        """Ask for the status until no command is left; return it."""
        for _ in range(PATIENCE):
            status = await self.execute(ctx, Operation.STATUS, 0, 0)
            if not status >> 29 & 1:
                return status
        raise AssertionError("the generator stays busy")

    async def compare(self, ctx: SimulatorContext) -> None:
        """Compare all of memory once no command is left."""
        status = await self.wait(ctx)
        assert status == 0, f"status {status:#x}"
        for address, word in self.golden.memory.items():
            found = self.memory.words[address]
            assert found == word, f"word at {address:#x} is {found:08x}, not {word:08x}"
            self.reached["compared"] += 1

    async def others(self, ctx: SimulatorContext) -> None:
        """Execute some operations of every array; commands begin anew from any state of it."""
        for _ in range(12):
            operation = self.draw.operation(self.golden)
            operands = self.draw.operands(operation, self.golden)
            if operands is None:
                continue
            result = await self.execute(ctx, operation, *operands)
            expected = expect(self.golden, operation, *operands)
            assert expected in (None, result), f"{operation.name}: {result:08x}, not {expected:08x}"

    async def fail(self, ctx: SimulatorContext, kind: str) -> None:
        """Have words of a kind fail; the generator says so, halts, and goes on when the error is cleared."""
        error = ERRORS[kind]
        self.memory.faulty = range(BASES[kind], BASES[kind] + 0x800)
        results = [
            await self.execute(ctx, Operation.MULTIPLY, *(start for start, _ in self.places))
            for _ in range(3)
        ]
        assert 0 in results and set(results) <= {0, 1 << 29, 1 << 29 | error << 30}, results
        status = await self.wait(ctx)
        assert status == error << 30, f"status {status:#x}, not the error {error}"
        assert await self.execute(ctx, Operation.MULTIPLY, 0, 0) == 1 << 29 | error << 30
        self.memory.faulty = range(0)
        self.golden.reset(SUMS)
        for _ in range(20):
            await self.cycle(ctx)
            assert not ctx.get(self.dut.memory.req), "a request after an error"
        assert await self.execute(ctx, Operation.SETTING, 0, Setting.ERROR) == error
        self.reached[f"error {error}"] += 1

    async def run(self, ctx: SimulatorContext, rounds: int) -> None:
        """Pass rounds, each with a kind of memory, in which commands and other operations take turns."""
        for index in range(rounds):
            self.memory.waits = WAITS[index % len(WAITS)]
            await self.wait(ctx)
            self.fill(int(self.rng.integers(1, 6)))
            await self.begin(ctx)
            await self.multiply(ctx, int(self.rng.integers(3)))
            await self.compare(ctx)
            await self.others(ctx)
            await self.multiply(ctx, int(self.rng.integers(2, 4)))
            await self.compare(ctx)
            await self.fail(ctx, list(ERRORS)[index % len(ERRORS)])
            if index % 2:
                self.fill(3)
                await self.begin(ctx)
                for _ in range(int(self.rng.integers(60))):
                    await self.cycle(ctx)
                await self.cycle(ctx, reset=1)
                self.memory.restart()
                self.golden.reset(SUMS)
                self.reached["reset"] += 1
        self.reached.update(self.memory.accesses)


def run(
    config: SystolicConfig, rounds: int, seed: int, hardware: ModuleType = generator_unit
) -> Counter[str]:
    """Run random commands; return what was reached. Raises AssertionError where something is wrong."""
    bench = Bench(config, seed, hardware)

    async def testbench(ctx: SimulatorContext) -> None:
        await bench.run(ctx, rounds)

    simulator = Simulator(bench.module)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return bench.reached
