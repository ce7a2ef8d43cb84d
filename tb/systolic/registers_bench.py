"""cocotb side of ``test_registers.py``: an array between models of cocotbext-axi, run as the page says."""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from tileloom_golden import registers as common
from tileloom_golden.systolic import registers as golden

PLAN = json.loads(Path(os.environ["TILELOOM_PLAN"]).read_text())
PAUSES = (0.0, 0.3, 0.8)


def pauses(share: float):
    """Yield for each cycle whether a stream pauses in it."""
    while True:
        yield random.random() < share


class Bench:
    """The clock, software on AXI4-Lite, and a DMA controller on each stream that goes in."""

    def __init__(self, dut) -> None:
        self.dut = dut
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), *self.clocked())
        self.sources = {
            name: AxiStreamSource(
                AxiStreamBus.from_prefix(dut, f"s_axis_{name}"), *self.clocked(), byte_lanes=1
            )
            for name in ("weights", "activations", "psum_in")
        }

    def clocked(self) -> tuple[Any, Any, bool]:
        """Return clock, reset and its active level."""
        return self.dut.aclk, self.dut.aresetn, False

    async def begin(self) -> None:
        """Start the clock, and reset."""
        cocotb.start_soon(Clock(self.dut.aclk, 10, "ns").start())
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    def reset_sources(self) -> None:
        """Reset the DMA controllers that send, and what they have on offer with them, as software must."""
        for source in self.sources.values():
            source.clear()
            source.assert_reset()

    async def write(self, address: int, word: int) -> None:
        """Write a register."""
        await with_timeout(self.registers.write_dword(address, word), 100, "us")

    async def read(self, address: int) -> int:
        """Return the word of a register."""
        return await with_timeout(self.registers.read_dword(address), 100, "us")

    async def send(self, job: dict) -> None:
        """Give the streams what a job has."""
        for name, source in self.sources.items():
            for frame in job[name]:
                await source.send(AxiStreamFrame(frame))

    async def start(self, job: dict) -> None:
        """Start a job."""
        await self.write(golden.VECTORS, job["vectors"])
        await self.write(golden.TILES, job["tiles"])
        await self.write(golden.JOB, job["job"])
        await self.write(common.CONTROL, common.START)

    async def counts(self) -> dict[int, int]:
        """Return the counters."""
        names = (common.BUSY_CYCLES, common.STALLS_IN, common.STALLS_OUT, golden.RESULTS)
        return {name: await self.read(name) for name in names}


@cocotb.test()
async def jobs(dut) -> None:
    """Every job of the plan, as docs/registers.md says: results, faults, counters."""
    bench = Bench(dut)
    results = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_results"), *bench.clocked(), byte_lanes=1)
    await bench.begin()
    await bench.write(common.INTERRUPT_ENABLE, common.DONE)
    for job in PLAN["jobs"]:
        for stream in (*bench.sources.values(), results):
            stream.set_pause_generator(pauses(random.choice(PAUSES)))
        before = await bench.counts()
        early = random.random() < 0.5
        if early:
            await bench.send(job)
        await bench.start(job)
        if not early:
            await bench.send(job)
        if not dut.irq.value:
            await with_timeout(RisingEdge(dut.irq), 100, "us")
        received = [(await results.recv()).tdata for _ in range(job["tiles"])]
        fault = await bench.read(common.FAULT)
        if fault:
            place = [await bench.read(address) for address in (golden.FAULT_VECTOR, golden.FAULT_PLACE)]
            assert place == job["place"]
        if job["results"] is None:
            assert fault & job["fault"]
        else:
            assert (received, fault) == (job["results"], job["fault"])
        assert await bench.read(common.STATUS) == 0
        done = common.DONE | (common.FAULTY if fault else 0)
        assert await bench.read(common.INTERRUPT_STATUS) == done
        await bench.write(common.INTERRUPT_STATUS, 7)
        assert not dut.irq.value
        after = await bench.counts()
        counted = {name: after[name] - before[name] for name in after}
        vectors = job["vectors"] * job["tiles"]
        assert counted[golden.RESULTS] == vectors
        stalls = counted[common.STALLS_IN] + counted[common.STALLS_OUT]
        steps = 1 + (vectors - 1) * PLAN["step_interval"]
        assert counted[common.BUSY_CYCLES] == steps + stalls + await bench.read(golden.LATENCY)
        assert results.empty() and all(source.idle() for source in bench.sources.values())


