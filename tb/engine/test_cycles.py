"""The engine's cycles: the targets on 256 x 256 x 256, and the estimator against the RTL."""

from dataclasses import replace

import numpy as np
import pytest

from support.long import but
from tileloom.design import Design
from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.engine.design import generate
from tileloom_golden.engine.program import Layer
from tileloom_sim.engine.random_jobs import random_jobs
from tileloom_sim.engine.run import run_jobs

from .layers import compare_cycles, make_case, random_case, run_cases
from .test_random_jobs import AXI_FLOATS

CUBE = Layer.product(256, 256, 256)
LINEAR_CONSTANT = 9500
"""Of 256 x 256 x 256 without a single block: 8,192 rows of 8 results, and a strip of 40."""
NOT_COMPUTING = {
    "the first LOAD to the loader": 2,
    "the first strip": 20 * 32,
    "from the sequencer to the core": 2,
    "through the core": 2,
    "the last column of the last strip": 36,
    "from the accumulators to the results": 4,
}
"""Cycles of 256 x 256 x 256 by cause (docs/engine.md, Cycles); between its tiles there is none."""


@pytest.fixture(scope="module")
def design() -> Design:
    return generate(EngineConfig())


def test_dense_half_and_every_density(design: Design, rng: np.random.Generator) -> None:
    kept = [round(1024 * tenths / 10) for tenths in range(11)]
    masks = [rng.permutation(np.arange(1024) < count).reshape(32, 32) for count in kept]
    runs = run_cases(design, [make_case(EngineConfig(), CUBE, mask, rng) for mask in masks])
    cycles = [run.cycles for run in runs]
    assert 256**3 / (256 * cycles[10]) >= 0.989
    assert cycles[5] <= 0.506 * cycles[10]
    for count, found in zip(kept, cycles, strict=True):
        assert 64 * count <= found <= 1.01 * 64 * count + LINEAR_CONSTANT
    # From half on hardly a column is so sparse that writing the one before takes longer.
    rest = [found - 64 * count for count, found in zip(kept, cycles, strict=True)]
    assert rest[7:] == [sum(NOT_COMPUTING.values())] * 4
    assert np.ptp(rest[5:]) <= 50


def test_two_hundred_layers_are_estimated_within_one_percent(
    design: Design, rng: np.random.Generator
) -> None:
    cases = [random_case(EngineConfig(), rng, 20, 96) for _ in range(270)]
    assert compare_cycles(cases, run_cases(design, cases)) >= 200


OTHERS = {
    "small buffers, narrow bus": EngineConfig(m=4, k=4, n=4, bus=64, a_words=64, acc_tiles=8, weight_beats=8),
    "one row": EngineConfig(m=1, k=8, n=4, acc_tiles=32, a_words=512),
}


@pytest.mark.parametrize("config", but(OTHERS, "one row"))
def test_other_sizes_are_estimated_too(config: EngineConfig, rng: np.random.Generator) -> None:
    cases = [random_case(config, rng, 14, 60) for _ in range(40)]
    assert compare_cycles(cases, run_cases(generate(config), cases)) >= 20


def compare_axi(config: EngineConfig, count: int, seed: int) -> list[tuple[int, int]]:
    """Run random layers on an AXI4 master, nothing waiting; return the cycles estimated and taken of each."""
    jobs = random_jobs(config, count, seed, waiting=False)
    # Groups that one set of descriptors repeats.
    assert sum(job.program.runs[0][1] > 1 for job in jobs) >= count // 20
    runs = run_jobs(generate(config), jobs)
    return [(job.estimate().cycles, run.cycles) for job, run in zip(jobs, runs, strict=True)]


def test_the_axi4_master_takes_exactly_the_cycles_estimated(seed: list[int]) -> None:
    found = compare_axi(EngineConfig(port=EnginePort.AXI4), 200, seed[0])
    assert [estimated for estimated, _ in found] == [taken for _, taken in found]
    assert max(taken for _, taken in found) > 2000


AXI4 = EngineConfig(port=EnginePort.AXI4)
SMALL = replace(AXI4, a_words=64, bus=64)
NEARLY = {
    "bursts of 1": replace(SMALL, m=2, k=4, n=4, acc_tiles=8, weight_beats=8, burst_beats=1),
    "BF16 x INT4": AXI_FLOATS,
    "both sides sparse": replace(AXI4, activation_mask=True),
}
OTHERS = {
    "narrow strips": replace(SMALL, m=1, acc_tiles=2, weight_beats=1, burst_beats=4),
    "wide": EngineConfig(
        bus=512,
        requantise=False,
        weight_beats=2,
        burst_beats=64,
        product_register=True,
        port=EnginePort.AXI4,
    ),
    "FP32 x INT8": EngineConfig(
        m=1, k=4, n=4, core=Core.SYSTOLIC, a_words=64, acc_tiles=20, port=EnginePort.AXI4, address_bits=40
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("config", OTHERS.values(), ids=OTHERS)
def test_other_axi4_masters_too(config: EngineConfig, seed: list[int]) -> None:
    found = compare_axi(config, 600, seed[0])
    assert [estimated for estimated, _ in found] == [taken for _, taken in found]


@pytest.mark.long
@pytest.mark.parametrize("config", NEARLY.values(), ids=NEARLY)
def test_axi4_masters_within_one_percent(config: EngineConfig, seed: list[int]) -> None:
    found = compare_axi(config, 600, seed[0])
    print(sum(estimated == taken for estimated, taken in found), "equal")
    assert all(abs(estimated - taken) <= max(0.01 * taken, 2) for estimated, taken in found)
    assert sum(estimated == taken for estimated, taken in found) >= 590
