"""From Verilog to a netlist of an FPGA's primitives, by Yosys: the design alone, without pins.

```
 read --> flatten --> products: DSP blocks or LUTs --> synth_FAMILY: memories, carry chains, flip-flops, LUTs
```

What is mapped is kept (``tileloom cache``): the same Verilog for the same FPGA is mapped once.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tileloom import scratch, yosys
from tileloom.design import Design
from tileloom_sim.build import cache

from ..progress import Progress
from .boards import Board
from .factors import as_significands
from .families import Family
from .products import In, Product, placed, techmap

READ = """
read_verilog design.v
hierarchy -check -top {top}
proc
{memories}
flatten
opt
wreduce
opt_clean
write_rtlil design.il
write_json design.json
"""
"""No memory of ours is read where it is written in the same cycle: without being told, Yosys would compare
addresses and keep what is written, in as many flip-flops as a word has bits, twice."""

MAP = """
read_rtlil design.il
{products}
{synth} -top {top}
check -noinit -assert
write_json netlist.json
write_verilog -noattr netlist.v
delete =A:blackbox
write_rtlil netlist.il
"""

COUNT = """
read_verilog design.v
hierarchy -check -top {top}
proc
{memories}
opt
wreduce
opt_clean
{synth} -top {top}
write_json netlist.json
"""
"""Each module once: what a large array takes is known in the time of its elements."""

WRITE = """
opt_clean
attrmap -remove src -remove hdlname
write_verilog placed.v
"""

KEPT = ("netlist.json", "netlist.il", "netlist.v", "products.json")


@dataclass(frozen=True)
class Mapped:
    """A design as a netlist of an FPGA's primitives.

    Attributes
    ----------
    top:
        Name of its one module.
    cells:
        How many of each primitive.
    ports:
        Direction and width of each port.
    products:
        How many products are made in what.
    rtlil, verilog:
        The netlist.
    """

    top: str
    cells: Mapping[str, int]
    ports: Mapping[str, tuple[str, int]]
    products: Mapping[str, int]
    rtlil: str
    verilog: str

    def used(self, family: Family) -> dict[str, int]:
        """Return how many LUTs, flip-flops, DSP blocks and memories it takes."""
        return family.used(self.cells)


def map_design(design: Design, board: Board, progress: Progress) -> Mapped:
    """Return a design mapped for a board. Raises ``yosys.YosysError`` where Yosys fails."""

    def build(work: Path) -> list[str]:
        _map(work, design, board, progress)
        return list(KEPT)

    design = replace(design, verilog=as_significands(design.verilog))
    parts = json.dumps(design.manifest["modules"])
    family = board.family
    limits = repr((family.synth, family.factor_bits, family.least_bits, board.dsp))
    content = [version("pyosys"), READ, MAP, limits, parts, design.verilog]
    folder = cache.built("fpga-mapped", content, build)
    module = json.loads((folder / "netlist.json").read_text("utf-8"))["modules"][design.name]
    return Mapped(
        design.name,
        Counter(cell["type"] for cell in module["cells"].values() if cell["type"][0] != "$"),
        {name: (port["direction"], len(port["bits"])) for name, port in module["ports"].items()},
        json.loads((folder / "products.json").read_text("utf-8")),
        (folder / "netlist.il").read_text("utf-8"),
        (folder / "netlist.v").read_text("utf-8"),
    )


def count_by_modules(design: Design, family: Family) -> dict[str, int]:
    """Return what a design takes, each of its modules mapped once and counted as often as it is there.

    All products are in DSP blocks, however many there are. Nothing is placed: it says what does not fit.
    """

    def build(work: Path) -> list[str]:
        (work / "design.v").write_text(design.verilog, encoding="utf-8")
        yosys.run(script, folder=work)
        modules = json.loads((work / "netlist.json").read_text("utf-8"))["modules"]
        (work / "cells.json").write_text(json.dumps(_cells(modules, design.name)), encoding="utf-8")
        return ["cells.json"]

    design = replace(design, verilog=as_significands(design.verilog))
    synth = f"{family.synth} {family.keep_modules}"
    script = COUNT.format(top=design.name, memories=_unchecked(_memories(design)), synth=synth)
    folder = cache.built("fpga-counted", [version("pyosys"), script, design.verilog], build)
    return family.used(json.loads((folder / "cells.json").read_text("utf-8")))


def _cells(modules: Mapping[str, Any], top: str) -> Counter[str]:
    """Return how many of each primitive are in a module and in those that it has, from Yosys's JSON."""

    @functools.cache
    def of(name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for cell in modules[name]["cells"].values():
            kind = cell["type"]
            whole = kind in modules and "blackbox" not in modules[kind]["attributes"]
            found.update(of(kind) if whole else {kind: 1})
        return found

    return of(top)


def within_blocks(verilog: str, top: str, memories: Sequence[str], board: Board) -> str:
    """Return Verilog of a design whose products take no more than a board's DSP blocks, in whatever maps it.

    Where there are enough it is returned as it is; else as one module, with sums of rows in the places of the
    products that ``products.placed`` puts into LUTs.
    """
    with scratch.folder() as work:
        (work / "design.v").write_text(verilog, encoding="utf-8")
        maps, _ = _place_products(work, top, memories, board)
        if not maps:
            return verilog
        yosys.run("\n".join(["read_rtlil design.il", *maps, WRITE]), folder=work)
        return (work / "placed.v").read_text("utf-8")


def _map(work: Path, design: Design, board: Board, progress: Progress) -> None:
    (work / "design.v").write_text(design.verilog, encoding="utf-8")
    progress.stage("reading")
    maps, made = _place_products(work, design.name, _memories(design), board, progress.line)
    (work / "products.json").write_text(json.dumps(made), encoding="utf-8")
    progress.stage("mapping")
    script = MAP.format(products="\n".join(maps), synth=board.family.synth, top=design.name)
    yosys.run(script, folder=work, on_line=progress.line)


def _memories(design: Design) -> list[str]:
    return [module for module, part in design.manifest["modules"].items() if part == "memory"]


def _unchecked(memories: Sequence[str]) -> str:
    return "\n".join(f"setattr -set no_rw_check 1 {module}/m:*" for module in memories)


def _place_products(
    work: Path,
    top: str,
    memories: Sequence[str],
    board: Board,
    on_line: Callable[[str], None] | None = None,
) -> tuple[list[str], Counter[str]]:
    """Make ``design.il`` of ``design.v``; return what Yosys is to do with its products, and their numbers."""
    yosys.run(READ.format(top=top, memories=_unchecked(memories)), folder=work, on_line=on_line)
    module = json.loads((work / "design.json").read_text("utf-8"))["modules"][top]
    if latches := [name for name, cell in module["cells"].items() if "latch" in cell["type"]]:
        raise yosys.YosysError(f"{top}: {latches[0]} is a latch, which a design on an FPGA has none of")
    chosen = placed(_products(module), board.family, board.dsp)
    maps = []
    for goal in (In.BOTH, In.LUTS):
        names = [product.cell for product, made in chosen.items() if made is goal]
        kinds = {product.kind: None for product, made in chosen.items() if made is goal}
        text = "".join(techmap(kind, board.family, goal) for kind in kinds)
        (work / f"{goal.name}.v").write_text(text, "utf-8")
        (work / f"{goal.name}.cells").write_text("".join(f"{top}/{name}\n" for name in names), "utf-8")
        if names:
            maps += [f"select -read {goal.name}.cells", f"techmap -map {goal.name}.v", "select -clear"]
    return maps, Counter(goal.value for goal in chosen.values())


def _products(module: Mapping[str, Any]) -> list[Product]:
    """Return the products of a module from Yosys's JSON."""
    found = []
    for name, cell in module["cells"].items():
        if cell["type"] == "$mul":
            value = {key: int(text, 2) for key, text in cell["parameters"].items()}
            a_bits, b_bits, y_bits = value["A_WIDTH"], value["B_WIDTH"], value["Y_WIDTH"]
            signs = bool(value["A_SIGNED"]), bool(value["B_SIGNED"])
            found.append(Product(name, a_bits, b_bits, y_bits, *signs))
    return found