@cocotb.test()
async def soft_reset(dut) -> None:
    """Give a job up with each of its results on offer, and run one afterwards."""
    bench = Bench(dut)
    dut.m_axis_results_tready.value = 0
    await bench.begin()
    job = PLAN["jobs"][0]
    for taken in range(job["vectors"] * job["tiles"]):
        await bench.send(job)
        await bench.start({**job, "job": golden.KEEP_WEIGHTS})
        await take(dut, taken)
        await offered(dut)
        held = shown(dut)
        await bench.write(common.CONTROL, common.SOFT_RESET)
        for _ in range(5):
            assert await bench.read(common.STATUS) == common.BUSY | common.RESETTING
            assert shown(dut) == held
        results = await bench.read(golden.RESULTS)
        bench.reset_sources()
        assert await take(dut, 1) == [held[0]]
        await all_is_gone(bench)
        assert await bench.read(golden.RESULTS) == results + 1, "only what was on offer comes"
        await run(bench, job)


@cocotb.test()
async def soft_reset_while_weights_load(dut) -> None:
    """Give a job up with some rows of its weights taken, and run one afterwards."""
    bench = Bench(dut)
    dut.m_axis_results_tready.value = 0
    await bench.begin()
    job = PLAN["jobs"][0]
    rows = job["weights"][0]
    for taken in range(1, len(rows) + 1):
        await bench.sources["weights"].send(AxiStreamFrame(rows[:taken]))
        await bench.start(job)
        await with_timeout(bench.sources["weights"].wait(), 100, "us")
        await bench.write(common.CONTROL, common.SOFT_RESET)
        bench.reset_sources()
        await all_is_gone(bench)
        await run(bench, job)


async def all_is_gone(bench: Bench) -> None:
    """Check that a soft reset is over, and that nothing comes of what it has given up."""
    assert await bench.read(common.STATUS) == 0
    results = await bench.read(golden.RESULTS)
    bench.dut.m_axis_results_tready.value = 1
    await ClockCycles(bench.dut.aclk, 2 * await bench.read(golden.LATENCY))
    bench.dut.m_axis_results_tready.value = 0
    assert await bench.read(golden.RESULTS) == results
    assert await bench.read(common.INTERRUPT_STATUS) == 0


async def run(bench: Bench, job: dict) -> None:
    """Run a job without results that wait."""
    await bench.send(job)
    await bench.start(job)
    found = await take(bench.dut, job["vectors"] * job["tiles"])
    assert found == [word for tile in job["results"] for word in tile]
    assert await bench.read(common.INTERRUPT_STATUS) == common.DONE
    await bench.write(common.INTERRUPT_STATUS, common.DONE)


def shown(dut) -> tuple[int, int, int]:
    """Return what the array offers: data, TLAST, and TVALID."""
    signals = (dut.m_axis_results_tdata, dut.m_axis_results_tlast, dut.m_axis_results_tvalid)
    return tuple(int(signal.value) for signal in signals)


async def offered(dut) -> None:
    """Wait, at the falling edge of the clock, until a result is on offer."""
    for _ in range(1000):
        await FallingEdge(dut.aclk)
        if dut.m_axis_results_tvalid.value:
            return
    raise AssertionError("no result comes")


async def take(dut, count: int) -> list[int]:
    """Take so many results and no more."""
    taken = []
    for _ in range(count):
        await offered(dut)
        taken.append(shown(dut)[0])
        dut.m_axis_results_tready.value = 1
        await FallingEdge(dut.aclk)
        dut.m_axis_results_tready.value = 0
    return taken
