"""The xDecimate unit and its adapters are proved; with any of their nets inverted they are not."""

import pytest

from tileloom.families import load
from tileloom.xfu.pcpi import Pcpi
from tileloom_synth.verify.netlist import open_netlist
from tileloom_synth.verify.proof import decide
from tileloom_synth.verify.solver import refute
from tileloom_synth.xfu.adapter import ISSUE, REQUEST, RESULT, AdapterState, adapter_proofs, adapter_queries
from tileloom_synth.xfu.instructions import UnitState, instruction_proofs, queries
from tileloom_synth.xfu.pcpi import pcpi_proofs
from tileloom_synth.xfu.pcpi import queries as pcpi_queries

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


@pytest.mark.parametrize(
    "fields",
    [{}, {"precise_errors": False}, {"group_sizes": (8,), "id_width": 3}, {"group_sizes": (4, 16)}],
)
def test_adapters_are_proved(fields: dict) -> None:
    (proof,) = adapter_proofs(load("xfu-cv-x-if", **fields))
    outcome = decide(proof, timeout=600)
    assert outcome.proved and outcome.queries == 3, outcome.counterexample


OUTGOING = {"issue": ISSUE, "mem": REQUEST, "result": RESULT}


@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("precise_errors", [True, False])
def test_each_net_of_an_adapter_matters(every: int, precise_errors: bool) -> None:
    state = AdapterState(load("xfu-cv-x-if", precise_errors=precise_errors))
    outputs = [f"{channel}_{name}" for channel, names in OUTGOING.items() for name in names]
    outputs += ["issue_ready", "mem_valid", "result_valid", "load_error"]
    broken = list(inverted(state.netlist, outputs, every=every))
    assert len(broken) * every > 180
    left = []
    for net, netlist in broken:
        state.netlist = netlist
        if refute(adapter_queries(state), timeout=600) is None:
            left.append(net)
    # Of two nets with how long to wait nobody reads the lowest bit; the register takes it from elsewhere.
    assert len(left) <= 2 and all(net.sort == "(_ BitVec 6)" for net in left), left


@pytest.mark.parametrize("sizes", [(4, 8, 16), (4,), (8,), (16,), (4, 16)])
def test_units_on_pcpi_are_proved(sizes: tuple[int, ...]) -> None:
    (proof,) = pcpi_proofs(load("xfu-picorv32", group_sizes=sizes))
    outcome = decide(proof, timeout=600)
    assert outcome.proved and outcome.queries == 3, outcome.counterexample


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_each_net_on_pcpi_matters(every: int) -> None:
    config = load("xfu-picorv32")
    pcpi = [f"pcpi_{name}" for name in ("wr", "rd", "wait", "ready")]
    port = [f"load_{name}" for name in ("req", "addr", "be", "rready", "error")]
    broken = list(inverted(open_netlist(Pcpi(config)), [*pcpi, *port], every=every))
    assert len(broken) * every > 60
    for net, netlist in broken:
        assert refute(pcpi_queries(config, netlist), timeout=600) is not None, net
