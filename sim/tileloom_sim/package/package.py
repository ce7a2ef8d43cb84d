"""A package: a design with all that a designer needs beside its Verilog, as files by their paths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tileloom.cli.console import step
from tileloom.config import Config, to_plain
from tileloom.design import Design
from tileloom.families import design_name, family_of
from tileloom.package.constraints import sdc, timing_of
from tileloom.package.core_file import YOSYS, core_file
from tileloom.package.file_list import file_list
from tileloom.package.ip_xact import component
from tileloom.package.pins import ports_of
from tileloom.package.template import template
from tileloom.package.waves import gtkwave

from .datasheet import BLOCKS, datasheet, picture
from .example import check_transfers
from .page import page
from .results import beside, read_results
from .testbench import testbench
from .timing_diagram import timing_svg, wave_json

Contents = dict[Path, str | bytes]


@dataclass(frozen=True)
class Names:
    """Names of a package's files that do not depend on its example."""

    verilog: str
    manifest: str
    configuration: str
    file_list: str
    ip_xact: str
    core: str
    constraints: str
    template: str
    testbench: str
    waves: str
    datasheet: str = "DATASHEET.md"
    page: str = "DATASHEET.html"


def names_of(design: Design) -> Names:
    """Return the names for a design."""
    name = design.name
    endings = (".v", ".json", ".toml", ".rtl.f", ".xml", ".core", ".rtl.sdc", ".veo", "_tb.v", ".gtkw")
    return Names(*(f"{name}{ending}" for ending in endings))


def package(config: Config, design: Design, folder: Path, given: Sequence[Path]) -> Contents:
    """Return the files of a package by their paths.

    Parameters
    ----------
    config, design:
        What it is of.
    folder:
        Where it goes; results of ``tileloom synth`` and ``power`` there are taken in.
    given:
        Further such results.

    Raises
    ------
    UserError
        The design is no block of its own, or results are not of it.
    CheckError
        The example does not give what the golden model has.
    ToolError
        A tool or a package is missing, or fails.
    """
    ports, names = ports_of(design), names_of(design)
    own = design_name(config)  # what synth and power call it, whatever its name is here
    results = read_results([*given, *(path for path in beside(folder, own) if path not in given)], own)
    family = family_of(config)
    room = family.room("tileloom_sim", "datasheet")
    timing = timing_of(results.get("synth"))
    with step("Simulating the worked example"):
        example = family.room("tileloom_sim", "example").example(design, ports)
        check_transfers(ports, example)
    waves = {each.file: wave_json(each, example.trace, ports) for each in example.diagrams}
    pictures = {picture(BLOCKS): room.blocks(config)}
    pictures |= {picture(file): timing_svg(text) for file, text in waves.items()}
    bench = names.testbench.removesuffix(".v")
    whole = {**design.sources, names.ip_xact: design.sources.get(names.ip_xact) or component(design)}
    files: dict[str, str | bytes] = {
        **whole,
        names.verilog: design.verilog,
        names.manifest: json.dumps(design.manifest, indent=2) + "\n",
        names.configuration: _toml(family.name, config),
        names.file_list: file_list(design),
        names.core: core_file(design, bench, names.constraints),
        YOSYS.name: YOSYS.read_text("utf-8"),
        names.constraints: sdc(ports, timing),
        names.template: template(design, ports),
        names.testbench: testbench(design, ports, example.trace),
        names.waves: gtkwave(design, ports, bench),
        **pictures,
        **{f"datasheet/{file}.json": text for file, text in waves.items()},
    }
    text = datasheet(config, design, ports, room, example, timing, results, _files(design, names))
    files[names.datasheet] = text
    files[names.page] = page(text, design.name, pictures)
    return {folder / name: content for name, content in files.items()}


def _toml(family: str, config: Config) -> str:
    fields = {"family": family, **to_plain(config)}
    return "".join(f"{field} = {json.dumps(value)}\n" for field, value in fields.items())


def _files(design: Design, names: Names) -> list[tuple[str, str]]:
    """Return what a datasheet says of the package's files."""
    said = [
        (names.verilog, "the design, Verilog"),
        (names.manifest, "manifest: configuration, ports, latencies, modules, versions of the tools"),
        (names.configuration, "the configuration, for all commands of Tileloom"),
        (names.file_list, "list of the Verilog files, with paths from its own folder: `-F`"),
        (names.core, "FuseSoC: targets `lint`, `sim`, `synth`"),
        (YOSYS.name, "what its target `synth` calls Yosys by"),
        (names.ip_xact, "IP-XACT (IEEE 1685-2014): ports, bus interfaces, register map"),
        (names.constraints, "SDC: clock, delays at the ports"),
        (names.template, "an instance with every port connected by name"),
        (names.testbench, "the worked example as a test bench in Verilog"),
        (names.waves, "GTKWave: the ports in groups, for `tileloom simulate --waves` and the test bench"),
        ("datasheet/", "pictures of this datasheet, and WaveDrom's JSON of the timing diagrams"),
    ]
    sources = sorted({name.partition("/")[0] for name in design.sources} - {names.ip_xact})
    about = {".h": "C header", ".c": "C source"}
    kinds = ((name, about.get(Path(name).suffix, "register map for a browser")) for name in sources)
    return [*said, *((name if "." in name else f"{name}/", what) for name, what in kinds)]
