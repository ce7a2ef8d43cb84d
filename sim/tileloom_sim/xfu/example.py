"""The worked example of an xDecimate unit: a row of weights with one in M not zero, and two patches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom import scratch
from tileloom.config import from_plain
from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom.package.pins import Ports
from tileloom.xfu.config import Host, XfuConfig, refuse_others
from tileloom.xfu.instruction import encode_counter, encode_decimate
from tileloom_golden.xfu.packing import pack
from tileloom_golden.xfu.xdecimate import Decimate, Hart, Instruction, Memory, SwapCounter

from ..build.cocotb_run import run_cocotb
from ..package.example import Example, matrices, table
from ..package.timing_diagram import Diagram
from ..package.trace import Trace, read_trace

SUMS, OFFSETS, PATCHES = (10, 11), 12, (13, 14)
"""Registers: of the two sums, of the word of offsets, of the addresses of the two patches."""

ADDRESSES = (0x100, 0x180)
"""Of the two patches."""

HIGHER = 64
"""How much higher activations of the second patch are."""

PLACES = (2, 0, 3, 1)
"""Where in its group of M each of the four non-zeros is."""

VALUES = (17, -5, 1, 2)


def example(design: Design, ports: Ports) -> Example:
    """Return the example of a unit or of a coprocessor.

    Raises CheckError where the unit does not give the golden model's words, ToolError where a tool is missing
    or fails.
    """
    config = from_plain(XfuConfig, design.manifest["config"])
    assert isinstance(config, XfuConfig)
    refuse_others(config, "package")
    m = config.group_sizes[0]
    row = np.zeros((1, 4 * m), int)
    row[0, [m * group + place for group, place in enumerate(PLACES)]] = VALUES
    packed_row = pack(row, m, "duplicated")
    memory = _memory(m)
    registers = {OFFSETS: int(packed_row.offsets[0, 0]), **dict(zip(PATCHES, ADDRESSES, strict=True))}
    program: list[Instruction] = [SwapCounter(0, 0)]
    program += [Decimate(m, rd, rs1, OFFSETS) for rd, rs1 in zip(SUMS, PATCHES, strict=True)] * 4
    steps = _steps(program, registers, memory)
    trace = _simulate(design, ports, config, program, registers, memory, steps)
    text = _TEXT.format(
        m=m,
        matrices=matrices({"row": row[0], "weights": packed_row.weights[0], "patch 0": memory[: 4 * m]}),
        offsets=registers[OFFSETS],
        addresses=" and ".join(f"0x{address:x}" for address in ADDRESSES),
        higher=HIGHER,
    )
    rows = [
        (
            f"#{number}",
            f"`{_word(each):08x}`",
            f"`{_mnemonic(each)}`",
            "" if step["address"] is None else f"`0x{step['address']:x}`",
            f"`{step['data']:08x}`" if each.rd else "",
        )
        for number, (each, step) in enumerate(zip(program, steps, strict=True))
    ]
    text += table(("", "word", "instruction", "loads from", "rd afterwards"), rows)
    return Example(text, trace, _diagrams(config, ports))


_TEXT = """\
A row of 1:{m} weights, packed as for a convolution: each offset stands twice, so that a pair of instructions
loads for two sums, from two patches of activations. The word of offsets is `{offsets:08x}`, from the least
significant digit on; the patches are at {addresses}, the second one has values that are {higher} higher. The
first instruction clears the counter; `rd` is what the golden model has.

{matrices}
"""


def _memory(m: int) -> npt.NDArray[np.int64]:
    """Return activations from the first address on: both patches, with what their padding reads."""
    memory = np.zeros(2 * (ADDRESSES[1] - ADDRESSES[0]), np.int64)
    for place in (0, ADDRESSES[1] - ADDRESSES[0]):
        memory[place : place + 8 * m] = np.arange(8 * m) + (HIGHER if place else 0)
    return memory


def _steps(
    program: Sequence[Instruction], registers: dict[int, int], memory: npt.NDArray[np.int64]
) -> list[dict[str, Any]]:
    """Return, for each instruction, the address that the golden model loads from and what rd is then."""
    loaded: list[int] = []
    load = Memory(memory, base=ADDRESSES[0]).load

    def noted(address: Any) -> Any:
        loaded.append(int(address))
        return load(address)

    hart = Hart(noted)
    for number, value in registers.items():
        hart.write(number, value)
    steps: list[dict[str, Any]] = []
    for each in program:
        before = len(loaded)
        hart.execute(each)
        address = loaded[-1] if len(loaded) > before else None
        steps.append({"address": address, "data": int(hart.registers[each.rd])})
    return steps


def _simulate(
    design: Design,
    ports: Ports,
    config: XfuConfig,
    program: Sequence[Instruction],
    registers: dict[int, int],
    memory: npt.NDArray[np.int64],
    steps: Sequence[dict[str, Any]],
) -> Trace:
    unit = config.host is Host.UNIT
    with scratch.folder() as folder:
        report = folder / "report.json"
        bench = {
            "config": design.manifest["config"],
            "program": [
                {"word": _word(each), "m": getattr(each, "m", 0), "rd": each.rd, "rs1": each.rs1}
                | {"rs2": getattr(each, "rs2", 0)}
                for each in program
            ],
            "registers": {str(number): value for number, value in registers.items()},
            "memory": {str(ADDRESSES[0] + place): int(byte) for place, byte in enumerate(memory)},
            "report": str(report),
        }
        (folder / "bench.json").write_text(json.dumps(bench))
        waves = folder / "pins.vcd"
        run = run_cocotb(
            design.verilog,
            design.name,
            "tileloom_sim.xfu.example_bench",
            folder=folder,
            waves=waves,
            environment={"TILELOOM_BENCH": str(folder / "bench.json")},
            testcase="unit" if unit else "coprocessor",
        )
        if not run.passed:
            raise CheckError("\n".join(["the example did not run:", *run.log.splitlines()[-12:]]))
        found = json.loads(report.read_text())
        expected = [
            [each.rd, step["data"] if each.rd else 0] for each, step in zip(program, steps, strict=True)
        ]
        if found["results"] != expected:
            raise CheckError(f"results are {found['results']}, the golden model has {expected}")
        addresses = [step["address"] for step in steps if step["address"] is not None]
        if found["loads"] != addresses:
            raise CheckError(f"loads were from {found['loads']}, the golden model has {addresses}")
        return read_trace(waves, ports)


def _word(each: Instruction) -> int:
    if isinstance(each, SwapCounter):
        return encode_counter(each.rd, each.rs1)
    return encode_decimate(each.m, each.rd, each.rs1, each.rs2)


def _mnemonic(each: Instruction) -> str:
    if isinstance(each, SwapCounter):
        return f"xdecimate.counter x{each.rd}, x{each.rs1}"
    return f"xdecimate.{each.m} x{each.rd}, x{each.rs1}, x{each.rs2}"


def _diagrams(config: XfuConfig, ports: Ports) -> list[Diagram]:
    channels = [channel for interface in ports.interfaces for channel in interface.channels]
    names = (
        ("instructions", "commit", "loads", "loaded", "results", "counter")
        if config.host is Host.UNIT
        else ("issue", "commit", "mem", "mem_result", "result")
    )
    by_name = {channel.name: channel for channel in channels}
    return [Diagram("The first instructions", [by_name[name] for name in names], cycles=range(12))]
