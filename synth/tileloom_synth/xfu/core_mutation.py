"""Faults in CV32E40P with xDecimate: in the lines that are added to its pipeline, and in the unit's modules.

slang reads the core. Of what it makes, those cells belong to the added lines whose source is in them alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tileloom import scratch, yosys
from tileloom.cores import CV32E40P
from tileloom.netlist.text import module_name, plain_names, with_module
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p.edits import FILES
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom.xfu.cv32e40p.stages import PREFIX
from tileloom.xfu.design import generate

from ..mutation.mutants import PORT, WIDTH, Mutated, put_in
from ..system_verilog import CLOCK_GATE, ungated
from .core import CORE, Core, read_by

READ = """
read_slang --keep-hierarchy --top {top} -G COREV_PULP=1 {files}
hierarchy -check -top {top}
proc
bwmuxmap
opt_clean
write_json core.json
"""

STAGES = ("decode", "execute", "merge")

OWN = "tileloom_own"
"""The attribute of cells that belong to the added lines."""

_SOURCE = re.compile(r"(.*):(\d+)\.\d+-(\d+)\.\d+")


def core_mutated(config: XfuConfig, count: int, seed: int, only: Sequence[str]) -> Mutated:
    """Return the core with the unit, with faults as of ``mutate``.

    Those of the part ``pipeline`` are in the added lines. The design's Verilog is that of the whole core.
    """
    sources = patch_sources(CV32E40P.sources(), config)
    core = _marked(_plain_modules(_read(sources)), _added(sources))
    design = generate(config)
    modules = dict.fromkeys(core["modules"], "")
    design = replace(design, name=CV32E40P.top, manifest={"clock": "clk_i", "modules": modules})
    chosen = {"pipeline": [f"a:{OWN}=yes"], **{stage: [f"{PREFIX}_{stage}"] for stage in STAGES}}
    files = {"core.json": json.dumps(core)}
    return put_in(design, "read_json core.json", files, chosen, count, seed, only)


def core_with(mutated: Mutated, number: int) -> Core:
    """Return the core with one of its faults, 0 for none, as proofs speak of it."""
    wire = next(text for name, text in ungated(CV32E40P.sources()).items() if name.endswith(CLOCK_GATE))
    verilog = with_module(mutated.design.verilog, module_name(wire), wire)
    given = f"cd {CORE}\ndelete -input {PORT}\nconnect -set {PORT} {WIDTH}'d{number}\ncd .."
    return read_by("read_verilog core.v", {"core.v": verilog}, given)


def _read(sources: Mapping[str, str]) -> dict[str, Any]:
    """Return the core as Yosys's JSON."""
    with scratch.folder() as folder:
        for file, text in sources.items():
            (folder / file).write_text(plain_names(text), encoding="utf-8")
        yosys.run(READ.format(top=CV32E40P.top, files=" ".join(sources)), folder=folder)
        read: dict[str, Any] = json.loads((folder / "core.json").read_text(encoding="utf-8"))
    return read


def _plain_modules(core: dict[str, Any]) -> dict[str, Any]:
    """Return the core with modules named as in its source; slang adds where they are."""
    names: dict[str, str] = {}
    for name in core["modules"]:
        plain = re.split(r"\W", name)[0]
        names[name] = plain if plain not in names.values() else f"{plain}_{len(names)}"
    for module in core["modules"].values():
        for cell in module["cells"].values():
            cell["type"] = names.get(cell["type"], cell["type"])
    return {**core, "modules": {names[name]: module for name, module in core["modules"].items()}}


def _added(sources: Mapping[str, str]) -> dict[str, set[int]]:
    """Return the numbers of the added lines of each file."""
    found: dict[str, set[int]] = {}
    for file in FILES:
        found[file.name] = set()
        for edit in file.edits:
            first = sources[file.name].partition(edit.new)[0].count("\n") + 1
            old = edit.old.split("\n")
            found[file.name] |= {
                first + place for place, line in enumerate(edit.new.split("\n")) if line not in old
            }
    return found


def _marked(core: dict[str, Any], added: Mapping[str, set[int]]) -> dict[str, Any]:
    """Mark the cells of the added lines, and return the core."""
    for module in core["modules"].values():
        for cell in module["cells"].values():
            for source in cell["attributes"].get("src", "").split("|"):
                place = _SOURCE.fullmatch(source)
                if place and set(range(int(place[2]), int(place[3]) + 1)) <= added.get(place[1], set()):
                    cell["attributes"][OWN] = "yes"
    return core
