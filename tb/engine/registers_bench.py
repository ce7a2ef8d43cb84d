"""cocotb side of ``test_registers.py``: an engine behind registers, and the bus models of cocotbext-axi."""

import json
import random
from collections import Counter
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Combine, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiSlave
from cocotbext.axi.axil_channels import (
    AxiLiteARSource,
    AxiLiteAWSource,
    AxiLiteBSink,
    AxiLiteRSink,
    AxiLiteWSource,
)

from tileloom_golden import registers as common
from tileloom_golden.engine import registers as golden

from .axi_bench import PLAN, FaultyMemory, pauses

PAUSES = (0.0, 0.3, 0.8)
EVERYTHING = (common.DONE | common.FAULTY | common.REFUSED, common.DONE, 0)


class Memory(FaultyMemory):
    """What ``FaultyMemory`` is, from an address on."""

    size = 1 << PLAN["address_bits"]  # what the model of the bus looks at

    async def _read(self, address, length, **kwargs):
        return await super()._read(address - PLAN["memory_base"], length, **kwargs)

    async def _write(self, address, data, **kwargs):
        await super()._write(address - PLAN["memory_base"], data, **kwargs)


class Bench:
    """The clock, the memory, and a host whose channels all pause at random, each on its own."""

    def __init__(self, dut) -> None:
        self.dut = dut
        self.memory = Memory(1 << PLAN["memory_bits"])
        common = {"reset_active_level": False}
        self.slave = AxiSlave(
            AxiBus.from_prefix(dut, "m_axi"), dut.aclk, dut.aresetn, target=self.memory, **common
        )
        bus = AxiLiteBus.from_prefix(dut, "s_axi")
        self.aw = AxiLiteAWSource(bus.write.aw, dut.aclk, dut.aresetn, **common)
        self.w = AxiLiteWSource(bus.write.w, dut.aclk, dut.aresetn, **common)
        self.b = AxiLiteBSink(bus.write.b, dut.aclk, dut.aresetn, **common)
        self.ar = AxiLiteARSource(bus.read.ar, dut.aclk, dut.aresetn, **common)
        self.r = AxiLiteRSink(bus.read.r, dut.aclk, dut.aresetn, **common)
        self.model = golden.EngineRegisters(
            {int(address): word for address, word in PLAN["built"].items()},
            address_bits=PLAN["address_bits"],
        )
        self.seen = Counter()  # at the pins, since reset
        self.read_at = 0  # the cycle in which the last read was taken

    async def begin(self) -> None:
        """Start the clock and what watches, and reset."""
        cocotb.start_soon(Clock(self.dut.aclk, 10, "ns").start())
        cocotb.start_soon(self._watch())
        cocotb.start_soon(self._hold())
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    async def _watch(self) -> None:
        """Count what the counters count, as docs/registers.md has it, from the pins alone."""
        dut, on_its_way, offered = self.dut, 0, False
        while True:
            await RisingEdge(dut.aclk)
            if not dut.aresetn.value:
                continue
            ar, r = bool(dut.m_axi_arvalid.value), bool(dut.m_axi_rvalid.value)
            on_its_way += ar and not offered
            offered = ar and not dut.m_axi_arready.value
            self.seen[common.STALLS_IN] += on_its_way > 0 and not r
            on_its_way -= r and bool(dut.m_axi_rready.value) and bool(dut.m_axi_rlast.value)
            self.seen[common.STALLS_OUT] += any(
                getattr(dut, f"m_axi_{name}valid").value and not getattr(dut, f"m_axi_{name}ready").value
                for name in ("aw", "w")
            )
            for name in ("aw", "b"):
                pins = (getattr(dut, f"m_axi_{name}{pin}").value for pin in ("valid", "ready"))
                self.seen[name] += all(pins)
            if dut.s_axi_arvalid.value and dut.s_axi_arready.value:
                self.read_at = self.seen[common.CYCLES]
            self.seen[common.CYCLES] += 1
            self.seen["reading"] = on_its_way

    async def _hold(self) -> None:
        """Check that B and R stay, with what they say, until they are taken."""
        dut, before = self.dut, {}
        while True:
            await RisingEdge(dut.aclk)
            for name, fields in (("b", ["resp"]), ("r", ["data", "resp"])):
                valid, ready = (bool(getattr(dut, f"s_axi_{name}{pin}").value) for pin in ("valid", "ready"))
                shown = (
                    [int(getattr(dut, f"s_axi_{name}{field}").value) for field in fields] if valid else None
                )
                assert before.get(name) in (None, shown), f"{name} was not held"
                before[name] = shown if valid and not ready else None

    def pause(self, share: float | None = None) -> None:
        """Let every channel pause anew."""
        for channel in (self.aw, self.w, self.b, self.ar, self.r):
            channel.set_pause_generator(pauses(random.choice(PAUSES) if share is None else share))
        memory = self.slave.write_if, self.slave.read_if
        for channel in (memory[0].aw_channel, memory[0].w_channel, memory[0].b_channel):
            channel.set_pause_generator(pauses(random.choice(PAUSES)))
        for channel in (memory[1].ar_channel, memory[1].r_channel):
            channel.set_pause_generator(pauses(random.choice(PAUSES)))

    async def _send(self, channel, fields: dict[str, int]) -> None:
        beat = channel._transaction_obj()
        for name, value in fields.items():
            setattr(beat, name, value)
        await channel.send(beat)

    async def write(self, *writes: tuple[int, ...]) -> list[int]:
        """Return the responses to writes (address, data, strobe), one after the other on each channel."""

        async def addresses() -> None:
            for address, *_ in writes:
                await self._send(self.aw, {"awaddr": address})

        async def words() -> None:
            for _, word, *strobe in writes:
                await self._send(self.w, {"wdata": word, "wstrb": strobe[0] if strobe else 15})

        order = [addresses, words]
        random.shuffle(order)
        tasks = []
        for each in order:
            tasks.append(cocotb.start_soon(each()))
            await ClockCycles(self.dut.aclk, random.randrange(4))
        await Combine(*tasks)
        found = [await with_timeout(self.b.recv(), 100, "us") for _ in writes]
        return [int(answer.bresp) for answer in found]

    async def read(self, address: int) -> tuple[int, int]:
        """Return the word and the response."""
        await self._send(self.ar, {"araddr": address})
        answer = await with_timeout(self.r.recv(), 100, "us")
        return int(answer.rdata), int(answer.rresp)

    async def word(self, address: int) -> int:
        """Return the word of a register that there is."""
        word, response = await self.read(address)
        assert response == common.OKAY
        return word

    async def check(self, address: int) -> None:
        """Compare a read with the golden model; what counts with what was seen at the pins."""
        for counter in (common.STALLS_IN, common.STALLS_OUT):
            self.model.counts[counter] = self.seen[counter]
        found = await self.read(address)
        self.model.counts[common.CYCLES] = self.read_at
        expected = self.model.read(address)
        assert found == expected, f"{address:#x}: {found}, golden model {expected}"

    async def until(self, address: int, mask: int, value: int) -> None:
        """Wait until the bits of a register in a mask have a value."""
        for _ in range(20_000):
            if await self.word(address) & mask == value:
                return
        raise AssertionError(f"{address:#x} does not become {value:#x}")

    def irq_is_right(self) -> None:
        """Compare the interrupt with the golden model."""
        assert bool(self.dut.irq.value) == self.model.irq

    async def reset_softly(self) -> None:
        """Ask for a soft reset, wait for its end, and check that no burst is left open."""
        await self.write((common.CONTROL, common.SOFT_RESET))
        self.model.write(common.CONTROL, common.SOFT_RESET)
        await self.until(common.STATUS, common.RESETTING, 0)
        assert self.seen["reading"] == 0 and self.seen["aw"] == self.seen["b"], "a burst is left open"
        self.model.reset_done()


