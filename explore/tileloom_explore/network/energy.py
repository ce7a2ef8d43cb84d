"""Energy of layers: what `tileloom power` measured of a configuration's cycles, times how many a layer has.

    computing E_computing + loading (E_loading - E_idle) + (cycles - computing) E_idle + leakage x time

with cycles and those that compute and load from the layer's `mapping.Cost`: loading adds to a clock that runs
anyway. Twice, for the bounds of a net's toggles in a cycle.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.xfu.config import XfuConfig
from tileloom_synth.power.report import BOUNDS, bound_key

from ..cost import Cost

KEYS = tuple(map(bound_key, BOUNDS))
"""Of the bounds, as figures have them."""

MODES = ("computing", "loading_weights", "idle")
"""Of a cycle."""


@dataclass(frozen=True)
class Energy:
    """What `tileloom power` measured of a design.

    Attributes
    ----------
    cycles:
        J of a cycle by mode, and in each by bound.
    leakage:
        W.
    period:
        Of the clock, ps.
    library:
        Its name.
    met:
        Whether the netlist meets the period.
    """

    cycles: Mapping[str, Mapping[str, float]]
    leakage: float
    period: float
    library: str
    met: bool

    def of(self, cost: Cost) -> dict[str, float]:
        """Return the energy of a layer in each bound, J."""
        found = {}
        for bound in KEYS:
            computing, loading, idle = (self.cycles[mode][bound] for mode in MODES)
            dynamic = cost.computing * computing + (cost.cycles - cost.computing) * idle
            dynamic += cost.loading * (loading - idle)
            found[bound] = dynamic + self.leakage * self.period * 1e-12 * cost.cycles
        return found

    @property
    def remarks(self) -> list[str]:
        """Lines about what the figures are of."""
        clock = f"{self.period:g} ps" + ("" if self.met else ", which the netlist does not meet")
        of = "of data as power had it, with leakage, without wires and clock tree"
        return [f"energy: {self.library}, clock {clock}; {of}"]


def read_energy(path: Path, config: Config) -> Energy:
    """Read what ``tileloom power CONFIG -o POWER.json`` wrote.

    Raises
    ------
    UserError
        The file cannot be read, is none of those, or of another configuration; or the configuration has
        kernels on a core, of which `power` measures the unit alone.
    """
    if isinstance(config, XfuConfig):
        raise UserError("--energy: of xDecimate power measures the unit alone, not the core of the kernels")
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        name = str(figures["name"])
        cycles = {mode: {bound: float(figures[f"{mode}_cycle_j"][bound]) for bound in KEYS} for mode in MODES}
        leakage, period = sum(map(float, figures["leakage_uw"].values())) * 1e-6, float(figures["period_ps"])
        found = Energy(cycles, leakage, period, str(figures["library"]), bool(figures["met"]))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{path}: not what tileloom power writes of an array or an engine; write it with tileloom power "
            f"CONFIG --liberty FILE --clock 2ns -o {path.name}"
        ) from None
    numbers: list[Any] = [leakage, period, *(value for mode in cycles.values() for value in mode.values())]
    if not all(math.isfinite(each) and each >= 0 for each in numbers):
        raise UserError(f"{path}: an energy, the leakage or the period is negative or no number")
    if name != design_name(config):
        raise UserError(f"{path}: is of {name}, and this runs on {design_name(config)}; measure that")
    return found
