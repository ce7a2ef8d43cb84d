"""Cells sized by OpenSTA: what is a little too slow gets fast enough, what has time left smaller."""

import pytest

from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_synth.constraints import constrain
from tileloom_synth.flow import Flow
from tileloom_synth.library.recipes import Options
from tileloom_synth.library.standard_cells import generic
from tileloom_synth.report import area_of
from tileloom_synth.sizing import resized, sizable
from tileloom_synth.timing import analyse, opensta

pytestmark = pytest.mark.skipif(opensta() is None, reason="OpenSTA (sta) is not installed")
LONG_PS, ASKED_PS = 100_000, 300


@pytest.fixture(scope="module")
def mapped():
    design = generate(load("stream-8x8-bf16-int8", double_buffer=False))
    flow = Flow(design.verilog, f"{design.name}_processing_element", generic())
    return flow.map(Options(hierarchy="flat", logic="balanced", clock_ps=ASKED_PS))


def at(mapped, period):
    return analyse(mapped, generic(), constrain(generic(), period), "clk").setup.slack_ps


def test_other_sizes_of_the_same_cells_meet_a_clock(mapped):
    assert sizable(mapped)
    period = 0.98 * (LONG_PS - at(mapped, LONG_PS))
    assert at(mapped, period) < 0
    sized = resized(mapped, generic(), constrain(generic(), period), "clk")
    assert at(sized, period) >= 0
    before, after = (each.modules[each.top]["cells"] for each in (mapped, sized))
    changed = [name for name in before if before[name]["type"] != after[name]["type"]]
    assert 0 < len(changed) < len(before) / 2
    for name in changed:
        old, new = (generic().cells[cells[name]["type"]] for cells in (before, after))
        assert (old.inputs, old.outputs) == (new.inputs, new.outputs)
        assert f"  {new.name} {name} (" in sized.verilog
    assert {**after, **{name: before[name] for name in changed}} == before


def test_time_that_is_left_makes_a_netlist_smaller(mapped):
    """With a very long period nothing is left that could be smaller."""
    sized = resized(mapped, generic(), constrain(generic(), LONG_PS), "clk")
    assert area_of(sized, generic()) < area_of(mapped, generic())
    kinds = {body["type"] for body in sized.modules[sized.top]["cells"].values()}
    assert not {kind for kind in kinds if kind.endswith(("_X2", "_X4", "_X8"))} - {"CLKGATE_X2"}