@cocotb.test()
async def accesses(dut) -> None:
    """At rest: any address, word and strobes in any order, against the golden model."""
    bench = Bench(dut)
    await bench.begin()
    addresses = [*range(0, 0x80, 4), *random.choices(range(0x80), k=8)]
    for address in addresses:
        await bench.check(address)
    for _ in range(PLAN["accesses"]):
        bench.pause()
        writes = [
            # No start: there is no program.
            (
                address := random.choice(addresses),
                random.getrandbits(32) & ~common.START,
                random.getrandbits(4),
            )
            for _ in range(random.randint(1, 3))
        ]
        resets = [
            address & ~3 == common.CONTROL and word & 2 and strobe & 1 for address, word, strobe in writes
        ]
        if any(resets):
            continue
        found = await bench.write(*writes)
        assert found == [bench.model.write(*write) for write in writes]
        bench.irq_is_right()
        for address in (random.choice(addresses), *(write[0] for write in writes)):
            await bench.check(address)
    # Reads and writes at once, each as fast as it can.
    bench.pause(0)
    there = cocotb.start_soon(bench.write(*[(common.INTERRUPT_ENABLE, 0)] * 20))
    for _ in range(20):
        await bench.check(common.ID)
    assert await there == [common.OKAY] * 20
    bench.model.enable = 0
    # A soft reset at rest: back at once, and nothing has happened.
    await bench.reset_softly()
    busy = await bench.word(common.BUSY_CYCLES)
    assert 0 < busy < 8
    bench.model.counts[common.BUSY_CYCLES] = busy
    for address in addresses:
        await bench.check(address)


