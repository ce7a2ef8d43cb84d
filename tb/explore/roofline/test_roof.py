"""The rooflines: the paper's own machine and figures, and every formula against one written out here."""

import math

import numpy as np
import pytest

from tileloom.errors import ConfigError
from tileloom_explore.roofline.roof import COMPUTE, Level, Machine, Mix
from tileloom_explore.roofline.verhelst import FIGURE_3, TABLE_1, spatial_example, temporal_example

L1, L2, L3 = FIGURE_3.machine.levels


def test_the_papers_figure_3():
    machine = FIGURE_3.machine
    assert [machine.knee(level) for level in machine.levels] == [16, 64, 256]
    assert [machine.energy_knee(level) for level in machine.levels] == [0.2, 6, 200]
    assert FIGURE_3.at(256.0) == {"L1": 1, "L2": 16, "L3": 256}
    # AI_L3 = 16 AI_L2 = 256 AI_L1: L1 is the last to let go, at AI_L1 = 16.
    assert FIGURE_3.knee == 16 * 256
    assert machine.bound(FIGURE_3.at(4095.0)) == "L1" and machine.bound(FIGURE_3.at(4096.0)) == COMPUTE
    for intensity in np.geomspace(1, 1e6, 61).tolist():
        ais = FIGURE_3.at(intensity)
        gops = min(2048, 128 * intensity / 256, 32 * intensity / 16, 8 * intensity)
        assert machine.throughput(ais) == pytest.approx(gops * 1e9)
        assert machine.efficiency(ais) == pytest.approx(
            1e12 / (0.5 + 0.1 * 256 / intensity + 3 * 16 / intensity + 100 / intensity)
        )
    # Where memories take as much as operations, half of the 2 TOPS/W of E_op alone is left.
    assert FIGURE_3.energy_knee == pytest.approx(347.2)
    assert machine.efficiency(FIGURE_3.at(FIGURE_3.energy_knee)) == pytest.approx(1e12)


def test_the_papers_utilisations():
    spatial, temporal = spatial_example(), temporal_example()
    assert (spatial.spatial_utilisation, spatial.temporal_utilisation) == (0.5, 1)
    assert (temporal.spatial_utilisation, temporal.temporal_utilisation) == (1, 0.8)
    assert (spatial.mac_utilisation, temporal.mac_utilisation) == (0.5, 0.8)
    assert spatial.memory_utilisation == {"weights": 0} and spatial.intensities == {"weights": math.inf}
    assert temporal.memory_utilisation == {"weights": pytest.approx(0.2)}


def test_the_papers_table_1():
    """The storage and what is used of it are the paper's; its compute utilisation with full storage is not.

    The paper does not say how it comes to 0.19 and 0.18. With the layers as a pipeline at the pace of the
    most used weights it is 0.05 and 0.06, and `tileloom paper roofline` prints both.
    """
    resnet_50, resnet_101, bert = (row.held() for row in TABLE_1)
    assert round(resnet_50.once / 1e7) == TABLE_1[0].once / 10
    assert round(resnet_50.balanced / 1e7) == TABLE_1[0].balanced / 10
    assert round(resnet_50.storage_utilisation, 2) == TABLE_1[0].storage == 0.31
    assert round(resnet_101.storage_utilisation, 2) == TABLE_1[1].storage == 0.28
    assert bert.compute_utilisation == bert.storage_utilisation == 1.0
    assert resnet_50.compute_utilisation == pytest.approx(0.0508, abs=1e-4)
    # 49 uses in the last stage: four times as many in each stage before it.
    assert set(resnet_50.uses) == {49, 196, 784, 3136} and len(resnet_50.uses) == 52


def test_random_machines(rng):
    compared = 0
    for _ in range(200):
        count = int(rng.integers(1, 6))
        bandwidths, energies, ais = rng.uniform(0.1, 500, (3, count)).tolist()
        operations, each, frequency = rng.uniform(0.1, 1000, 3).tolist()
        levels = tuple(
            Level(str(index), b, e) for index, (b, e) in enumerate(zip(bandwidths, energies, strict=True))
        )
        machine = Machine("x", operations, each, levels, frequency)
        intensities = {str(index): ai for index, ai in enumerate(ais)}
        allowed = [ai * b * frequency for ai, b in zip(ais, bandwidths, strict=True)]
        roof = machine.throughput(intensities)
        assert roof == pytest.approx(min(operations * frequency, *allowed, math.inf))
        bound = machine.bound(intensities)
        assert roof == machine.ceilings(intensities)[bound]
        alone = [machine.level_efficiency(level, intensities[level.name]) for level in levels]
        assert machine.efficiency(intensities) <= min(alone) * (1 + 1e-12)
        for level in levels:
            knee = machine.knee(level)
            below, above = (machine.level_throughput(level, knee * factor) for factor in (0.999, 1.001))
            assert below < machine.peak == above
            compared += 1
    assert compared > 400


def test_a_mix_with_levels_that_stay():
    machine = Machine("x", 100, 1, (Level("in", 10, 2), Level("out", 1, 8)), 1.0)
    mix = Mix(machine, {"out": 1.0}, {"in": 4.0})
    # Inside 40 operations a cycle at most: from 40 operations a byte on the outside does not matter.
    assert mix.knee == 40 and machine.throughput(mix.at(40.0)) == 40 == machine.throughput(mix.at(1e9))
    assert machine.throughput(mix.at(np.array([20.0, 80.0]))).tolist() == [20, 40]
    # 1 + 2 / 4 pJ inside, so 8 pJ a byte outside are as much at 8 / 1.5 operations a byte.
    assert mix.energy_knee == pytest.approx(8 / 1.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Level("L1", 0, 1), "L1: bandwidth: must be above 0, not 0"),
        (lambda: Level("L1", 1, -1), "L1: energy: must be 0 or more, not -1"),
        (lambda: Level("L1", math.nan, 1), "L1: bandwidth: must be above 0, not nan"),
        (lambda: Machine("m", 0, 1, (L1,)), "m: operations per cycle: must be above 0"),
        (lambda: Machine("m", 1, math.inf, (L1,)), "m: operation energy: must be above 0, not inf"),
        (lambda: Machine("m", 1, 1, ()), "m: levels: must be one or more of different names"),
        (lambda: Machine("m", 1, 1, (L1, L1)), "m: levels: must be one or more of different names"),
        (lambda: Machine("m", 1, 1, (L1, L2), outermost=3), "m: outermost: must be from 1 to 2, not 3"),
    ],
)
def test_what_no_machine_is(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
