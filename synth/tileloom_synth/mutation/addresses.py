"""Faults that permute the addresses of a memory: other places, the same words.

A memory with one address, for writing and for reading, and no first contents gives the same words under any
permutation of its addresses. Such are a bit inverted, always or while another bit of the same address is 0 or
1: which bits are inverted is seen from those that are not, so no two addresses become one.
"""

from __future__ import annotations

import re

from tileloom.netlist.text import split_modules

from .mutants import Mutant

_MEMORY = re.compile(r"reg \[\d+:0\] memory \[(\d+):0\];")
_WIDTH = re.compile(r"input \[(\d+):0\] address;")


def permutes_addresses(verilog: str, mutant: Mutant) -> bool:
    """Return whether a fault, of the design as it was, permutes the addresses of a memory and does no more.

    Of the pin ``address`` of a memory, or of the whole net on it where nothing else looks at that. Relies on:
    the memory is a module of its own, with the port ``address``.
    """
    value = mutant.options
    if value["-mode"] not in ("inv", "cnot0", "cnot1"):
        return False
    modules = split_modules(verilog)
    text = modules.get(mutant.module)
    if text is None:
        return False  # a core's own, of which the design's text is not
    if value["-port"] == "address":
        instance = re.search(rf"^  (\S+) {re.escape(value['-cell'])} \(", text, re.MULTILINE)
    else:
        net = value.get("-wire", "")
        whole = value["-port"] == "Y" and value["-portbit"] == value.get("-wirebit")
        # Declared, driven, and on the pin.
        if not whole or len(re.findall(rf"(?<![\w.]){re.escape(net)}\b", text)) != 3:
            return False
        instance = re.search(rf"^  (\S+) \S+ \(\n    \.address\({re.escape(net)}\)", text, re.MULTILINE)
    return instance is not None and _one_address(modules.get(instance[1], ""))


def _one_address(module: str) -> bool:
    """Return whether a module is a memory with a word for each value of its one address, empty at first."""
    words, width = _MEMORY.search(module), _WIDTH.search(module)
    if not words or not width or "initial" in module:
        return False
    places = set(re.findall(r"memory\[(\w+)\]", module))
    return places == {"address"} and int(words[1]) + 1 == 2 << int(width[1])
