"""A hierarchical netlist without what no output depends on, and with names that Verilog takes as they are.

Where only some bits of a word are needed the word is cut: a port ``payload`` of which bits 47 to 32 and 7 to
0 are read becomes the ports ``payload_47_32`` and ``payload_7_0``. The ports of the top stay as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from .cells import Cell, is_primitive, never, widen
from .live import Live, Module, is_live, live_bits
from .pieces import plan
from .rebuild import Rebuilt


def tidy(modules: Mapping[str, Module], top: str, ports: Sequence[str]) -> dict[str, Module]:
    """Return the modules that ``top`` needs, tidied.

    Parameters
    ----------
    modules:
        As ``write_json`` has them, by name. They are changed.
    top:
        The top module's name.
    ports:
        The names of its ports in their order. Clock and reset may be missing in it; they come first.

    Raises ValueError where a port is missing, ``cells.UnexpectedCellError`` where a cell is not known.
    """
    for module in modules.values():
        _prepare(module, modules)
    missing = [port for port in ports if port not in modules[top]["ports"]]
    if missing:
        raise ValueError(f"{top} has no port {missing[0]}")
    live = live_bits(modules, top)
    plans = {
        name: plan(module, live[name], ports if name == top else None) for name, module in modules.items()
    }
    used = _reachable(modules, top, live)
    return {name: Rebuilt(name, modules[name], live[name], plans, top=name == top).module for name in used}


def _prepare(module: Module, modules: Mapping[str, Module]) -> None:
    """Drop ports and wires of no bits, and widen what is narrow."""
    for kind in ("ports", "netnames"):
        module[kind] = {name: account for name, account in module[kind].items() if account["bits"]}
    bits = (bit for account in module["netnames"].values() for bit in account["bits"] if isinstance(bit, int))
    numbers = itertools.count(max(bits, default=0) + 1)
    false = {
        cell["connections"]["Y"][0] for cell in module["cells"].values() if is_primitive(cell) and never(cell)
    }
    if false:
        for cell in module["cells"].values():
            for port, word in cell["connections"].items():
                if cell["port_directions"].get(port) == "input":
                    cell["connections"][port] = ["0" if bit in false else bit for bit in word]
        for account in module["ports"].values():
            account["bits"] = ["0" if bit in false else bit for bit in account["bits"]]
    for cell in module["cells"].values():
        if is_primitive(cell):
            widen(cell, lambda: next(numbers))
        else:
            _check_instance(cell, modules)
    module["next"] = next(numbers)


def _check_instance(cell: Cell, modules: Mapping[str, Module]) -> None:
    """Make the connections of an instance those of its module's ports.

    An instance of a shared module (``hierarchy``) has a clock and a reset for which there may be no port.
    """
    if cell["type"] not in modules:
        raise ValueError(f"there is no module {cell['type']}")
    ports = modules[cell["type"]]["ports"]
    given = {port: bits for port, bits in cell["connections"].items() if bits}
    for port, account in ports.items():
        if len(given.get(port, [])) != len(account["bits"]):
            raise ValueError(f"an instance of {cell['type']} has no {len(account['bits'])} bits at {port}")
    if unknown := given.keys() - ports.keys() - {"clk", "rst"}:
        raise ValueError(f"{cell['type']} has no port {min(unknown)}")
    cell["connections"] = {port: given[port] for port in ports}
    cell["port_directions"] = {port: account["direction"] for port, account in ports.items()}


def _reachable(modules: Mapping[str, Module], top: str, live: Mapping[str, Live]) -> list[str]:
    """Return the modules that are needed, the top first, each before its parts."""
    reached = [top]
    for name in reached:
        for cell in modules[name]["cells"].values():
            if not is_primitive(cell) and cell["type"] not in reached and is_live(cell, live[name]):
                reached.append(cell["type"])
    return reached
