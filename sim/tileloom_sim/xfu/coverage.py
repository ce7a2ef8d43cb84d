"""Functional coverage of the xDecimate unit: operands, commits and kills, waits, faults and resets.

Counted beside the golden hart that results are compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tileloom.xfu.config import XfuConfig
from tileloom_golden.xfu import xdecimate as golden

from ..riscv.run import Conditions
from .suite import Case
from .unit_core import Compared, Lane

STREAMS = {"instructions": "offers", "loads": "loads", "results": "takes"}
"""Of the unit, and what the core says of its side of each."""

COMMITS = (
    "commit: of what is inside",
    "commit: with the handshake",
    "commit: before it came",
    "commit: of two at once",
    "commit: by a younger tag",
    "commit: once more",
)
# Nothing enters beside one that is not committed, so that no kill is of two.
KILLS = (
    "kill: of what is inside",
    "kill: with the handshake",
    "kill: of what was not taken",
    "kill: spares what is committed",
)
ANSWERS = (
    "answer: in the next cycle",
    "answer: later",
    "answer: the result is taken with it",
    "answer: kept until the result is taken",
)
RESULTS = (
    "counter: swapped",
    "counter: swapped, and not 0",
    "counter: from 65535 to 0",
    "address: wraps around 2**32",
    "rd: x0",
    "rd: a younger one writes it too",
    "fault: rd and counter as they were",
    "fault: kept until the result is taken",
)
RESETS = ("reset: with an instruction inside", "reset: with a load asked for")
WAITS = (
    "memory: no waits",
    *(f"{bus}: waits for {what}" for bus in ("fetch", "data") for what in ("grant", "answer")),
    "memory: waits drawn anew each time",
)
GROUPS = {4: (2, 15), 8: (4, 7), 16: (4, 7)}
"""Of a group size: the bits of an offset, and of the counter those that say which offset it is."""


def expected_bins(config: XfuConfig) -> list[str]:
    """Return the bins that a thorough regression of a unit fills."""
    bins = [*COMMITS, *KILLS, *ANSWERS, *RESULTS, *RESETS]
    for name in STREAMS:
        bins += [f"{name}: {kind}" for kind in ("transfer", "waits", "starves")]
    for size in config.group_sizes:
        bits, last = GROUPS[size]
        bins += [f"1:{size}: offset {offset}" for offset in range(1 << bits)]
        bins += [f"1:{size}: of place {place}" for place in range(last + 1)]
        bins += [f"1:{size}: byte {byte} of rd" for byte in range(4)]
        bins.append(f"1:{size}: fault")
    return bins


def host_bins(suite: Sequence[Case]) -> list[str]:
    """Return the bins of a host: every kernel on every kind of layer, and the memory's waits."""
    return [*(_name(case) for case in suite), *WAITS]


def observe_host(suite: Sequence[Case], conditions: Conditions) -> Counter[str]:
    """Return the bins that a suite, run to its end, hits."""
    seen = Counter(_name(case) for case in suite)
    buses = {"fetch": conditions.instruction_waits, "data": conditions.data_waits}
    for bus, waits in buses.items():
        seen[f"{bus}: waits for grant"] += waits.grant > 0
        seen[f"{bus}: waits for answer"] += waits.response > 0
    idle = not any(waits.grant or waits.response for waits in buses.values())
    seen["memory: no waits"] += idle
    seen["memory: waits drawn anew each time"] += conditions.random_seed is not None and not idle
    return seen


def _name(case: Case) -> str:
    return f"{case.kind}: {case.kernel_name}"


