"""Origins: which part of the array a cell belongs to, from its module and, of a flip-flop, its name."""

from __future__ import annotations

ORIGINS = (
    "multiplier",
    "adder",
    "adder: align",
    "adder: add",
    "adder: normalise",
    "adder: round",
    "pipeline registers",
    "stationary registers",
    "activation registers",
    "skew",
    "weight loading",
    "control",
    "functional unit",
    "address generator",
    "registers",
    "clock gates",
    "logic",
)
"""Every origin that a report of an array can name, in its order.

The adder is one or four, by the hierarchy kept; ``logic`` is what a flat netlist cannot tell apart."""

ENGINE_ORIGINS = (
    "dot product",
    "core's operands",
    "accumulators",
    "A buffer",
    "B buffer",
    "headers",
    "requantise",
    "drain",
    "AXI4 master",
    "walker",
    "broadcast",
    "gather",
    "memory tile",
    "grid",
)
"""The origins that only a report of an engine names."""

CLUSTER_ORIGINS = ("interconnect", "core ports", "event unit", "DMA engine", "L2 port")
"""The origins that only a report of a cluster's fabric names."""

_OF_PART = {
    "multiplier": "multiplier",
    "align": "adder: align",
    "adder": "adder",
    "normalise": "adder: normalise",
    "round": "adder: round",
    "skew": "skew",
    "weight loading": "weight loading",
    **{part: part for part in ("registers", "functional unit", "address generator")},
    **{part: part for part in (*ENGINE_ORIGINS, *CLUSTER_ORIGINS)},
}
_IN_ELEMENT = {"processing element", "multiplier", "align", "adder", "normalise", "round"}
_OF_ELEMENT_REGISTER = {
    "weight": "stationary registers",
    "shadow": "stationary registers",
    "activation": "activation registers",
    "swap": "control",
}


def of_logic(part: str, hierarchy: str) -> str:
    """Return the origin of a gate in a module of this part of the array (a manifest's ``modules``)."""
    if hierarchy == "flat":
        return "logic"
    origin = _OF_PART.get(part, "control")
    return "adder: add" if (origin, hierarchy) == ("adder", "detail") else origin


def of_register(name: str, part: str) -> str:
    """Return the origin of the flip-flop that drives the net ``name`` in a module of this part.

    In a flattened module the name starts with the instances that it was in: ``mesh.row_0.element_1.weight``.
    """
    *path, word = name.split(".")
    if part in _IN_ELEMENT or any(step.startswith("element_") for step in path):
        found = [origin for start, origin in _OF_ELEMENT_REGISTER.items() if word.startswith(start)]
        in_place = not path or path[-1].startswith("element_")
        return found[0] if found and in_place else "pipeline registers"
    if any(step.endswith(("skew", "deskew")) for step in path):
        return "skew"
    if any(step.startswith("loader") for step in path):
        return "weight loading"
    return _OF_PART.get(part, "control")
