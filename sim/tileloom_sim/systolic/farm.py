"""Many designs under one top module, so that one simulator build and one run serve all of them.

Each array keeps its own streams and its own reset; the clock is shared. Modules that are equal but for their
names, such as the elements of arrays of different sizes, are merged: they are most of the build time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tileloom.design import Design
from tileloom.netlist.text import port_width, renamed, renamed_instances, split_modules

from .interface import Interface, Stream

TOP = "farm"


@dataclass(frozen=True)
class Farm:
    """The Verilog of several arrays under the module ``farm``, their interfaces, and what their modules are.

    ``origins`` has the manifests' account of each module that is left after merging.
    """

    verilog: str
    interfaces: Sequence[Interface]
    origins: Mapping[str, str]


def combine(designs: Iterable[Design]) -> Farm:
    """Return the designs, which have no registers, under one top; their names must differ.

    Raises ValueError if two designs have modules of the same name.
    """
    designs = list(designs)
    modules: dict[str, str] = {}
    origins: dict[str, str] = {}
    for design in designs:
        own = split_modules(design.verilog)
        if clash := modules.keys() & own.keys():
            raise ValueError(f"two designs have a module {min(clash)}; give them different names")
        modules.update(own)
        origins.update(design.manifest["modules"])
    modules = _merge_equal(modules, keep={design.name for design in designs})
    inner = [Interface.of_manifest(design.manifest) for design in designs]
    outer = [_prefixed(interface) for interface in inner]
    verilog = "".join([*modules.values(), _top(designs, inner, outer)])
    return Farm(verilog, outer, {name: origins[name] for name in modules})


def _merge_equal(modules: dict[str, str], keep: set[str]) -> dict[str, str]:
    """Return the modules with those that are equal but for their names merged into the first of them."""
    while True:
        first: dict[str, str] = {}
        same: dict[str, str] = {}
        for name, text in modules.items():
            original = first.setdefault(renamed(text, "any"), name)
            if original != name and name not in keep:
                same[name] = original
        if not same:
            return modules
        modules = {name: renamed_instances(text, same) for name, text in modules.items() if name not in same}


def _prefixed(interface: Interface) -> Interface:
    def rename(stream: Stream) -> Stream:
        prefix = f"{interface.name}_"
        return replace(
            stream,
            data=prefix + stream.data,
            valid=prefix + stream.valid,
            ready=prefix + stream.ready,
            last=stream.last and prefix + stream.last,
        )

    return replace(
        interface,
        clock="clk",
        reset=f"{interface.name}_reset",
        streams={name: rename(stream) for name, stream in interface.streams.items()},
    )


def _top(designs: Sequence[Design], inner: Sequence[Interface], outer: Sequence[Interface]) -> str:
    ports = ["input clk"]
    instances = []
    for design, old, new in zip(designs, inner, outer, strict=True):
        ports.append(f"input {new.reset}")
        wires = {old.clock: "clk", old.reset: new.reset}
        for name, stream in new.streams.items():
            towards, back = ("input", "output") if stream.inward else ("output", "input")
            width = port_width(design.verilog, design.name, old.streams[name].data)
            ports += [
                f"{towards} [{width - 1}:0] {stream.data}",
                f"{towards} {stream.valid}",
                f"{back} {stream.ready}",
            ]
            ports += [f"{towards} {stream.last}"] if stream.last else []
            for field in ("data", "valid", "ready", "last"):
                if inside := getattr(old.streams[name], field):
                    wires[inside] = getattr(stream, field)
        connections = ", ".join(f".{inside}({outside})" for inside, outside in wires.items())
        instances.append(f"  {design.name} instance_{design.name} ({connections});")
    return "\n".join([f"module {TOP}(", "  " + ",\n  ".join(ports), ");", *instances, "endmodule", ""])
