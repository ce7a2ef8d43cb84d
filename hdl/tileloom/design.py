"""A design, of any family: Verilog, the manifest beside it, and the files that they make.

A family's ``design.py`` says what is particular to it, ``Parts``; here it becomes a ``Design``.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amaranth.hdl import Elaboratable, Signal

from .config import Config, to_plain
from .errors import UserError
from .export import export
from .families import design_name, family_of

TOOLS = ("tileloom", "amaranth", "pyosys")
"""The packages whose versions a manifest names."""


@dataclass(frozen=True)
class Design:
    """Generated hardware.

    Attributes
    ----------
    name:
        Of the top module and of the files.
    verilog:
        Its text, self-contained but for a host core's sources.
    manifest:
        Plain values: ``name``, ``family``, ``config``, ports, latencies in cycles, what part each module is,
        tool versions.
    sources:
        Further files by name: a host core's sources, what describes a register map; none for most designs.
    file_list:
        Name of the list of ``manifest["files"]`` in the order in which a tool must read them, or "".
    """

    name: str
    verilog: str
    manifest: dict[str, Any]
    sources: Mapping[str, str | bytes] = field(default_factory=dict)
    file_list: str = ""

    def files(self, folder: Path) -> dict[Path, str | bytes]:
        """Return what ``tileloom generate`` writes to ``folder``: text by path.

        A file list has absolute paths, one a line and in quotes where there is a blank, so that it works from
        any folder, with ``-f`` as with ``-F``; a folder that has been moved needs a new one.
        """
        files: dict[str, str | bytes] = {**self.sources, f"{self.name}.v": self.verilog}
        files[f"{self.name}.json"] = json.dumps(self.manifest, indent=2) + "\n"
        if self.file_list:
            place = folder.resolve()
            paths = [str(place / file) for file in self.manifest["files"]]
            # What is in a folder of its own is included by that path.
            paths = [f"+incdir+{place}"] * any("/" in name for name in self.sources) + paths
            files[self.file_list] = "".join(f'"{path}"\n' if " " in path else f"{path}\n" for path in paths)
        return {folder / file: text for file, text in files.items()}


@dataclass(frozen=True)
class Parts:
    """What a family says of the design of a configuration.

    Attributes
    ----------
    top, ports:
        The hardware, and its ports in order.
    description:
        The manifest's account of the ports: ``clock``, ``reset``, ``ports`` and what the family adds.
    timing:
        Cycles and transfers by name.
    origin:
        Says what part of the hardware a module is, from the instance names that lead to it.
    """

    top: Elaboratable
    ports: list[Signal]
    description: Mapping[str, Any]
    timing: Mapping[str, int]
    origin: Callable[[tuple[str, ...]], str]


def build(config: Config, parts: Parts, name: str | None = None) -> Design:
    """Return the design of a configuration.

    ``name``, by default ``families.design_name``, is that of the top module and of the files. The same
    configuration, name and tools give the same bytes. Raises UserError where the name is no Verilog
    identifier, ``yosys.YosysError`` where Yosys refuses the hardware.
    """
    name = design_name(config) if name is None else checked_name(name)
    netlist = export(parts.top, name, parts.ports)
    modules = {module: parts.origin(path) for module, path in netlist.origins.items()}
    return Design(name, netlist.verilog, manifest(config, name, parts.description, parts.timing, modules))


def manifest(
    config: Config,
    name: str,
    description: Mapping[str, Any],
    timing: Mapping[str, int],
    modules: Mapping[str, str],
) -> dict[str, Any]:
    """Return a design's manifest: ``modules`` gives the part that each module is."""
    return {
        "name": name,
        "family": family_of(config).name,
        "config": to_plain(config),
        **description,
        "timing": dict(timing),
        "modules": dict(modules),
        "tools": {tool: importlib.metadata.version(tool) for tool in TOOLS},
    }


RESERVED = frozenset(
    [
        "always",
        "and",
        "assign",
        "automatic",
        "begin",
        "bit",
        "buf",
        "byte",
        "case",
        "casex",
        "casez",
        "cell",
        "config",
        "deassign",
        "default",
        "defparam",
        "design",
        "disable",
        "edge",
        "else",
        "end",
        "endcase",
        "endconfig",
        "endfunction",
        "endgenerate",
        "endmodule",
        "endprimitive",
        "endspecify",
        "endtable",
        "endtask",
        "event",
        "for",
        "force",
        "forever",
        "fork",
        "function",
        "generate",
        "genvar",
        "if",
        "ifnone",
        "include",
        "initial",
        "inout",
        "input",
        "instance",
        "int",
        "integer",
        "interface",
        "join",
        "large",
        "liblist",
        "library",
        "localparam",
        "logic",
        "macromodule",
        "medium",
        "module",
        "nand",
        "negedge",
        "nor",
        "not",
        "or",
        "output",
        "parameter",
        "posedge",
        "primitive",
        "pull0",
        "pull1",
        "pulldown",
        "pullup",
        "real",
        "realtime",
        "reg",
        "release",
        "repeat",
        "scalared",
        "signed",
        "small",
        "specify",
        "specparam",
        "string",
        "strong0",
        "strong1",
        "supply0",
        "supply1",
        "table",
        "task",
        "time",
        "tran",
        "tri",
        "unsigned",
        "use",
        "vectored",
        "wait",
        "wand",
        "weak0",
        "weak1",
        "while",
        "wire",
        "wor",
        "xnor",
        "xor",
    ]
)
"""Words that cannot name a module (IEEE 1364-2005, annex B; some of SystemVerilog, as tools read it)."""

LONGEST_NAME = 128
"""Most characters of a design's name; file systems and tools allow about twice as many with what is added."""


def checked_name(name: str) -> str:
    """Return ``name``. Raises UserError where it cannot name a Verilog module and a file."""
    if not isinstance(name, str):
        raise UserError(f"--name: must be text, not {name!r}")
    if not (name.isascii() and name.isidentifier()) or name in RESERVED:
        raise UserError(
            f"--name: {name[:LONGEST_NAME]!r} is not a Verilog identifier; give for example my_array"
        )
    if len(name) > LONGEST_NAME:
        raise UserError(f"--name: has {len(name)} letters; {LONGEST_NAME} at most")
    return name
