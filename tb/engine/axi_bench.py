"""cocotb side of ``test_axi.py``: programs on the AXI4 engine, with the bus models of cocotbext-axi."""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotbext.axi import (
    AxiBus,
    AxiResp,
    AxiSlave,
    AxiStreamBus,
    AxiStreamSink,
    AxiStreamSource,
    MemoryRegion,
)

PLAN = json.loads(Path(os.environ["TILELOOM_PLAN"]).read_text())


class FaultyMemory(MemoryRegion):
    """Memory of which some bytes answer with an error; what is written goes in all the same."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.bad = range(0)

    def _check(self, address: int, length: int) -> None:
        if address < self.bad.stop and self.bad.start < address + length:
            raise ValueError("this memory is faulty here")

    async def _read(self, address, length, **kwargs):
        self._check(address, length)
        return await super()._read(address, length, **kwargs)

    async def _write(self, address, data, **kwargs):
        await super()._write(address, data, **kwargs)
        self._check(address, len(data))


def with_garbage(send):
    """Return what sends a beat of read data: one with an error has noise, or all ones, instead of zeros."""

    async def sender(beat):
        if beat.rresp != AxiResp.OKAY:
            ones = (1 << PLAN["bus"]) - 1
            beat.rdata = random.choice([random.getrandbits(PLAN["bus"]), ones])
            beat.rresp = random.choice([AxiResp.SLVERR, AxiResp.DECERR])
        await send(beat)

    return sender


def pauses(share: float):
    """Yield for each cycle whether a channel pauses in it."""
    while True:
        yield random.random() < share


@cocotb.test()
async def programs(dut) -> None:
    """Run every program of the plan, the memory's channels pausing at random; leave the memory in a file."""
    cocotb.start_soon(Clock(dut.aclk, 10, "ns").start())
    memory = FaultyMemory(1 << PLAN["address_bits"])
    slave = AxiSlave(
        AxiBus.from_prefix(dut, "m_axi"), dut.aclk, dut.aresetn, target=memory, reset_active_level=False
    )
    slave.read_if.r_channel.send = with_garbage(slave.read_if.r_channel.send)
    start, status = (
        kind(AxiStreamBus.from_prefix(dut, name), dut.aclk, dut.aresetn, reset_active_level=False)
        for kind, name in ((AxiStreamSource, "s_axis_start"), (AxiStreamSink, "m_axis_status"))
    )
    channels = [slave.write_if.aw_channel, slave.write_if.w_channel, slave.write_if.b_channel]
    channels += [slave.read_if.ar_channel, slave.read_if.r_channel]
    dut.aresetn.value = 0
    for _ in range(4):
        await RisingEdge(dut.aclk)
    dut.aresetn.value = 1
    found = []
    for program in PLAN["programs"]:
        content = Path(program["content"]).read_bytes()
        where = slice(program["base"], program["base"] + len(content))
        memory.mem[where] = content
        memory.bad = range(*program["bad"])
        for channel in channels:
            channel.set_pause_generator(pauses(program["idle"]))
        begun = cocotb.utils.get_sim_time("ns")
        await start.send(program["start"].to_bytes(4, "little"))
        frame = await with_timeout(status.recv(), 20_000_000, "ns")
        cycles = int(cocotb.utils.get_sim_time("ns") - begun) // 10
        Path(program["result"]).write_bytes(memory.mem[where])
        found.append({"status": int.from_bytes(bytes(frame.tdata), "little"), "cycles": cycles})
    Path(PLAN["found"]).write_text(json.dumps(found))
