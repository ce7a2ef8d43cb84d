"""Equivalence of RTL and netlist by SAT: outputs and next states, for every input and every state.

Mapping moves no register, so that each flip-flop of the netlist is one of the RTL, known by its name, and one
step is enough: if both give the same outputs and the same next state in every state, they never differ. Both
are taken apart into a combinational module with the state as a port. A register of the RTL that the netlist
has not may be anything, and must not matter.

A module may be proved around those inside it, which are then ports: what they give may be anything, and what
they are given must be the same. Where they are proved, too, or are memories, all of it is.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tileloom import scratch, yosys

from ..gates.flat import Flat
from .miter import difference
from .transition import UnprovableError, transition

RTL = """
read_verilog design.v
hierarchy -check -top {top}
{holes}
proc
flatten
opt
memory
techmap
opt -full
async2sync
dfflegalize -cell $_DFF_P_ x
opt_clean
write_json rtl.json
"""
"""Bit by bit, for mapping drops registers of which single bits are constant."""

READ = "read_json states.json\nread_verilog netlist.v"

FLIP_FLOP = "$_DFF_P_"


@dataclass(frozen=True)
class Equivalence:
    """What came of an attempt.

    Attributes
    ----------
    what:
        The part of the design.
    proved:
        True: equal for all inputs and states. False: not, or not shown; ``why`` says which.
    why:
        What stands in the way, or nothing.
    differs:
        A difference was found.
    states:
        Flip-flops of the netlist.
    seconds:
        What it took.
    """

    what: str
    proved: bool
    why: str
    differs: bool
    states: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)


def prove(
    what: str,
    verilog: str,
    top: str,
    flat: Flat,
    clock: str,
    *,
    timeout: float,
    without: Collection[str] = (),
) -> Equivalence:
    """Return whether the netlist ``flat`` is the module ``top`` of ``verilog``.

    Parameters
    ----------
    what:
        How the part is called.
    clock:
        Name of the clock port.
    timeout:
        In seconds.
    without:
        Modules inside that ``flat`` was made without.
    """
    began = time.perf_counter()
    states = 0
    why, differs = "", False
    try:
        with scratch.folder() as folder:
            module, names = opened(verilog, top, clock, without, folder)
            text, states = transition(flat, clock, names, module["ports"])
            (folder / "states.json").write_text(json.dumps({"modules": {"rtl": module}}), encoding="utf-8")
            (folder / "netlist.v").write_text(text, encoding="utf-8")
            why = difference(READ, "rtl", "netlist", folder, timeout)
            differs = bool(why)
    except UnprovableError as error:
        why = str(error)
    except yosys.YosysError as error:
        why = str(error)
        if "was not done" not in why:
            raise
    return Equivalence(what, not why, why, differs, states, time.perf_counter() - began)


def opened(
    verilog: str, top: str, clock: str, without: Collection[str], folder: Path
) -> tuple[dict[str, Any], list[str]]:
    """Return a module of ``verilog`` as a step, Yosys's JSON, and the names of its flip-flops in their order.

    Their states are the port ``state``, what they take next is ``next``, and the modules ``without`` are left
    out: their pins are ports. Raises UnprovableError where it keeps state in anything but flip-flops.
    """
    (folder / "design.v").write_text(verilog, encoding="utf-8")
    holes = f"blackbox {' '.join(sorted(without))}" if without else ""
    yosys.run(RTL.format(top=top, holes=holes), folder=folder)
    module = json.loads((folder / "rtl.json").read_text(encoding="utf-8"))["modules"][top]
    _open(module, without, clock)
    return module, _states_as_ports(module, clock)


def _open(module: dict[str, Any], without: Collection[str], clock: str) -> None:
    """Make ports of a module from Yosys's JSON of the pins of the modules inside that are left out.

    The clock is dropped: it is no value in a step.
    """
    clock_bits = module["ports"].get(clock, {}).get("bits")
    for name, cell in list(module["cells"].items()):
        if cell["type"] in without:
            for port, bits in cell["connections"].items():
                if bits and bits != clock_bits:
                    inner = cell["port_directions"][port]
                    direction = "input" if inner == "output" else "output"
                    module["ports"][f"{name}.{port}"] = {"direction": direction, "bits": bits}
            del module["cells"][name]


def _states_as_ports(module: dict[str, Any], clock: str) -> list[str]:
    """Make the flip-flops of a module from Yosys's JSON ports ``state`` and ``next``; return their names.

    A bit has several names where several nets are on it: they are joined by a blank.
    """
    known: dict[int, list[str]] = {}
    for name, net in module["netnames"].items():
        for place, bit in enumerate(net["bits"]):
            if isinstance(bit, int):
                known.setdefault(bit, []).append(f"{name}[{place + net.get('offset', 0)}]")
    state: list[int] = []
    following: list[int | str] = []
    for name, cell in list(module["cells"].items()):
        if cell["type"] != FLIP_FLOP:
            if re.search("mem|latch|dff|sr", cell["type"], re.IGNORECASE):
                raise UnprovableError(f"{cell['type']} in the RTL")
            continue
        state += cell["connections"]["Q"]
        following += cell["connections"]["D"]
        del module["cells"][name]
    module["ports"].pop(clock, None)
    module["ports"]["state"] = {"direction": "input", "bits": state}
    module["ports"]["next"] = {"direction": "output", "bits": following}
    module["attributes"] = {}
    return [" ".join(known.get(bit, [])) for bit in state]
