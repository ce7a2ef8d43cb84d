"""A design's own proofs against its faults: what ``tileloom verify --formal`` says of it with one of them.

The proofs are part of the regression as much as simulation is. They decide at once what a simulation comes to
after years, such as the upper bits of counters. What no proof speaks of, they do not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from tileloom.netlist.text import reached
from tileloom.processes import OutOfTimeError

from ..verify.solver import TIMEOUT, Query, refute
from .component import UnlikeError
from .mutants import Mutant, Mutated


@dataclass(frozen=True)
class Held:
    """A proof that a design's faults are held to.

    Attributes
    ----------
    title:
        The property.
    module:
        Of the design, with all modules inside.
    queries:
        Of a fault's number, 0 for none, the queries: a counterexample shows the fault.
    """

    title: str
    module: str
    queries: Callable[[int], Sequence[Query]]


@dataclass
class Proofs:
    """The proofs of a design with faults, each first tried without one."""

    mutated: Mutated
    held: Sequence[Held]
    timeout: float = TIMEOUT
    _right: dict[tuple[str, str], bool] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def refuting(self, mutant: Mutant) -> str | None:
        """Return the title of a proof that fails with a fault; None where none is known to.

        Of those around the fault only the nearest are tried: a larger part's take longer, and say less of it.
        """
        verilog = self.mutated.design.verilog
        around = {each.module: reached(verilog, each.module) for each in self.held}
        least = min((len(inside) for inside in around.values() if mutant.module in inside), default=0)
        for each in self.held:
            inside = around[each.module]
            if mutant.module not in inside or len(inside) > least:
                continue
            if self._is_right(each) and self._refutes(each, mutant.number):
                return each.title
        return None

    def _is_right(self, each: Held) -> bool:
        """Return whether a proof holds without a fault, as it may not of modules that the design has cut."""
        with self._lock:
            key = each.title, each.module
            if key not in self._right:
                self._right[key] = self._refutes(each, 0) is False
            return self._right[key]

    def _refutes(self, each: Held, number: int) -> bool | None:
        """Return whether there is a counterexample; None where nothing is known."""
        try:
            return refute(each.queries(number), timeout=self.timeout) is not None
        except (OutOfTimeError, UnlikeError):
            return None
