"""Liberty's look-up tables by slew and load, for arrays of cells at once, and the units of a library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..library.liberty import Group
from ..library.standard_cells import Library, LibraryError

Floats = npt.NDArray[np.float64]

_SLEW = ("input_transition_time", "input_net_transition")
_LOAD = ("total_output_net_capacitance", "output_net_length")
_SCALE = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}
_UNIT = re.compile(r"([\d.eE+-]+)\s*([fpnum]?)(V|W)", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table over slew (s) and load (F), in J, W or s; between its points linear, beyond them constant."""

    slews: Floats
    loads: Floats
    values: Floats

    def at(self, slew: Floats, load: Floats) -> Floats:
        """Return the values at slews and loads, arrays of one shape."""
        i, u = _place(self.slews, slew)
        j, v = _place(self.loads, load)
        low = self.values[i, j] * (1 - v) + self.values[i, np.minimum(j + 1, len(self.loads) - 1)] * v
        k = np.minimum(i + 1, len(self.slews) - 1)
        high = self.values[k, j] * (1 - v) + self.values[k, np.minimum(j + 1, len(self.loads) - 1)] * v
        return low * (1 - u) + high * u


def _place(points: Floats, at: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return before which interval of ``points`` each value lies, and how far in it."""
    if len(points) == 1:
        return np.zeros(at.shape, np.int64), np.zeros(at.shape)
    index = np.clip(np.searchsorted(points, at) - 1, 0, len(points) - 2)
    share = (at - points[index]) / (points[index + 1] - points[index])
    return index, np.clip(share, 0.0, 1.0)


@dataclass(frozen=True)
class LibraryUnits:
    """A library's units in SI, and how to read its tables.

    Attributes
    ----------
    library:
        The library.
    supply:
        Its nominal voltage, V.
    time, load, energy, leakage:
        What its numbers stand for: s, F, J, W. Internal energy is in units of voltage squared times load.
    """

    library: Library
    supply: float
    time: float
    load: float
    energy: float
    leakage: float

    @classmethod
    def of(cls, library: Library) -> LibraryUnits:
        """Return a library's units. Raises LibraryError where they are missing, or it has no power tables."""
        group = library.groups[0]
        volt = _unit(group, "voltage_unit", "1V")
        load = library.load_unit_ff * 1e-15
        supply = group.number("nom_voltage") * volt
        if not supply > 0:
            raise LibraryError(f"{group.where}: nom_voltage is missing, without which there is no energy")
        found = any(
            next(pin.all("internal_power"), None)
            for c in library.cells.values()
            for pin in c.group.all("pin")
        )
        if not found:
            raise LibraryError(
                f"{group.where}: no cell has internal_power tables; power needs a library with some, "
                "such as Nangate45: --liberty FILE"
            )
        return cls(
            library=library,
            supply=supply,
            time=library.time_unit_ps * 1e-12,
            load=load,
            energy=volt * volt * load,
            leakage=_unit(group, "leakage_power_unit", "1nW"),
        )

    @cached_property
    def _templates(self) -> Mapping[str, Group]:
        """The templates of tables: their variables, and the indices of tables that have none of their own."""
        found: dict[str, Group] = {}
        for group in self.library.groups:
            for each in group.all("power_lut_template", "lu_table_template"):
                found.setdefault(each.name, each)
        return found

    def energy_table(self, group: Group) -> Table:
        """Return a table of energy, in J."""
        return self._table(group, self.energy)

    def time_table(self, group: Group) -> Table:
        """Return a table of slew, in s."""
        return self._table(group, self.time)

    def _table(self, group: Group, unit: float) -> Table:
        values = np.array(group.numbers("values"))
        if group.name == "scalar" or len(values) == 1:
            one = np.zeros(1)
            return Table(one, one, np.full((1, 1), values[0] * unit if len(values) else 0.0))
        template = self._templates.get(group.name)
        found = [template.attributes.get(f"variable_{place}", "") for place in (1, 2)] if template else []
        variables = [variable for variable in found if variable]
        indices = []
        for place in range(1, len(variables) + 1):
            name = f"index_{place}"
            own = group.numbers(name) or (template.numbers(name) if template else [])
            indices.append(np.array(own))
        scaled: dict[str, Floats] = {}
        for variable, index in zip(variables, indices, strict=True):
            if variable in _SLEW:
                scaled["slew"] = index * self.time
            elif variable in _LOAD:
                scaled["load"] = index * self.load
        shape = tuple(len(index) for index in indices)
        if len(scaled) != len(variables) or not variables or values.size != np.prod(shape):
            raise LibraryError(f"{group.where}: {group.kind} ({group.name}) is no table of slew and load")
        grid = values.reshape(shape) * unit
        if variables[0] in _LOAD:
            grid = grid.T
        zero = np.zeros(1)
        if len(variables) == 1:
            grid = grid.reshape((-1, 1) if "slew" in scaled else (1, -1))
        return Table(scaled.get("slew", zero), scaled.get("load", zero), grid)


def _unit(group: Group, name: str, default: str) -> float:
    text = group.attributes.get(name, default)
    match = _UNIT.fullmatch(text.strip())
    if match is None or not float(match[1]) > 0:
        raise LibraryError(f"{group.where}: {name} {text} is not such as {default}")
    return float(match[1]) * _SCALE[match[2].lower()]
