"""The big regression: many arrays in few simulator builds, every word compared with the golden model."""

import pytest

from systolic import arrays
from tileloom.formats import FP32, INT8, Rounding
from tileloom.systolic.config import Port
from tileloom_sim.systolic import coverage

CONFIGS = {name: config for group in arrays.GROUPS.values() for name, config in group().items()}


def test_choice_of_arrays():
    sizes = {(config.rows, config.columns) for config in CONFIGS.values()}
    assert len(sizes) >= 60
    assert {(1, 1), (1, 7), (5, 3), (31, 33)} <= sizes
    assert set(arrays.PRESETS.values()) <= set(CONFIGS.values())
    both = [(port, rounding) for port in Port for rounding in Rounding]
    assert {(config.port, config.rounding) for config in CONFIGS.values()} >= set(both)


SMALL = pytest.mark.xdist_group("small arrays")
"""Tests that look at the same regression, and so are run by the same process."""


@pytest.mark.parametrize(
    "group",
    [
        pytest.param("small", marks=SMALL),
        *(pytest.param(group, marks=pytest.mark.long) for group in ("more", "large")),
    ],
)
def test_every_word(regression, group):
    done = regression(group)
    assert done.failures == []
    assert done.passed, done.run.log[-2000:]
    compared = {}
    for entry in done.entries:
        compared[entry["array"]] = compared.get(entry["array"], 0) + entry["compared"]
    assert set(compared) == set(arrays.GROUPS[group]())
    # Every array got through all that it was given: some tiles in each phase.
    assert min(compared.values()) >= 8


KINDS = [(weight, rounding) for weight in (FP32, INT8) for rounding in Rounding]


@SMALL
@pytest.mark.parametrize(("weight", "rounding"), KINDS, ids=lambda value: str(value))
def test_arithmetic_coverage(regression, summary, weight, rounding):
    alike = {
        name: config
        for name, config in arrays.small().items()
        if (config.activation, config.weight, config.rounding) == (FP32, weight, rounding)
    }
    bins = coverage.expected_bins(next(iter(alike.values())))
    seen = regression("small").covered(list(alike))
    missing = coverage.missing(seen, bins)
    rarest = min((name for name in bins if name not in missing), key=lambda name: seen[name])
    summary.append(
        f"fp32 x {weight}, {rounding.value}: {len(bins) - len(missing)} of {len(bins)} cases, "
        f"the rarest {seen[rarest]} times ({rarest})"
    )
    assert missing == []


@SMALL
def test_stall_coverage(regression, summary):
    handshakes = regression("small").handshakes()
    kinds = ("transfer", "back to back", "waits", "starves", "rests")
    for stream, seen in sorted(handshakes.items()):
        summary.append(f"{stream}: " + ", ".join(f"{kind} {seen[kind]}" for kind in kinds))
    assert set(handshakes) == {"weights", "activations", "psum_in", "results"}
    assert [(s, kind) for s, seen in handshakes.items() for kind in kinds if seen.get(kind, 0) < 100] == []


@SMALL
def test_swap_in_every_position(regression):
    done = regression("small")
    for name, config in arrays.small().items():
        if config.double_buffer and config.step_interval == 1:
            seen = done.covered([name])
            inside = config.rows * config.add_stages + config.columns + config.multiply_stages
            assert [n for n in range(1, inside + 1) if f"swap after {n} vectors" not in seen] == [], name
