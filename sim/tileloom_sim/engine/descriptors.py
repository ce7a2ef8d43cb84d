"""The descriptors of a program in memory: an engine's, or a grid's, each with the engines that it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tileloom_golden.engine.grid import GridProgram
from tileloom_golden.engine.grid_memory import in_memory
from tileloom_golden.engine.memory_map import key_of, repetitions
from tileloom_golden.engine.program import Conv, EngineSize, Group, Load, Program, Write

from .descriptor import Descriptor
from .places import Lines, Places

Step = Load | Conv | Write


def descriptors(program: Program | GridProgram, places: Places, result_bytes: int) -> bytes:
    """Return a program's descriptors, one behind the other.

    Raises UserError where something does not fit a descriptor.
    """
    memory = _Memory(program.size, places, result_bytes)
    content = bytearray()
    if isinstance(program, Program):
        for run in repetitions(program):
            for first, last in zip(_steps(run[0]), _steps(run[-1]), strict=True):
                content += memory.descriptor(first.slots(), len(run), first, last).to_bytes()
    else:
        for told in in_memory(program):
            content += memory.descriptor(told.slots, told.slots[1], told.first, told.last).to_bytes()
    return bytes(content + Descriptor().to_bytes())


def _steps(group: Group) -> list[Step]:
    return [*(step for part in group.parts for step in part), group.write]


@dataclass(frozen=True)
class _Memory:
    """Where things lie for an engine of a size."""

    size: EngineSize
    places: Places
    result_bytes: int

    def descriptor(
        self,
        slots: Sequence[int],
        count: int,
        first: Step | None,
        last: Step | None,
    ) -> Descriptor:
        """Return that of a command for so many groups, of which these are the steps; None reads nothing."""
        command = (slots[0], count, *slots[2:])
        if first is None or last is None:
            return Descriptor(command=command)
        found, address = self._fields(first), self._fields(last)["address"]
        found["step"] = self._pitch((address - found["address"]) // max(1, count - 1))
        found["address"] %= 1 << self.places.address_bits
        return Descriptor(command=command, **found)

    def _pitch(self, count: int) -> int:
        # With more bits of address one that goes back has no descriptor, which raises UserError.
        return count % (1 << 32) if self.places.address_bits <= 32 else count

    def _fields(self, step: Step) -> dict[str, int]:
        size, places = self.size, self.places
        if isinstance(step, Load):
            unit = size.k * size.element_bits // 8
            return self._rows(places.activations, step.block, step, unit)
        if isinstance(step, Write):
            return self._rows(places.results, step.column, step, size.n * self.result_bytes)
        part = places.parts[key_of(step)]
        return {
            "address": part.index,
            "run": part.index_bytes,
            "weight_bytes": part.weight_bytes,
            "weights": part.weights,
        }

    def _rows(self, lines: Lines, block: int, step: Load | Write, unit: int) -> dict[str, int]:
        return {
            "address": lines.first + block * lines.plane + step.y * lines.line + step.x * unit,
            "plane": self._pitch(lines.plane),
            "line": self._pitch(lines.line),
            "run": step.width * unit,
            "lines": step.rows,
        }
