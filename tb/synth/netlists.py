"""Mapped netlists that several tests look at, and a library with tables of power made of the generic one."""

import importlib.resources
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tileloom.api import generate
from tileloom.design import Design
from tileloom.families import load
from tileloom_synth.flow import Flow, Mapped
from tileloom_synth.gates.flat import Flat, flatten
from tileloom_synth.library.recipes import Options
from tileloom_synth.library.standard_cells import Library, generic
from tileloom_synth.library.standard_cells import load as load_library
from tileloom_synth.synthesis import UNITS

RISE, FALL, LEAK = 2.0, 1.0, 3.0
"""Of ``powered``: energy of every output's transitions in fJ, and leakage of every cell in nW."""


@dataclass(frozen=True)
class Netlist:
    """A configuration, its design, what it was mapped to, and the result."""

    config: Any
    design: Design
    library: Library
    mapped: Mapped

    def flat(self, module: str | None = None) -> Flat:
        """Return it, or a module of it, without hierarchy."""
        top = f"{self.design.name}_{module}" if module else None
        return flatten(self.mapped, self.library, self.design.manifest["modules"], top=top)


@cache
def mapped(
    preset: str,
    fields: tuple[tuple[str, Any], ...] = (),
    files: tuple[Path, ...] = (),
    module: str | None = None,
) -> Netlist:
    """Return a preset with other fields, or a module of it, mapped for area; once in a run.

    The library is that of ``files``, by default the generic one.
    """
    config = load(preset, **dict(fields))
    design = generate(config)
    cells = load_library(files) if files else generic()
    units = [name for name, part in design.manifest["modules"].items() if part in UNITS]
    top = f"{design.name}_{module}" if module else design.name
    return Netlist(config, design, cells, Flow(design.verilog, top, cells, units).map(Options()))


def powered(folder: Path) -> Path:
    """Write the generic library with the same internal energy for every output, and return the file."""
    text = (importlib.resources.files("tileloom_synth.library") / "generic.lib").read_text(encoding="utf-8")
    energy = (
        f'internal_power () {{ related_pin : "\\1"; rise_power (scalar) {{ values ("{RISE}"); }} '
        f'fall_power (scalar) {{ values ("{FALL}"); }} }}\n'
    )
    with_timing = re.compile(
        r'(?=timing \(\) \{\s*related_pin : "(\w+)";(?!\s*timing_type : "?(?:setup|hold|recovery|removal)))'
    )
    text = with_timing.sub(energy, text)
    text = re.sub(r"^(\s+cell \(.*\{)$", rf"\1 cell_leakage_power : {LEAK};", text, flags=re.MULTILINE)
    path = folder / "powered.lib"
    path.write_text(text, encoding="utf-8")
    return path
