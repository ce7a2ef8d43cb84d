"""Cells of a netlist larger where it is too slow, smaller where it has time left: by OpenSTA's own delays.

ABC sizes gates by paths that end at full adders and know nothing of what stands around the ports. Here
OpenSTA times every change under the constraints themselves. Only of modules that have one instance: those
with more have one size in common, and timing all of their instances would take too long.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from tileloom import processes, scratch
from tileloom.netlist.text import with_cells

from .constraints import Constraints
from .flow import Mapped
from .library.standard_cells import Library
from .timing import TimingError, opensta, sdc

SCRIPT = """
read_liberty {liberty}
read_verilog netlist.v
link_design {top}
read_sdc constraints.sdc
array set larger {{{larger}}}
array set smaller {{{smaller}}}
array set sized {{}}
array set single {{{single}}}

proc slack {{}} {{ return [worst_slack -max] }}

# On the slowest path, the cell whose next size gains most; until nothing gains.
set now [slack]
for {{set step 0}} {{$now < 0 && $step < {steps}}} {{incr step}} {{
  report_checks -path_delay max > path.txt
  set file [open path.txt]
  set text [read $file]
  close $file
  set best ""
  foreach {{line name cell}} [regexp -all -inline -line {{[v^] (\\S+)/\\w+ \\((\\w+)\\)$}} $text] {{
    if {{[info exists tried($name,$step)] || ![info exists larger($cell)]}} continue
    if {{![info exists single([file dirname $name])]}} continue
    set tried($name,$step) 1
    replace_cell $name $larger($cell)
    set then [slack]
    if {{$then > $now && ($best == "" || $then > [lindex $best 0])}} {{ set best [list $then $name $cell] }}
    replace_cell $name $cell
  }}
  if {{$best == ""}} break
  lassign $best now name cell
  replace_cell $name $larger($cell)
  set sized($name) $larger($cell)
}}

# Cells that can be smaller without a path that is too slow, those that save most first.
if {{$now >= 0}} {{
  set file [open cells.txt]
  foreach {{name cell}} [read $file] {{
    if {{[info exists sized($name)]}} {{ set cell $sized($name) }}
    while {{[info exists smaller($cell)]}} {{
      replace_cell $name $smaller($cell)
      if {{[slack] < 0}} {{ replace_cell $name $cell; break }}
      set cell $smaller($cell)
      set sized($name) $cell
    }}
  }}
  close $file
}}
foreach name [array names sized] {{ puts "sized $name $sized($name)" }}
exit
"""

MOST_CELLS = 10_000
"""Largest netlist whose cells are sized; an element has some 2,000."""

STEPS = 60
"""Most cells that are made larger."""

_SIZED = re.compile(r"^sized (\S+) (\w+)$", re.MULTILINE)


def sizable(mapped: Mapped) -> bool:
    """Return whether all cells can be sized: of a small netlist without hierarchy, where OpenSTA is there."""
    cells = len(mapped.modules[mapped.top]["cells"])
    return len(mapped.modules) == 1 and cells <= MOST_CELLS and opensta() is not None


def resized(mapped: Mapped, library: Library, constraints: Constraints, clock: str) -> Mapped:
    """Return the netlist with other sizes of some cells: fast enough, if that is in reach, and no larger.

    Parameters
    ----------
    mapped:
        A netlist. Unless it is ``sizable`` cells get larger only.
    library, constraints, clock:
        Its library, what it is held to, and the name of its clock port.

    Raises TimingError where OpenSTA fails.
    """
    program = opensta()
    assert program is not None
    larger = _larger(library)
    smaller = {cell: other for other, cell in larger.items()}
    cells = mapped.modules[mapped.top]["cells"] if sizable(mapped) else {}
    single = _single(mapped)
    saves = {
        name: library.cells[body["type"]].area - library.cells[smaller[body["type"]]].area
        for name, body in cells.items()
        if body["type"] in smaller
    }
    order = sorted(saves, key=lambda name: (-saves[name], name))
    script = SCRIPT.format(
        liberty=library.timing,
        top=mapped.top,
        larger=" ".join(f"{cell} {other}" for cell, other in larger.items()),
        smaller=" ".join(f"{cell} {other}" for cell, other in smaller.items()),
        single=" ".join(f"{path} {module}" for path, module in single.items()),
        steps=STEPS,
    )
    with scratch.folder() as folder:
        (folder / "netlist.v").write_text(mapped.verilog, encoding="utf-8")
        (folder / "constraints.sdc").write_text(sdc(mapped, library, constraints, clock), encoding="utf-8")
        (folder / "cells.txt").write_text(
            "\n".join(f"{name} {cells[name]['type']}" for name in order), encoding="utf-8"
        )
        (folder / "script.tcl").write_text(script, encoding="utf-8")
        done = processes.run([program, "-no_splash", "-exit", "script.tcl"], folder=folder, merge=True)
    errors = re.findall(r"^Error: .*", done.output, re.MULTILINE)
    if errors:
        raise TimingError(f"OpenSTA: {errors[0]}")
    sized: dict[str, dict[str, str]] = defaultdict(dict)
    for name, cell in _SIZED.findall(done.output):
        path, _, instance = name.rpartition("/")
        sized[single[path or "."]][instance] = cell
    return _with_cells(mapped, sized)


def _single(mapped: Mapped) -> dict[str, str]:
    """Return the modules that have one instance, by its path; the top's is a dot."""
    paths: dict[str, list[str]] = defaultdict(list)
    waiting = [("", mapped.top)]
    while waiting:
        path, module = waiting.pop()
        paths[module].append(path or ".")
        for name, body in mapped.modules[module]["cells"].items():
            if body["type"] in mapped.modules:
                waiting.append((f"{path}/{name}" if path else name, body["type"]))
    return {found[0]: module for module, found in paths.items() if len(found) == 1}


def _larger(library: Library) -> dict[str, str]:
    """Return, for each gate that has one, the next larger of the same function and pins."""
    families = defaultdict(list)
    for cell in library.cells.values():
        if cell.is_mapped_to and not cell.is_sequential:
            families[cell.inputs, tuple(sorted(cell.outputs.items()))].append(cell)
    found: dict[str, str] = {}
    for family in families.values():
        family.sort(key=lambda cell: (cell.area, cell.name))
        found.update((a.name, b.name) for a, b in itertools.pairwise(family) if b.area > a.area)
    return found


def _with_cells(mapped: Mapped, sized: Mapping[str, Mapping[str, str]]) -> Mapped:
    """Return the netlist with instances of other cells, by module and name."""
    modules = dict(mapped.modules)
    for module, changed in sized.items():
        cells = modules[module]["cells"]
        cells = {name: {**body, "type": changed.get(name, body["type"])} for name, body in cells.items()}
        modules[module] = {**modules[module], "cells": cells}

    return replace(mapped, modules=modules, verilog=with_cells(mapped.verilog, sized))
