"""One core at the ports of an xDecimate unit: what it offers, decides and answers, held to a golden hart.

It knows no simulator: a bench gives the unit what ``drive`` says, and shows ``observe`` what comes out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import FUNCT2
from tileloom.xfu.unit import instruction_layout
from tileloom_golden.xfu import xdecimate as golden

WRITTEN, READ = 6, 8
"""Registers that instructions write, from 0 on, and those that they read."""

LONG = range(WRITTEN, READ)
"""Registers that keep what they began with, ones at its end, so that addresses have long carries."""

Compared = tuple[str, int, int]


@dataclass(eq=False)
class _Flying:
    """An instruction inside the unit."""

    tag: int
    instruction: golden.Instruction
    committed: bool


class Lane:
    """A core in one lane: what it offers, decides and answers, and the hart that it is held to."""

    def __init__(self, config: XfuConfig, fault_bits: int, rng: np.random.Generator) -> None:
        self.config, self.rng, self.fault_bits = config, rng, fault_bits
        registers = [0, *map(int, rng.integers(0, 1 << 32, 31))]
        for number in LONG:
            registers[number] |= (1 << int(rng.integers(33))) - 1
        self.hart = golden.Hart(self._load, registers=registers)
        self.flying: deque[_Flying] = deque()
        self.layout = instruction_layout(config, config.id_width)
        self.tag, self.failing, self.asked, self.completed = 0, False, -1, 0

    def _load(self, address: int) -> int:
        if self.failing:
            raise golden.LoadError(address)
        # A byte that every bit of the address changes.
        return (address * 0x9E3779B1 & 0xFFFFFFFF) >> 24

    def _choose(self) -> golden.Instruction:
        written = {each.instruction.rd for each in self.flying} - {0}
        rd = int(self.rng.integers(0, WRITTEN))
        rs1, rs2 = self.rng.choice([number for number in range(READ) if number not in written], 2)
        if self.rng.random() < 0.15:
            return golden.SwapCounter(rd, int(rs1))
        return golden.Decimate(int(self.rng.choice(self.config.group_sizes)), rd, int(rs1), int(rs2))

    def drive(self) -> dict[str, int]:
        """Return this cycle's inputs by port."""
        chance = self.rng.random(8)
        tags = 1 << self.config.id_width
        # A tag may come again at once if those before are committed.
        again = all(each.committed for each in self.flying) and chance[0] < 0.3
        tag = self.tag if again else (self.tag + 1 + int(chance[1] < 0.5)) % tags
        new = _Flying(tag, self._choose(), committed=bool(chance[2] < 0.1))
        self.by_age = [*self.flying, new]
        names = [*(each.tag for each in self.by_age), (tag + 1) % tags]
        self.place = int(self.rng.integers(len(names)))
        # Of two with one tag the younger is meant.
        self.place = max(index for index, name in enumerate(names) if name == names[self.place])
        self.decides, self.kills = bool(chance[3] < 0.3), bool(chance[4] < 0.3)
        answers = self.asked >= 0 and chance[5] < 0.6
        byte = fault = int(self.rng.integers(1 << min(8, self.fault_bits)))
        if answers:
            self.failing = bool(chance[6] < 0.1)
            byte = 0 if self.failing else self._load(self.asked)
            fault = max(1, fault) if self.failing else 0
            self.asked = -1
        self.offers, self.takes, self.loads = (bool(each) for each in self.rng.random(3) < 0.6)
        return {
            "instructions__valid": self.offers,
            "instructions__payload": self._payload(new),
            "commit_valid": self.decides,
            "commit_tag": names[self.place],
            "commit_kill": self.kills,
            "loaded_valid": answers,
            "loaded_byte": byte,
            "loaded_fault": fault,
            "loads__ready": self.loads,
            "results__ready": self.takes,
        }

    def _payload(self, new: _Flying) -> int:
        registers, instruction = self.hart.registers, new.instruction
        fields: dict[str, Any] = {
            "tag": new.tag,
            "committed": new.committed,
            "rd": instruction.rd,
            "rs1": registers[instruction.rs1],
        }
        if isinstance(instruction, golden.SwapCounter):
            fields |= {"swap": 1}
        else:
            fields |= {"rs2": registers[instruction.rs2], "rs3": registers[instruction.rd]}
            if len(self.config.group_sizes) > 1:
                fields |= {"funct2": FUNCT2[instruction.m]}
        return int(self.layout.const(fields).as_value().value)

    def observe(self, out: dict[str, int]) -> list[Compared]:
        """Take this cycle's outputs; return what to compare, as name, word of the unit, word expected."""
        compared: list[Compared] = []
        if "counter" in out:  # a coprocessor has no use for it; it changes with the clock, after the result
            compared.append(("counter", out["counter"], self.hart.counter))
        if out["results__valid"] and self.takes:
            compared += self._complete(out["results__payload"])
        if out["loads__valid"] and self.loads:
            tag_bits = self.config.id_width
            head = self.flying[0] if self.flying and self.flying[0].committed else None
            tag = out["loads__payload"] & (1 << tag_bits) - 1
            compared.append(("tag of a load", tag, head.tag if head else -1))
            self.asked = out["loads__payload"] >> tag_bits
        killed: list[_Flying] = []
        if self.decides and self.kills:
            killed = [each for each in self.by_age[self.place :] if not each.committed]
        elif self.decides:
            for each in self.by_age[: self.place + 1]:
                each.committed = True
        if out["instructions__ready"] and self.offers:
            self.flying.append(self.by_age[-1])
            self.tag = self.by_age[-1].tag
        self.flying = deque(each for each in self.flying if each not in killed)
        return compared

    def _complete(self, payload: int) -> list[Compared]:
        """Return what to compare of a result; the hart has executed the instruction then."""
        tag_bits = self.config.id_width
        if not self.flying:
            return [("results of nothing", 1, 0)]
        each = self.flying.popleft()
        registers, rd = self.hart.registers, each.instruction.rd
        expected, failed = registers[rd], False
        try:
            self.hart.execute(each.instruction)
            expected = registers[rd]
        except golden.LoadError:
            failed = True
        self.failing = False
        self.completed += 1
        data = payload >> tag_bits + 6 & 0xFFFFFFFF
        return [
            ("committed", each.committed, 1),
            ("tag", payload & (1 << tag_bits) - 1, each.tag),
            ("rd", payload >> tag_bits + 1 & 31, rd),
            ("fault", payload >> tag_bits + 38 != 0, failed),
            *([("data", data, expected)] if rd else []),
        ]
