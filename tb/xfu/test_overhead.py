"""Area of cores with and without xDecimate, and of the unit alone."""

import pytest

from tileloom.errors import UserError
from tileloom.xfu.config import Host, XfuConfig
from tileloom_synth.library.standard_cells import generic
from tileloom_synth.xfu.overhead import core_overhead, unit_areas


@pytest.mark.long
def test_the_unit_in_cv32e40p_takes_little() -> None:
    steps: list[str] = []
    overhead = core_overhead("cv32e40p", XfuConfig(host=Host.CV32E40P), generic(), on_step=steps.append)
    print(overhead)
    assert steps == ["cv32e40p", "cv32e40p with xDecimate"]
    # The counter, and two registers in ID/EX.
    assert overhead.with_unit.flops - overhead.without.flops == 18
    assert 0.005 < overhead.share < 0.02
    added = overhead.with_unit.gate_equivalents - overhead.without.gate_equivalents
    assert overhead.gate_equivalents == added > 0


def test_the_parts_of_the_unit() -> None:
    areas = {area.name: area for area in unit_areas(XfuConfig(), generic())}
    assert set(areas) == {
        "unit",
        "coprocessor for CV-X-IF",
        "CV32E40P, decode",
        "CV32E40P, execute",
        "CV32E40P, merge",
    }
    assert areas["CV32E40P, decode"].flops == areas["CV32E40P, merge"].flops == 0
    assert areas["CV32E40P, execute"].flops == 16
    # The coprocessor has the unit in it.
    assert areas["coprocessor for CV-X-IF"].gate_equivalents > areas["unit"].gate_equivalents


def test_another_core_is_refused() -> None:
    with pytest.raises(UserError, match="core: must be one of cv32e40p, cv32e40x, picorv32, not 'ibex'"):
        core_overhead("ibex", XfuConfig(), generic())
