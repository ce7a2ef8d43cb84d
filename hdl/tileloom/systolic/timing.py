"""The array's timetable: when each word is where, in enabled cycles after its vector was accepted.

Plain numbers derived from the configuration, in one place; edges, control and manifest read them. The cycle
in which row 0's first word is accepted is 0. "Visible from n" means on the wires from cycle n on.

With a step interval above 1 a register at the edge holds each word for a whole interval, so that every signal
in the mesh changes once per vector and stays for an interval: nothing computes on words that are not wanted,
and one register delays by up to an interval where a plain shift register would take one per cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .config import Port, SystolicConfig


@dataclass(frozen=True)
class Timetable:
    """All offsets of one configuration, in enabled cycles."""

    config: SystolicConfig

    @property
    def entry(self) -> int:
        """The cycle from which row 0's activation is visible to the mesh."""
        return 0 if self.config.step_interval == 1 and self.config.port is Port.STREAM else 1

    def activation_arrives(self, row: int) -> int:
        """Return the cycle in which this row's activation is at the port."""
        return row if self.config.port is Port.WORD else 0

    def activation_due(self, row: int) -> int:
        """Return the cycle from which the mesh must see this row's activation."""
        return self.entry + row * self.config.add_stages

    def psum_due(self, column: int) -> int:
        """Return the cycle from which the mesh must see this column's incoming partial sum."""
        return self.entry + 1 + self.config.multiply_stages + self.config.segment(column)

    def result_appears(self, column: int) -> int:
        """Return the cycle from which this column's result leaves the mesh."""
        return self.psum_due(column) + self.config.rows * self.config.add_stages

    @property
    def vector_complete(self) -> int:
        """The cycle in which the last word of a vector is accepted."""
        return self.activation_arrives(self.config.rows - 1)

    @property
    def latency(self) -> int:
        """Cycles from the first word of a vector in to the last column's result on the wires of the port."""
        registered = self.config.port is Port.WORD
        return self.result_appears(self.config.columns - 1) + registered

    @property
    def weights_released(self) -> int:
        """The cycle after which the weights that the vector of cycle 0 replaces or ends may be overwritten.

        With double buffering the vector is a tile's first, which carries the swap: the last element has
        swapped. Without, it is a tile's last: the last element has used its weight for a whole interval.
        """
        swapped = self.activation_due(self.config.rows - 1) + self.config.segment(self.config.columns - 1)
        used = swapped + self.config.step_interval
        # Not a cycle earlier, though the write would come with the last use: should the array stand still in
        # between, the write would not wait for it.
        return max(swapped if self.config.double_buffer else used, self.vector_complete)

    def captures(self, arrives: int, due: int) -> tuple[int, ...]:
        """Return the cycles at whose ends successive registers take a word, to have it visible from ``due``.

        Empty where the word is due when it arrives.
        """
        interval = self.config.step_interval
        if due == arrives:
            return ()
        last = due - 1
        return (*range(arrives, last, interval), last)

    def result_captures(self, column: int) -> tuple[int, ...]:
        """Return the same for a column's result, which must be visible together with the last column's.

        The mesh holds a result for a whole interval, so a register is needed only for each full one.
        """
        interval = self.config.step_interval
        appears = self.result_appears(column)
        waits = self.config.segment(self.config.columns - 1) - self.config.segment(column)
        return tuple(appears + interval * step - 1 for step in range(1, waits // interval + 1))


def streaming(config: SystolicConfig) -> Timetable:
    """Return the timetable of the mesh where a vector is there as a whole in cycle 0.

    That is as at a stream port that takes one in every cycle.
    """
    inapplicable: Mapping[str, Any] = dict.fromkeys(
        ("axi4_stream_names", "host", "id_width", "memory_bits", "accumulators")
    )
    return Timetable(replace(config, port=Port.STREAM, step_interval=1, broadcast=1, **inapplicable))
