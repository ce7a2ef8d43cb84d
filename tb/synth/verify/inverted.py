"""Netlists with a net inverted, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tileloom_synth.verify.netlist import Net, Netlist, cone


def inverted(netlist: Netlist, outputs: Sequence[str], *, every: int = 1) -> Iterator[tuple[Net, Netlist]]:
    """Yield nets that registers and outputs are made of, and the netlist with the net's lowest bit inverted.

    Constants and mere names are left out.
    """
    nets = {net.name: net for net in netlist.nets}
    ends = [value.removeprefix("(").removesuffix(" state)") for _, value in netlist.registers]
    found = {*ends, *(name for end in ends for name in cone(nets, end))}
    found |= {name for output in outputs for name in cone(nets, f"|top_n {output}|")}
    used = [
        nets[name] for name in sorted(found) if "state)" in (nets[name].value or "") and "_n " not in name
    ]
    for net in used[::every]:
        width = "" if net.sort == "Bool" else net.sort.split()[-1].removesuffix(")")
        value = f"(bvxor {net.value} (_ bv1 {width}))" if width else f"(not {net.value})"
        yield (
            net,
            replace(
                netlist,
                nets=tuple(replace(other, value=value) if other is net else other for other in netlist.nets),
            ),
        )