class CoveredLane(Lane):
    """A core that counts, in ``seen``, how often each bin was hit."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.seen: Counter[str] = Counter()
        self._since = 0
        self._kept = False

    def drive(self) -> dict[str, int]:
        """Return this cycle's inputs by port."""
        waits, self._since = self.asked >= 0, self._since + 1
        self._inputs = super().drive()
        if waits and self._inputs["loaded_valid"]:
            self.seen["answer: in the next cycle" if self._since == 1 else "answer: later"] += 1
        return self._inputs

    def observe(self, out: dict[str, int]) -> list[Compared]:
        """Count a cycle, and take its outputs as ``Lane`` does."""
        for name, side in STREAMS.items():
            theirs = out["instructions__ready" if name == "instructions" else f"{name}__valid"]
            valid, ready = (self.offers, theirs) if name == "instructions" else (theirs, getattr(self, side))
            kind = {(1, 1): "transfer", (1, 0): "waits", (0, 1): "starves"}.get((int(valid), int(ready)))
            if kind:
                self.seen[f"{name}: {kind}"] += 1
        self._decided(bool(out["instructions__ready"] and self.offers))
        if self._inputs["loaded_valid"]:
            self._kept = not self.takes
            how = "kept until the result is taken" if self._kept else "the result is taken with it"
            self.seen[f"answer: {how}"] += 1
        if out["loads__valid"] and self.loads:
            self._since = 0
        return super().observe(out)

    def reset(self) -> None:
        """Count a reset that comes now."""
        self.seen["reset: with an instruction inside"] += bool(self.flying)
        self.seen["reset: with a load asked for"] += self.asked >= 0

    def _decided(self, enters: bool) -> None:
        """Count what is committed and killed."""
        new, inside = self.by_age[-1], list(self.flying)
        if enters and new.committed:
            self.seen["commit: before it came"] += 1
        if not self.decides:
            return
        if self.kills:
            meant = self.by_age[self.place :]
            killed = [each for each in meant if not each.committed]
            self.seen["kill: of what is inside"] += any(each is not new for each in killed)
            self.seen["kill: with the handshake"] += enters and new in killed
            self.seen["kill: of what was not taken"] += self.offers and not enters and new in killed
            self.seen["kill: spares what is committed"] += any(
                each.committed for each in meant if each is not new
            )
            return
        meant = self.by_age[: self.place + 1]
        fresh = [each for each in meant if not each.committed]
        of_inside = [each for each in fresh if each is not new]
        self.seen["commit: of what is inside"] += bool(of_inside)
        self.seen["commit: with the handshake"] += enters and new in fresh
        self.seen["commit: of two at once"] += enters and new in fresh and bool(of_inside)
        self.seen["commit: by a younger tag"] += bool(of_inside) and self.place >= len(inside)
        self.seen["commit: once more"] += not fresh

    def _complete(self, payload: int) -> list[Compared]:
        if self.flying:
            self._completes()
        return super()._complete(payload)

    def _completes(self) -> None:
        """Count the oldest instruction, whose result is taken."""
        instruction, hart, seen = self.flying[0].instruction, self.hart, self.seen
        seen["rd: x0"] += instruction.rd == 0
        others = list(self.flying)[1:]
        seen["rd: a younger one writes it too"] += any(
            instruction.rd and each.instruction.rd == instruction.rd for each in others
        )
        counter = hart.counter
        if isinstance(instruction, golden.SwapCounter):
            seen["counter: swapped"] += 1
            seen["counter: swapped, and not 0"] += counter != 0
            return
        size = instruction.m
        if self.failing:
            seen[f"1:{size}: fault"] += 1
            seen["fault: rd and counter as they were"] += 1
            seen["fault: kept until the result is taken"] += self._kept
            return
        bits, last = GROUPS[size]
        place = counter & last
        offset = hart.registers[instruction.rs2] >> bits * place & (1 << bits) - 1
        seen[f"1:{size}: offset {offset}"] += 1
        seen[f"1:{size}: of place {place}"] += 1
        seen[f"1:{size}: byte {counter >> 1 & 3} of rd"] += 1
        seen["counter: from 65535 to 0"] += counter == 0xFFFF
        seen["address: wraps around 2**32"] += (
            hart.registers[instruction.rs1] + size * (counter >> 1) + offset >> 32 > 0
        )
