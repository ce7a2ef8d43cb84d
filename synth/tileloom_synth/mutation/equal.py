"""Whether a fault is one: by SAT from any state, by reachability from a reset, in the whole design."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tileloom import scratch, yosys
from tileloom.netlist.text import instantiated, reached, split_modules

from ..check.miter import difference
from ..check.proof import opened
from ..check.sequential import never_differ
from ..check.transition import UnprovableError
from .addresses import permutes_addresses
from .mutants import PORT, Mutant, Mutated

_LARGE = re.compile(r" \* |  reg \[\d+:0\] memory \[(?:[2-9]\d|1[6-9]|\d{3,}):0\]| memory \[15:0\]")
"""A multiplication, or a memory of 16 words or more: what a proof of the whole design leaves out."""


@dataclass(frozen=True)
class Difference:
    """What is known of a fault.

    Attributes
    ----------
    equal:
        True: it changes nothing. False: some inputs of its modules show it. None: no answer in time.
    how:
        In words.
    """

    equal: bool | None
    how: str


def difference_of(mutated: Mutated, mutant: Mutant, *, timeout: float = 10.0) -> Difference:
    """Return whether a mutant's module is the one that it is a mutant of, those inside of it left out.

    One step from any state, then any number after a reset, with registers in reach only. What is left out may
    give anything, and must be given the same. So "equal" holds in the design; a difference may need what the
    design never gives the module.
    """
    if permutes_addresses(mutated.before, mutant):
        return Difference(True, "other places of a memory, the same words")
    without = frozenset(instantiated(mutated.design.verilog, mutant.module))
    step = _difference(mutated, mutant, mutant.module, without, timeout, reachable=False)
    return step if step.equal else _difference(mutated, mutant, mutant.module, without, timeout)


def equal_around(mutated: Mutated, mutant: Mutant, *, timeout: float = 60.0) -> str | None:
    """Return the module, next around a mutant's, in which it changes nothing; None where none is known.

    One step from any state of each module that all of its instances are in, the nearest first and the whole
    design last, with all that is inside but multipliers and larger memories, which may give anything. This
    tells faults that operands cannot bring out, and those in bits that nobody reads.
    """
    verilog = mutated.design.verilog
    large = {name for name, text in split_modules(verilog).items() if _LARGE.search(text)}
    for around in _around(verilog, mutated.design.name, mutant.module):
        inside = frozenset(large & reached(verilog, around) - {around, mutant.module})
        if _difference(mutated, mutant, around, inside, timeout, reachable=False).equal:
            return around
    return None


def _around(verilog: str, top: str, module: str) -> list[str]:
    """Return the modules that every instance of a module is inside of, the innermost first."""
    every = reached(verilog, top)
    found = [
        name
        for name in every - {module}
        if module in reached(verilog, name) and (name == top or module not in reached(verilog, top, name))
    ]
    return sorted(found, key=lambda name: len(reached(verilog, name)))


def _difference(
    mutated: Mutated,
    mutant: Mutant,
    around: str,
    without: frozenset[str],
    timeout: float,
    *,
    reachable: bool = True,
) -> Difference:
    """Return what is known of a mutant in the module ``around`` it, without those inside of ``without``."""
    design = mutated.design
    with scratch.folder() as folder:
        try:
            step = _opened(design.verilog, around, design.manifest["clock"], without)
            before, after = _with(step, 0), _with(step, mutant.number)
            if not reachable:
                return _from_any_state(before, after, folder, timeout)
            equal, cycles = never_differ(before, after, folder, timeout)
        except UnprovableError as error:
            return Difference(None, str(error))
    if equal:
        return Difference(True, "never differs after a reset")
    if equal is None:
        return Difference(None, "no answer in time")
    return Difference(False, f"its module differs {cycles} cycles after a reset, given the right inputs")


@cache
def _opened(verilog: str, around: str, clock: str, without: frozenset[str]) -> dict[str, Any]:
    """Return a module with all of its faults as a step: the same for each of them."""
    with scratch.folder() as folder:
        return opened(verilog, around, clock, without, folder)[0]


def _from_any_state(
    before: dict[str, Any], after: dict[str, Any], folder: Path, timeout: float
) -> Difference:
    modules = {"before": before, "after": after}
    (folder / "both.json").write_text(json.dumps({"modules": modules}), encoding="utf-8")
    try:
        if difference("read_json both.json", "before", "after", folder, timeout):
            return Difference(False, "differs from some state, reached or not")
        return Difference(True, "equal from any state")
    except yosys.YosysError as error:
        if "was not done" in str(error):
            return Difference(None, "no answer in time")
        raise


def _with(step: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a module with the port ``mutant`` at a number; those of modules inside are given it, too."""
    ports = {port: account for port, account in step["ports"].items() if port.rpartition(".")[2] != PORT}
    bits = step["ports"][PORT]["bits"]
    values = {bit: str(number >> place & 1) for place, bit in enumerate(bits)}

    def given(account: dict[str, Any]) -> dict[str, Any]:
        return {**account, "bits": [values.get(bit, bit) for bit in account["bits"]]}

    cells = {
        name: {
            **cell,
            "connections": {
                port: [values.get(bit, bit) for bit in word] for port, word in cell["connections"].items()
            },
        }
        for name, cell in step["cells"].items()
    }
    return {
        "attributes": {},
        "ports": {port: given(account) for port, account in ports.items()},
        "cells": cells,
        "netnames": {},
    }
