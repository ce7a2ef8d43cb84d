"""What Yosys, ABC and OpenSTA are given of a library: one file that the readers of all three take.

Each of them has a liberty reader of its own, and none takes all of liberty: ``//`` comments, continued
lines, ``include_file``, quoted numbers, braces in strings. So the file is not the user's text but is written
from what was parsed: the cells that may be used, without tables of power, which none of the three reads and
which are most of a file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from .cells import Cell
from .liberty import Complex, Group, Simple

DEFAULTS = {
    "delay_model": "table_lookup",
    "input_threshold_pct_rise": "50",
    "input_threshold_pct_fall": "50",
    "output_threshold_pct_rise": "50",
    "output_threshold_pct_fall": "50",
    "slew_lower_threshold_pct_rise": "20",
    "slew_lower_threshold_pct_fall": "20",
    "slew_upper_threshold_pct_rise": "80",
    "slew_upper_threshold_pct_fall": "80",
    "slew_derate_from_library": "1",
}
"""What tables of delay mean, as liberty has it where a library does not say; OpenSTA wants all of it said."""

_POWER = frozenset(
    {"internal_power", "leakage_power", "dynamic_current", "receiver_capacitance", "power_lut_template"}
)
_TIMING = frozenset({"timing"})
_DROPPED = frozenset({"dont_use"})
"""Of what is left only clock gates carry the mark, and Yosys heeds it."""

_BARE = re.compile(r"[\w.+-]+")
_QUOTED = frozenset(
    {"function", "three_state", "next_state", "clocked_on", "clear", "preset", "enable", "data_in", "when"}
    | {"values", "index_1", "index_2", "index_3", "related_pin", "sdf_cond"}
)
"""What is quoted although it may look like a number or a name: functions and lists."""

_UNREADABLE = re.compile(r'["{}\\\n]|/[/*]')
"""What is in no string that matters; ABC takes it for syntax in strings, too."""


def with_delays(libraries: Sequence[Group], usable: Mapping[str, Cell], path: Path) -> Path:
    """Write the libraries as one, with their tables of delay, and return ``path``."""
    return _write(path, libraries, usable, _POWER, {})


def functions_alone(libraries: Sequence[Group], usable: Mapping[str, Cell], path: Path) -> Path:
    """Write the libraries as one without delays, which is much faster to read, and return ``path``."""
    return _write(path, libraries, usable, _POWER | _TIMING, {})


def with_unit_delays(libraries: Sequence[Group], usable: Mapping[str, Cell], path: Path) -> Path:
    """Write the libraries as one with a delay of 1 through every gate, and return ``path``.

    ABC maps to no cell without tables of delay, not even for area alone.
    """
    delays = {
        (name, pin): [line for source in cell.inputs for line in _unit_delay(source)]
        for name, cell in usable.items()
        if not cell.is_sequential
        for pin, _ in cell.driven()
    }
    return _write(path, libraries, usable, _POWER | _TIMING, delays)


def _unit_delay(source: str) -> Iterator[str]:
    yield f'timing () {{ related_pin : "{source}"; timing_sense : non_unate;'
    for table in ("cell_rise", "cell_fall", "rise_transition", "fall_transition"):
        yield f'  {table} (unit_delay) {{ index_1 ("0, 1"); index_2 ("0, 1"); values ("1, 1", "1, 1"); }}'
    yield "}"


_UNIT_DELAY = """lu_table_template (unit_delay) {
  variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
  index_1 ("0, 1"); index_2 ("0, 1");
}"""


def _write(
    path: Path,
    libraries: Sequence[Group],
    usable: Mapping[str, Cell],
    dropped: Collection[str],
    delays: Mapping[tuple[str, str], list[str]],
) -> Path:
    first = libraries[0]
    lines = [f"{_opening(first)} {{", *([_UNIT_DELAY] if delays else [])]
    lines += [f"{name} : {value};" for name, value in DEFAULTS.items() if name not in first.attributes]
    written: set[tuple[str, str]] = set()
    for library in libraries:
        for each in library.statements:
            if not isinstance(each, Group):
                if library is first:
                    _add(lines, each)
            elif each.kind == "cell":
                # A cell that is declared twice is refused before, but for those not to be used.
                if each.name in usable and each is usable[each.name].group:
                    _add_cell(lines, each, dropped, delays)
            elif each.kind not in dropped and (each.kind, each.name) not in written:
                written.add((each.kind, each.name))
                _add(lines, each, dropped)
    path.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")
    return path


def _add_cell(
    lines: list[str],
    cell: Group,
    dropped: Collection[str],
    delays: Mapping[tuple[str, str], list[str]],
) -> None:
    lines.append(f"{_opening(cell)} {{")
    for each in cell.statements:
        if not isinstance(each, Group) or each.kind != "pin":
            _add(lines, each, dropped)
            continue
        for name in each.arguments:  # OpenSTA of 2019 and Yosys take one pin for a group of several
            lines.append(f"pin ({_argument(name)}) {{")
            for inner in each.statements:
                _add(lines, inner, dropped)
            lines += delays.get((cell.name, name), ())
            lines.append("}")
    lines.append("}")


def _add(lines: list[str], each: Simple | Complex | Group, dropped: Collection[str] = ()) -> None:
    """Append the lines of a statement; none where it cannot be told to all tools."""
    if isinstance(each, Simple):
        if each.name not in _DROPPED and not _UNREADABLE.search(each.value):
            bare = each.name not in _QUOTED and _BARE.fullmatch(each.value)
            lines.append(f"{each.name} : {each.value};" if bare else f'{each.name} : "{each.value}";')
    elif isinstance(each, Complex):
        if not any(map(_UNREADABLE.search, each.arguments)):
            quoted = each.name in _QUOTED
            arguments = ", ".join(f'"{a}"' if quoted else _argument(a) for a in each.arguments)
            lines.append(f"{each.name} ({arguments});")
    elif each.kind not in dropped:
        lines.append(f"{_opening(each)} {{")
        for inner in each.statements:
            _add(lines, inner, dropped)
        lines.append("}")


def _opening(group: Group) -> str:
    return f"{group.kind} ({', '.join(map(_argument, group.arguments))})"


def _argument(text: str) -> str:
    return text if _BARE.fullmatch(text) else f'"{text}"'
