"""cocotb side of ``test_streams.py``: layers on the engine, its streams driven by cocotbext-axi."""

import json
import os
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

PLAN = json.loads(Path(os.environ["TILELOOM_PLAN"]).read_text())
INPUTS = ("commands", "index", "weights", "activations")


def pauses(share: float):
    """Yield for each cycle whether a stream pauses in it."""
    while True:
        yield random.random() < share


@cocotb.test()
async def layers(dut) -> None:
    """Send every layer's streams and write down the results, a line of hexadecimal for each packet."""
    cocotb.start_soon(Clock(dut.aclk, 10, "ns").start())
    ports = {
        name: kind(
            AxiStreamBus.from_prefix(dut, f"{side}_axis_{name}"),
            dut.aclk,
            dut.aresetn,
            reset_active_level=False,
        )
        for kind, side, names in ((AxiStreamSource, "s", INPUTS), (AxiStreamSink, "m", ("results",)))
        for name in names
    }
    dut.aresetn.value = 0
    for _ in range(4):
        await RisingEdge(dut.aclk)
    dut.aresetn.value = 1
    for layer in PLAN["layers"]:
        for port in ports.values():
            port.set_pause_generator(pauses(random.choice([0, 0.3, 0.7])))
        for name in INPUTS:
            await ports[name].send(AxiStreamFrame(np.load(layer[name]).tobytes()))
        packets = [
            await with_timeout(ports["results"].recv(), 2_000_000, "ns") for _ in range(layer["packets"])
        ]
        text = "\n".join(bytes(packet.tdata).hex() for packet in packets)
        Path(layer["results"]).write_text(text)
    for _ in range(50):
        await RisingEdge(dut.aclk)
    assert ports["results"].empty()
    assert not int(dut.busy.value)
    assert not int(dut.fault.value)
