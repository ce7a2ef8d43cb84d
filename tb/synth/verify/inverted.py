"""Netlists with a net inverted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tileloom_synth.verify.netlist import Net, Netlist, bits_of, cone


def with_inverted(netlist: Netlist, net: Net) -> Netlist:
    """Return a netlist with the lowest bit of one of its nets inverted."""
    value = f"(not {net.value})" if net.sort == "Bool" else f"(bvxor {net.value} (_ bv1 {bits_of(net.sort)}))"
    changed = replace(net, value=value)
    return replace(netlist, nets=tuple(changed if other is net else other for other in netlist.nets))


def made_of(netlist: Netlist, registers: Sequence[tuple[str, str]]) -> set[str]:
    """Return the nets that what some registers take is made of."""
    nets = {net.name: net for net in netlist.nets}
    ends = {value.removeprefix("(").removesuffix(" state)") for _, value in registers}
    return ends.union(*(cone(nets, end) for end in ends))


def inverted(
    netlist: Netlist, outputs: Sequence[str], *, every: int = 1, registers: Sequence[str] | None = None
) -> Iterator[tuple[Net, Netlist]]:
    """Yield nets that registers and outputs are made of, and the netlist with each inverted.

    Constants and mere names are left out, and registers but those of the signals ``registers``, if given.
    """
    nets = {net.name: net for net in netlist.nets}
    ends = {name for signal in registers or () for name in cone(nets, f"|top_n {signal}|")}
    found = made_of(netlist, [each for each in netlist.registers if registers is None or each[0] in ends])
    found |= {name for output in outputs for name in cone(nets, f"|top_n {output}|")}
    used = [
        nets[name] for name in sorted(found) if "state)" in (nets[name].value or "") and "_n " not in name
    ]
    for net in used[::every]:
        yield net, with_inverted(netlist, net)