@cocotb.test()
async def programs(dut) -> None:
    """Every program of the plan, some given up in the middle first; registers against the golden model."""
    bench = Bench(dut)
    await bench.begin()
    model, found = bench.model, []
    for program in PLAN["programs"]:
        content = Path(program["content"]).read_bytes()
        where = slice(program["base"], program["base"] + len(content))
        bench.memory.mem[:] = bytes(len(bench.memory.mem))
        bench.memory.mem[where] = content
        bench.memory.bad = range(*program["bad"])
        bench.pause()
        enable = random.choice(EVERYTHING)
        setting = [(golden.PROGRAM_LOW, program["start"] & 0xFFFFFFFF), (common.INTERRUPT_ENABLE, enable)]
        if PLAN["address_bits"] > 32:
            setting.append((golden.PROGRAM_HIGH, program["start"] >> 32))
        await bench.write(*setting)
        for write in setting:
            model.write(*write)
        gone = False
        for delay in program["given_up"]:
            await bench.write((common.CONTROL, common.START))
            await ClockCycles(dut.aclk, delay)
            await bench.reset_softly()
            gone = bool(await bench.word(common.INTERRUPT_STATUS))
            assert not gone, "the program had its end before it was given up; the delay is too long"
            for address in (common.STATUS, common.FAULT, golden.FAULT_ADDRESS_LOW, golden.PROGRAM_LOW):
                await bench.check(address)
            bench.memory.mem[where] = content
        before = [await bench.word(golden.BLOCKS_SKIPPED), await bench.word(common.BUSY_CYCLES)]
        started = [(common.CONTROL, common.START)] * (2 if program["refused"] else 1)
        for write in started:
            await bench.write(write)
            model.write(*write)
            await bench.check(common.STATUS)
        await bench.until(common.INTERRUPT_STATUS, common.DONE, common.DONE)
        assert bench.seen["reading"] == 0 and bench.seen["aw"] == bench.seen["b"], "done, and a burst is open"
        fault = await bench.word(common.FAULT)
        address = await bench.word(golden.FAULT_ADDRESS_LOW)
        if PLAN["address_bits"] > 32:
            address |= await bench.word(golden.FAULT_ADDRESS_HIGH) << 32
        model.end(fault, address)
        bench.irq_is_right()
        after = [await bench.word(golden.BLOCKS_SKIPPED), await bench.word(common.BUSY_CYCLES)]
        for register in (golden.BLOCKS_SKIPPED, common.BUSY_CYCLES):
            model.counts[register] = await bench.word(register)
        for register in range(0, 0x80, 4):
            await bench.check(register)
        clear = (common.INTERRUPT_STATUS, random.choice([7, model.events]))
        await bench.write(clear)
        model.write(*clear)
        bench.irq_is_right()
        Path(program["result"]).write_bytes(bench.memory.mem[where])
        bench.memory.mem[where] = bytes(len(content))
        assert not any(bytes(bench.memory.mem[:])), "something was written elsewhere"
        skipped, busy = (last - first for first, last in zip(before, after, strict=True))
        found.append({"fault": fault, "address": address, "skipped": skipped, "busy": busy})
    Path(PLAN["found"]).write_text(json.dumps(found))
