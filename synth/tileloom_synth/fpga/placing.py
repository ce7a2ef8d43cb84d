"""Place and route of a mapped design by nextpnr, out of context: registers stand around its ports, not pins.

```
 data --> [shift register] ==> design ==> [register, read out by shifting] --> result
                         clock, load
```

A design has more ports than an FPGA has pins, and on a board something else is around them. With a register
on each port every path ends in one, so that the frequency is the design's own, wires to its ports included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tileloom import processes, yosys
from tileloom.errors import ToolError
from tileloom_sim.build import cache

from ..progress import Progress
from . import tools
from .boards import Board
from .mapping import Mapped

TOP = "registers"

JOIN = """
read_verilog registers.v
{synth} -noflatten -top {top}
delete {block}
read_rtlil netlist.il
hierarchy -top {top}
flatten
opt_clean
delete t:$scopeinfo
write_json design.json
"""


@dataclass(frozen=True)
class Step:
    """A cell or a wire of the longest path: ``what`` it is, and when the signal is through, in ns."""

    what: str
    arrival_ns: float


@dataclass(frozen=True)
class Routed:
    """A design that was placed and routed.

    Attributes
    ----------
    fmax_mhz:
        The highest frequency of its clock, by nextpnr's timing.
    period_ps:
        What it was placed and routed for.
    path:
        The longest path.
    tool:
        What did it.
    """

    fmax_mhz: float
    period_ps: float
    path: tuple[Step, ...]
    tool: str

    @property
    def met(self) -> bool:
        """Whether the period is met."""
        return self.fmax_mhz * self.period_ps >= 1e6


class TooLargeError(ToolError):
    """nextpnr packs a design into more of something than the FPGA has.

    Attributes
    ----------
    packed:
        By nextpnr's names of what there is too little of: how many it wants, and how many there are.
    """

    def __init__(self, tool: str, packed: dict[str, tuple[int, int]]) -> None:
        self.packed = packed
        wanted = ", ".join(f"{used:,} of {there:,} {name}" for name, (used, there) in packed.items())
        super().__init__(f"{tool}: {wanted}")


def place(mapped: Mapped, board: Board, clock: str, period_ps: float, progress: Progress) -> Routed:
    """Return a mapped design placed and routed for a period, kept as simulator builds are.

    Raises TooLargeError where nextpnr finds that it does not fit, ToolError where it is missing or fails.
    """
    family = board.family
    assert family.nextpnr is not None
    tool = tools.find(family.nextpnr)
    made_with = tool.version
    wrapper = around(mapped, clock)
    options = [*board.options, "--freq", f"{1e6 / period_ps:.6g}", "--seed", "1", "--timing-allow-fail"]
    options.append(f"--{'lpf' if family.nextpnr == 'nextpnr-ecp5' else 'pcf'}-allow-unconstrained")

    def build(work: Path) -> list[str]:
        (work / "registers.v").write_text(wrapper, encoding="utf-8")
        (work / "netlist.il").write_text(mapped.rtlil, encoding="utf-8")
        progress.stage("registers around the ports")
        script = JOIN.format(synth=family.synth, top=TOP, block=mapped.top)
        yosys.run(script, folder=work, on_line=progress.line)
        progress.stage("placing and routing")
        arguments = ["--json", "design.json", "--report", "report.json", *options]
        done = processes.run([tool.program, *arguments], folder=work, merge=True, on_line=progress.line)
        if done.status:
            if packed := too_many(done.output):
                raise TooLargeError(str(family.nextpnr), packed)
            errors = [line for line in done.output.splitlines() if line.startswith("ERROR")]
            raise ToolError(f"{family.nextpnr}: {(errors or [done.reason])[-1]}")
        return ["report.json"]

    content = [version("pyosys"), made_with, JOIN, wrapper, *options, mapped.rtlil]
    folder = cache.built("fpga-routed", content, build)
    report = json.loads((folder / "report.json").read_text("utf-8"))
    (achieved,) = (each["achieved"] for each in report["fmax"].values())
    return Routed(achieved, period_ps, _path(report), made_with)


def too_many(log: str) -> dict[str, tuple[int, int]]:
    """Return what nextpnr's log says that a design takes and the FPGA has, of what it takes more of."""
    found = re.findall(r"^Info:\s+(\w+):\s*(\d+)/\s*(\d+)\s+\d+%", log, re.MULTILINE)
    return {name: (int(used), int(there)) for name, used, there in found if int(used) > int(there)}


def around(mapped: Mapped, clock: str) -> str:
    """Return Verilog of a top around a mapped design, with a register on each of its ports but the clock."""
    places: dict[str, str] = {}
    bits = {"input": 0, "output": 0}
    for name, (direction, width) in mapped.ports.items():
        if name != clock:
            first = bits[direction]
            bits[direction] += width
            places[name] = f"{'i' if direction == 'input' else 'w'}[{bits[direction] - 1}:{first}]"
    stub = ", ".join(f"{way} [{width - 1}:0] \\{name} " for name, (way, width) in mapped.ports.items())
    pins = ", ".join([f".\\{clock} (clk)", *(f".\\{name} ({place})" for name, place in places.items())])
    last_in, last_out = bits["input"] - 1, bits["output"] - 1
    return f"""(* blackbox *) module {mapped.top}({stub}); endmodule
module {TOP}(input clk, input data, input load, output result);
  reg [{last_in}:0] i; reg [{last_out}:0] o; wire [{last_out}:0] w;
  {mapped.top} block({pins});
  assign result = o[0];
  always @(posedge clk) begin
    i <= {{data, i}} >> 1;
    o <= load ? w : o >> 1;
  end
endmodule
"""


def _path(report: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the longest path from a register to a register in nextpnr's report."""
    paths = [path for path in report["critical_paths"] if path["from"] == path["to"]]
    if not paths:
        return ()
    steps, arrival = [], 0.0
    for step in max(paths, key=lambda path: sum(step["delay"] for step in path["path"]))["path"]:
        arrival += step["delay"]
        where = step["to"] if step["type"] != "clk-to-q" else step["from"]
        steps.append(Step(f"{where['cell']} {where['port']}", round(arrival, 3)))
    return tuple(steps)
