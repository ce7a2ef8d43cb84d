"""Surgery on generated text: everything that takes Verilog apart, or RTLIL, without a parser stands here.

All of it relies on how Yosys 0.70's ``write_verilog`` and ``write_rtlil`` lay out a netlist, and raises
LayoutError where a text is not laid out like that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping


class LayoutError(ValueError):
    """Text that is not laid out as Yosys does it, or that lacks what is looked for."""


_MODULE = re.compile(r"^module (\w+)\(.*?^endmodule\n", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"//.*|/\*.*?\*/")
_INSTANCE = re.compile(r"^(  )(\w+)(?= \w+ \($)", re.MULTILINE)
_NAMED_INSTANCE = re.compile(r"^  (\w+) (\w+) \($", re.MULTILINE)
_PORT = re.compile(r"^  (?:input|output) (?:\[(\d+):(\d+)\] )?(\w+);\n", re.MULTILINE)
_MEMORY = re.compile(r"^  reg (?:\[\d+:\d+\] )?(\w+) \[\d+:\d+\];$", re.MULTILINE)
_SIGNED = re.compile(r"\b(input|output|wire) signed ")
_RTLIL_MODULE = re.compile(r"^module \\(\S+)$", re.MULTILINE)
_RTLIL_CELL = re.compile(r"^  cell (\$\w+) (?:.*?)^  end$", re.MULTILINE | re.DOTALL)
_RTLIL_PARAMETER = re.compile(r"^    parameter (?:signed )?\\(\w+) (\d+)$", re.MULTILINE)


def split_modules(verilog: str) -> dict[str, str]:
    """Return the text of each module by its name.

    Relies on: ``module NAME(`` and ``endmodule`` begin lines, names are plain, and between modules there are
    only blank lines and comments. Raises LayoutError where there is anything else, or no module.
    """
    modules = {match[1]: match[0] for match in _MODULE.finditer(verilog)}
    between = _COMMENT.sub("", _MODULE.sub("", verilog))
    if not modules or between.strip():
        raise LayoutError(f"not modules alone: {between.strip()[:60]!r}")
    return modules


def instantiated(verilog: str, module: str) -> set[str]:
    """Return the modules of a text that one of them has instances of. Relies on: as ``renamed_instances``."""
    modules = split_modules(verilog)
    return {match[2] for match in _INSTANCE.finditer(modules[module]) if match[2] in modules}


def reached(verilog: str, top: str, but: str | None = None) -> set[str]:
    """Return the modules in a module, itself too, that are there without going through ``but``.

    Relies on: as ``renamed_instances``.
    """
    found, left = set(), [top]
    while left:
        name = left.pop()
        if name not in found and name != but:
            found.add(name)
            left += instantiated(verilog, name)
    return found


def renamed_instances(module: str, names: Mapping[str, str]) -> str:
    """Return a module whose instances of ``names``' keys are of their values.

    Relies on: an instance begins with ``  MODULE NAME (`` on a line of its own.
    """
    return _INSTANCE.sub(lambda match: match[1] + names.get(match[2], match[2]), module)


def with_cells(verilog: str, cells: Mapping[str, Mapping[str, str]]) -> str:
    """Return a netlist with instances of other cells, by the names of their module and of the instance.

    Relies on: as ``split_modules`` and ``renamed_instances``.
    """

    def changed(module: re.Match[str]) -> str:
        wanted = cells.get(module[1], {})
        return _NAMED_INSTANCE.sub(
            lambda found: f"  {wanted.get(found[2], found[1])} {found[2]} (", module[0]
        )

    return _MODULE.sub(changed, verilog)


def port_width(verilog: str, module: str, port: str) -> int:
    """Return the width of a port in bits.

    Relies on: ``  input [HIGH:LOW] NAME;`` on a line of its own. Raises LayoutError where it is not there.
    """
    widths = port_widths(verilog, module)
    if port not in widths:
        raise LayoutError(f"{module} has no port {port}")
    return widths[port]


def port_widths(verilog: str, module: str) -> dict[str, int]:
    """Return the width of each port in bits by its name. Relies on: as ``port_width``."""
    return {name: high - low + 1 for name, (high, low) in port_places(verilog, module).items()}


def port_places(verilog: str, module: str) -> dict[str, tuple[int, int]]:
    """Return the highest and the lowest place of each port by its name; places that nobody uses are gone.

    Relies on: as ``port_width``.
    """
    found = _PORT.finditer(_module(verilog, module))
    return {match[3]: (int(match[1] or 0), int(match[2] or 0)) for match in found}


def black_boxes(verilog: str, modules: Collection[str]) -> str:
    """Return Verilog in which only the ports of ``modules`` are left.

    Relies on: as ``split_modules`` and ``port_width``. Raises LayoutError that names a module that is missing
    or has no ports.
    """
    for name in modules:
        text = _module(verilog, name)
        header = text.partition(");\n")[0]
        ports = [match[0] for match in _PORT.finditer(text)]
        if not ports:
            raise LayoutError(f"{name} has no ports")
        stub = f"(* blackbox *)\n{header});\n{''.join(ports)}endmodule\n"
        verilog = verilog.replace(text, stub)
    return verilog


def modules_of(verilog: str, suffix: str) -> list[str]:
    """Return the names of modules that end in ``_SUFFIX``. Relies on: ``module NAME(`` begins a line."""
    return [name for name in _MODULE.findall(verilog) if name.endswith(f"_{suffix}")]


def clocked_memories(verilog: str) -> list[str]:
    """Return the names of modules that have memories, all of them read at a clock edge alone.

    Relies on: a memory is declared as ``  reg [HIGH:LOW] NAME [FIRST:LAST];``, what is written begins a line,
    ``NAME[PLACE] <=`` or, at first, ``NAME[PLACE] =``, and a read at a clock edge is ``REGISTER <= NAME[``.
    """
    found = []
    for match in _MODULE.finditer(verilog):
        memories = _MEMORY.findall(match[0])
        reads = [re.findall(rf"(?m)^(.*\S) {memory}\[", match[0]) for memory in memories]
        if memories and all(before.endswith("<=") for each in reads for before in each):
            found.append(match[1])
    return found


def replaced_by_cell(verilog: str, suffix: str, cell: str) -> str:
    """Return Verilog without the module whose name ends in ``_SUFFIX``, its instances being of ``cell``.

    Relies on: as ``split_modules`` and ``renamed_instances``. Verilog that has no such module is returned as
    it is; raises LayoutError where an instance of it would be left.
    """
    for name in modules_of(verilog, suffix):
        verilog = verilog.replace(_module(verilog, name), "")
        verilog = renamed_instances(verilog, {name: cell})
        if re.search(rf"\b{name}\b", verilog):
            raise LayoutError(f"an instance of {name} is left")
    return verilog


def unsigned(verilog: str) -> str:
    """Return the text with every port and wire unsigned, for readers that take no others.

    Of a netlist of cells, in which no operator asks for the sign.
    """
    return _SIGNED.sub(r"\1 ", verilog)


def plain_names(verilog: str) -> str:
    """Return the text with names that begin with a dollar sign, as Yosys writes them, made ones it takes."""
    return verilog.replace("\\$", "\\_$")


def module_name(verilog: str) -> str:
    """Return the name of the one module in a text. Raises LayoutError where there is another number."""
    names = re.findall(r"^module (\w+)", verilog, re.MULTILINE)
    if len(names) != 1:
        raise LayoutError(f"{len(names)} modules, not one")
    return str(names[0])


def renamed(module: str, name: str) -> str:
    """Return a module under another name. Relies on: the text begins with ``module NAME``."""
    return re.sub(r"\Amodule \w+", f"module {name}", module)


def with_module(verilog: str, name: str, text: str) -> str:
    """Return Verilog in which the module ``name`` is ``text``. Raises LayoutError where it is not there."""
    return verilog.replace(_module(verilog, name), text)


def rtlil_modules(rtlil: str) -> list[str]:
    """Return the names of the modules in RTLIL. Relies on: ``module \\NAME`` on a line of its own.

    Raises LayoutError where there is none.
    """
    names = _RTLIL_MODULE.findall(rtlil)
    if not names:
        raise LayoutError("no module in RTLIL")
    return names


def rtlil_parameters(rtlil: str, kind: str, names: Collection[str]) -> list[dict[str, int]]:
    """Return the parameters ``names``, all numbers, of each cell of ``kind`` in RTLIL.

    Relies on: ``  cell KIND ID``, ``    parameter \\NAME NUMBER``, ``  end``, each on a line of its own.
    Raises LayoutError where a cell lacks one of them.
    """
    cells = []
    for match in _RTLIL_CELL.finditer(rtlil):
        if match[1] != kind:
            continue
        parameters = {name: int(value) for name, value in _RTLIL_PARAMETER.findall(match[0])}
        if missing := [name for name in names if name not in parameters]:
            raise LayoutError(f"a {kind} without {missing[0]}")
        cells.append({name: parameters[name] for name in names})
    return cells


def _module(verilog: str, name: str) -> str:
    """Return the text of one module. Raises LayoutError where it is not there."""
    match = re.search(rf"^module {re.escape(name)}\(.*?^endmodule\n", verilog, re.MULTILINE | re.DOTALL)
    if match is None:
        raise LayoutError(f"there is no module {name}")
    return match[0]
