"""Whether two machines with the same registers ever differ after a reset, by ABC.

Both begin in the same state, whatever it is, with the reset high in that cycle. From the next on every input
is free, the reset too, and no output may ever differ. Property-directed reachability (PDR) finds an invariant
that says so, or inputs that show the opposite: registers may differ, as long as nothing in reach brings the
difference to an output.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from tileloom import processes, yosys
from tileloom.errors import ToolError

SCRIPT = """
read_json both.json
read_verilog machine.v
hierarchy -top machine
proc
flatten
opt -full
techmap
opt -full
dfflegalize -cell $_DFF_P_ 0
aigmap
opt_clean
write_aiger -zinit machine.aig
"""
"""Registers begin at 0, but the first cycle does not look at them."""

PROVE = "read_aiger machine.aig; scorr; dc2; write_aiger left.aig; pdr -T {seconds}"
"""Signals that are equal in every reachable state become one, which leaves PDR little, or nothing."""

RESET = "rst"
"""Amaranth's name of the reset, in every module that has one."""


def never_differ(
    before: dict[str, Any], after: dict[str, Any], folder: Path, timeout: float
) -> tuple[bool | None, int]:
    """Return whether two steps as ``proof.opened`` gives them never differ; None for no answer in time.

    The second value says, of two that do, in which cycle after the reset that was found.
    """
    modules = {"before": before, "after": after}
    (folder / "both.json").write_text(json.dumps({"modules": modules}), encoding="utf-8")
    (folder / "machine.v").write_text(_machine(before["ports"]), encoding="utf-8")
    try:
        yosys.run(SCRIPT, folder=folder, timeout=timeout)
        command: list[str | Path] = [_abc(), "-c", PROVE.format(seconds=int(timeout))]
        said = processes.run(command, folder=folder, merge=True, timeout=2 * timeout).output
    except processes.OutOfTimeError:
        return None, 0
    except yosys.YosysError as error:
        if "was not done" in str(error):
            return None, 0
        raise
    if "Property proved" in said or _constant(folder / "left.aig"):
        return True, 0
    if found := re.search(r"was asserted in frame (\d+)", said):
        return False, int(found[1])
    return None, 0


def _constant(path: Path) -> bool:
    """Return whether the one output of a binary AIGER file is the constant 0; PDR says nothing of such."""
    header, *lines = path.read_bytes().split(b"\n")
    _, _, _, latches, outputs, *_ = header.split()
    return outputs == b"1" and lines[int(latches)] == b"0"


def _abc() -> Path:
    """Return the program that comes with pyosys. Raises ToolError where it does not."""
    found = importlib.util.find_spec("pyosys")
    path = Path(found.origin or "").with_name("yosys-abc") if found else Path()
    if not path.is_file():
        raise ToolError("pyosys comes without yosys-abc here; install another of its wheels")
    return path


def _machine(ports: dict[str, Any]) -> str:
    """Return both steps with registers around them, and an output that says that they differ."""
    width = len(ports["state"]["bits"]) if "state" in ports else 0
    given, pins, outputs, lines = ["clk"], [], [], []
    for place, (name, account) in enumerate(ports.items()):
        size = len(account["bits"])
        if name in ("state", "next"):
            pins += [(name, f"{name}_{{}}")]
        elif account["direction"] == "input":
            given.append(f"[{size - 1}:0] in_{place}")
            pins.append((name, f"in_{place} | {{{size}{{~begun}}}}" if name == RESET else f"in_{place}"))
        else:
            lines += [f"wire [{size - 1}:0] out_{place}_{each};" for each in ("before", "after")]
            outputs.append(place)
            pins.append((name, f"out_{place}_{{}}"))
    if width:
        given.append(f"[{width - 1}:0] any")
    for each in ("before", "after"):
        if width:
            lines += [
                f"reg [{width - 1}:0] kept_{each} = 0;",
                f"wire [{width - 1}:0] next_{each};",
                f"wire [{width - 1}:0] state_{each} = begun ? kept_{each} : any;",
                f"always @(posedge clk) kept_{each} <= next_{each};",
            ]
        connected = ", ".join(f".\\{name} ({pin.replace('{}', each)})" for name, pin in pins)
        lines.append(f"{each} the_{each} ({connected});")
    different = " | ".join(f"(out_{place}_before != out_{place}_after)" for place in outputs)
    header = ", ".join(f"input {each}" for each in given)
    return "\n".join(
        [
            f"module machine ({header}, output differ);",
            "reg begun = 0;",
            "always @(posedge clk) begun <= 1;",
            *lines,
            f"assign differ = begun & ({different or 0});",
            "endmodule\n",
        ]
    )
