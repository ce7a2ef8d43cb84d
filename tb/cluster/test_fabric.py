"""The fabric on random programs, against the golden model in every cycle."""

import pytest

from cluster.bench import check, programs
from tileloom.cluster.config import ClusterConfig
from tileloom_sim.cluster.simulate import simulate

SMALL = ClusterConfig(cores=2, banks=2, l1_bytes=1024, dma_lanes=2, l2_latency=1)


def test_random_programs(seed: int = 0) -> None:
    cycles = programs(SMALL, 4, seed)
    # What the programs are for: conflicts in a bank, and all kinds of answers.
    gnt, rvalid, _, err, *_ = zip(*(cycle.expected for cycle in cycles), strict=True)
    asked = [cycle.inputs[0] for cycle in cycles]
    assert any(one & ~other for one, other in zip(asked, gnt, strict=True))
    assert any(rvalid)
    assert any(err)
    check(SMALL, cycles)


@pytest.mark.long
@pytest.mark.parametrize(
    ("fields", "programs"),
    [
        ({"cores": 1, "banks": 1, "dma_lanes": 4}, 500),
        ({"cores": 3, "banks": 2, "l1_bytes": 1024, "dma_lanes": 1, "l2_latency": 1}, 500),
        ({"cores": 5, "banks": 64, "l2_latency": 40}, 250),
        ({}, 500),
    ],
)
def test_random_programs_by_verilator(fields: dict[str, int], programs: int) -> None:
    config = ClusterConfig(**fields)
    figures = simulate(config, programs=programs, seed=5).figures
    assert figures["transfers"] > programs // 5
    assert figures["barriers"] >= programs * config.cores
