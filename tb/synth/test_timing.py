"""Timing of hierarchical netlists: OpenSTA reads all of them, and what it cannot read is an error."""

from dataclasses import replace

import pytest

from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_synth.constraints import constrain
from tileloom_synth.flow import Flow
from tileloom_synth.library.recipes import Options
from tileloom_synth.library.standard_cells import generic
from tileloom_synth.timing import TimingError, analyse, opensta

pytestmark = pytest.mark.skipif(
    opensta() is None, reason="OpenSTA (sta) is not installed: sudo apt install opensta"
)


@pytest.fixture(scope="module")
def mapped():
    design = generate(load("stream-8x8-int8", double_buffer=False))
    return Flow(design.verilog, f"{design.name}_processing_element", generic()).map(Options())


def test_the_whole_netlist_is_read(mapped):
    assert analyse(mapped, generic(), constrain(generic(), 2000), "clk").source == "OpenSTA"


def test_what_cannot_be_read_is_an_error(mapped):
    """OpenSTA goes on after a syntax error, without what it could not read."""
    broken = replace(
        mapped, verilog=mapped.verilog + "\nmodule odd(a);\n  input a;\n  assign { a } = ;\nendmodule\n"
    )
    with pytest.raises(TimingError, match="OpenSTA: Error"):
        analyse(broken, generic(), constrain(generic(), 2000), "clk")
