"""The core that hosts an array as a netlist: programs end in the golden model's words, and take energy."""

from dataclasses import replace

import numpy as np
import pytest

from synth.netlists import powered
from tileloom.errors import CheckError
from tileloom_synth.library.standard_cells import load
from tileloom_synth.power.report import BOUNDS
from tileloom_synth.progress import Progress
from tileloom_synth.systolic import host

pytest.importorskip(
    "pythondata_cpu_cv32e40p", reason="the cores are not installed: pip install 'tileloom[xfu]'"
)


@pytest.mark.long
def test_programs_on_the_netlist_of_the_core(tmp_path):
    library = load([powered(tmp_path)])
    report = host.map_host(library, Progress())
    assert report.flops > 4_000
    totals = {}
    for program in (host.moving, host.multiplying):
        rng = np.random.default_rng(1)
        found = host.measure_host(report, library, program(rng), rng, lambda text: None)
        totals[program] = [found[bound].energy.total for bound in BOUNDS]
        assert found[BOUNDS[0]].cycles == host.MEASURED
        assert 0 < totals[program][0] < totals[program][1]
    assert totals[host.multiplying] != totals[host.moving]
    work = host.moving(np.random.default_rng(1))
    wrong = replace(work, expected={place: words ^ 1 for place, words in work.expected.items()})
    with pytest.raises(CheckError, match="other results than the golden model's"):
        host.measure_host(report, library, wrong, np.random.default_rng(1), lambda text: None)
