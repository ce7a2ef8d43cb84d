"""Faults in a design's Verilog, many in one text: an input port says which of them is there.

Yosys draws them (``mutate -list``) and puts them in (``mutate -ctrl``): a bit of a cell's port inverted,
stuck at 0 or 1, or inverted while another bit is 0 or 1. With the port at 0 the design is as it was. A module
with many instances has its fault in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tileloom import scratch, yosys
from tileloom.design import Design
from tileloom.errors import UserError

PORT = "mutant"
"""The input port that is added to every module around a fault, and to the top."""

WIDTH = 16

READ = """
read_verilog design.v
hierarchy -check -top {top}
proc
opt_clean
"""

_LEFT_OUT = re.compile(r" -port (CLK|clk|aclk) | -cell \$memrd\S* -port (EN|ARST|SRST) ")
"""Faults of a clock, which is not the design's, and of pins of a memory that Verilog has no words for."""

MODES = {
    "inv": "inverted",
    "const0": "stuck at 0",
    "const1": "stuck at 1",
    "cnot0": "inverted while another bit is 0",
    "cnot1": "inverted while another bit is 1",
}


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes
    ----------
    number:
        The value of the port that brings it about, from 1.
    part, module:
        Where it is: the part of the design, and the module.
    command:
        Yosys's, without ``-ctrl``.
    """

    number: int
    part: str
    module: str
    command: str

    @property
    def options(self) -> dict[str, str]:
        """The command's options and their values."""
        words = self.command.split()
        return {word: words[place + 1] for place, word in enumerate(words) if word.startswith("-")}

    @property
    def fault(self) -> str:
        """The pin, the net on it, and what is wrong with it."""
        value = self.options
        net = f"{value['-wire']}[{value['-wirebit']}], " if "-wire" in value else ""
        pin = f"{value['-cell']} {value['-port']}[{value['-portbit']}]"
        return f"{net}{pin} {MODES[value['-mode']]}"


@dataclass(frozen=True)
class Mutated:
    """A design with its faults.

    Attributes
    ----------
    design:
        As it was, but that its Verilog has the port ``mutant``.
    mutants:
        All faults, by number.
    before:
        The Verilog as it was.
    """

    design: Design
    mutants: Sequence[Mutant]
    before: str


def mutate(
    design: Design, parts: Mapping[str, Sequence[str]], count: int, seed: int, only: Sequence[str] = ()
) -> Mutated:
    """Return a design with ``count`` faults in each of its parts.

    Parameters
    ----------
    design:
        The design.
    parts:
        By name, what the names of a part's modules begin with behind the design's; of several the longest
        counts. Modules of no part have no faults.
    count, seed:
        How many in each part that the design has, and of what seed.
    only:
        Parts that have faults, the same as among all; none for all.

    Raises UserError where there are more than the port has numbers for, or there is no such part.
    """
    read, files = READ.format(top=design.name), {"design.v": design.verilog}
    return put_in(design, read, files, _modules(design, parts), count, seed, only)


def put_in(
    design: Design,
    read: str,
    files: Mapping[str, str],
    chosen: Mapping[str, Sequence[str]],
    count: int,
    seed: int,
    only: Sequence[str],
) -> Mutated:
    """Return a design with ``count`` faults in each of the parts ``chosen``; the others are as of ``mutate``.

    Parameters
    ----------
    read, files:
        Yosys's commands that read it, and what they read, by name.
    chosen:
        What Yosys selects by each part's name.
    """
    for part in only:
        if part not in chosen:
            raise UserError(f"--part {part}: {design.name} has {', '.join(chosen)}")
    if count * len(chosen) >= 1 << WIDTH:
        raise UserError(f"--mutants {count}: {len(chosen)} parts, and {(1 << WIDTH) - 1:,} in all at most")
    with scratch.folder() as folder:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        lists = [
            f"mutate -list {2 * count} -seed {seed + place} -o {place}.txt {' '.join(selected)}"
            for place, selected in enumerate(chosen.values())
        ]
        yosys.run("\n".join([read, "write_rtlil design.il", *lists]), folder=folder)
        mutants: list[Mutant] = []
        for place, part in enumerate(chosen):
            if only and part not in only:
                continue
            lines = (folder / f"{place}.txt").read_text(encoding="utf-8").splitlines()
            for line in [line for line in lines if not _LEFT_OUT.search(line)][:count]:
                command = line.partition(" -src")[0]
                module = command.split("-module ")[1].split()[0]
                mutants.append(Mutant(len(mutants) + 1, part, module, command))
        faults = [f"{mutant.command} -ctrl {PORT} {WIDTH} {mutant.number}" for mutant in mutants]
        script = ["read_rtlil design.il", *faults, "write_verilog -noattr mutated.v"]
        yosys.run("\n".join(script), folder=folder)
        verilog = (folder / "mutated.v").read_text(encoding="utf-8")
    return Mutated(replace(design, verilog=verilog), mutants, design.verilog)


def _modules(design: Design, parts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the modules of each part that has any."""
    found: dict[str, list[str]] = {part: [] for part in parts}
    for module in design.manifest["modules"]:
        own = module.removeprefix(design.name).lstrip("_")
        fitting = [
            (len(prefix), part)
            for part, prefixes in parts.items()
            for prefix in prefixes
            if own == prefix or own.startswith(f"{prefix}_")
        ]
        if fitting:
            found[max(fitting)[1]].append(module)
    return {part: modules for part, modules in found.items() if modules}
