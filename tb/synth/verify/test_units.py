"""The xDecimate unit is proved, for all group sizes; with any of its nets inverted it is not."""

import pytest

from tileloom.families import load
from tileloom_synth.verify.proof import decide
from tileloom_synth.verify.solver import refute
from tileloom_synth.xfu.instructions import UnitState, instruction_proofs, queries

from .inverted import inverted

OUTPUTS = ("results__valid", "results__payload", "loads__valid", "loads__payload", "counter")


@pytest.mark.parametrize("sizes", [(4, 8, 16), (4,), (8,), (16,), (8, 16), (4, 16)])
def test_units_are_proved(sizes: tuple[int, ...]) -> None:
    for proof in instruction_proofs(load("xfu-unit", group_sizes=sizes, id_width=3)):
        outcome = decide(proof, timeout=600)
        assert outcome.proved and outcome.queries == 3, outcome.counterexample


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
def test_each_net_matters(every: int) -> None:
    state = UnitState(load("xfu-unit"))
    broken = list(inverted(state.netlist, OUTPUTS, every=every))
    assert len(broken) * every > 100
    for net, netlist in broken:
        state.netlist = netlist
        assert refute(queries(state), timeout=600) is not None, net
