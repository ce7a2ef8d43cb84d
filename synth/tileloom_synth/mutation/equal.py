"""Whether a fault is one: by SAT, from any state, over the module that it is in."""

from __future__ import annotations

import json
from typing import Any

from tileloom import scratch, yosys
from tileloom.netlist.text import instantiated

from ..check.miter import difference
from ..check.proof import opened
from ..check.transition import UnprovableError
from .mutants import PORT, Mutant, Mutated


def changes_nothing(mutated: Mutated, mutant: Mutant, *, timeout: float = 60.0) -> bool | None:
    """Return whether a mutant is the design that it is a mutant of; None where no answer came in time.

    Modules inside are left out: what they give may be anything, and what they are given must be the same.
    False says that something differs from some state, which may be one that is never reached.
    """
    verilog, module = mutated.design.verilog, mutant.module
    with scratch.folder() as folder:
        try:
            step, _ = opened(verilog, module, "clk", instantiated(verilog, module), folder)
            modules = {"before": _with(step, 0), "after": _with(step, mutant.number)}
            (folder / "both.json").write_text(json.dumps({"modules": modules}), encoding="utf-8")
            return not difference("read_json both.json", "before", "after", folder, timeout)
        except UnprovableError:
            return None
        except yosys.YosysError as error:
            if "was not done" in str(error):
                return None
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
