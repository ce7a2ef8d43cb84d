"""The xDecimate unit is proved, for all group sizes; with any of its nets inverted it is not."""

from dataclasses import replace

import pytest

from tileloom.families import load
from tileloom_synth.verify.netlist import Net, Netlist, cone
from tileloom_synth.verify.proof import decide
from tileloom_synth.verify.solver import refute
from tileloom_synth.xfu.instructions import UnitState, instruction_proofs, queries

OUTPUTS = ("results__valid", "results__payload", "loads__valid", "loads__payload", "counter")


@pytest.mark.parametrize("sizes", [(4, 8, 16), (4,), (8,), (16,), (8, 16), (4, 16)])
def test_units_are_proved(sizes: tuple[int, ...]) -> None:
    for proof in instruction_proofs(load("xfu-unit", group_sizes=sizes, id_width=3)):
        outcome = decide(proof, timeout=600)
        assert outcome.proved and outcome.queries == 3, outcome.counterexample


def used(netlist: Netlist) -> list[Net]:
    """Return the nets that registers and outputs are made of, constants and names left out."""
    nets = {net.name: net for net in netlist.nets}
    ends = [value.removeprefix("(").removesuffix(" state)") for _, value in netlist.registers]
    found = {*ends, *(name for end in ends for name in cone(nets, end))}
    found |= {name for output in OUTPUTS for name in cone(nets, f"|top_n {output}|")}
    return [
        nets[name] for name in sorted(found) if "state)" in (nets[name].value or "") and "_n " not in name
    ]


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
def test_each_net_matters(every: int) -> None:
    state = UnitState(load("xfu-unit"))
    netlist = state.netlist
    broken = used(netlist)[::every]
    assert len(broken) * every > 100
    for net in broken:
        width = "" if net.sort == "Bool" else net.sort.split()[-1].removesuffix(")")
        value = f"(bvxor {net.value} (_ bv1 {width}))" if width else f"(not {net.value})"
        nets = tuple(replace(other, value=value) if other is net else other for other in netlist.nets)
        state.netlist = replace(netlist, nets=nets)
        assert refute(list(queries(state)), timeout=600) is not None, net
