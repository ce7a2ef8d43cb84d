"""Words of which one bit depends on another, with no register between.

A simulator that orders its work by words takes such a word for a loop (Verilator's UNOPTFLAT) and slows down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .cells import FLIP_FLOPS, MEMORY, Bit, Cell, drives, is_primitive
from .live import Module


class Combinational:
    """The graph of the primitives of one module that have no state, for ``depends_on_itself``."""

    def __init__(self, module: Module) -> None:
        self.driver: dict[Bit, str] = {}
        readers: defaultdict[Bit, list[str]] = defaultdict(list)
        for name, cell in module["cells"].items():
            if not is_primitive(cell) or _has_state(cell):
                continue
            self.driver.update((bit, name) for bit in cell["connections"][drives(cell)])
            for port, way in cell["port_directions"].items():
                if way == "input":
                    for bit in set(cell["connections"][port]):
                        readers[bit].append(name)
        self._readers = readers
        self._sources: defaultdict[str, set[str]] = defaultdict(set)
        for bit, cells in readers.items():
            if bit in self.driver:
                for cell in cells:
                    self._sources[cell].add(self.driver[bit])

    def depends_on_itself(self, word: Iterable[Bit]) -> bool:
        """Return whether a bit of ``word`` is computed from another bit of it."""
        bits = set(word)
        readers = {cell for bit in bits for cell in self._readers.get(bit, ())}
        waiting = [self.driver[bit] for bit in bits if bit in self.driver]
        if not readers:
            return False
        reached = set(waiting)
        while waiting:
            cell = waiting.pop()
            if cell in readers:
                return True
            waiting += self._sources[cell] - reached
            reached |= self._sources[cell]
        return False


def _has_state(cell: Cell) -> bool:
    if cell["type"] == MEMORY:
        return "0" not in str(cell["parameters"]["RD_CLK_ENABLE"])
    return cell["type"] in FLIP_FLOPS
