"""Grids of small engines in Verilator: random layers, bit for bit under stalls, and the estimated cycles."""

from dataclasses import replace

import numpy as np
import pytest

from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.engine.design import generate
from tileloom.errors import CheckError, ConfigError
from tileloom.families import load
from tileloom_sim.build.harness import HarnessError
from tileloom_sim.engine.random_jobs import random_jobs
from tileloom_sim.engine.run import run_jobs

SMALL = {"m": 2, "k": 2, "n": 2, "bus": 64, "a_words": 256, "acc_tiles": 8, "weight_beats": 4}
SHORT = 75
"""Cycles that the estimate of a layer of less than 600 may be off."""
"""Cycles of a layer from which an estimate is held to 3 %; of shorter ones to as many cycles as that is."""


def check(config: EngineConfig, layers: int) -> None:
    """Run random layers, stalled ones and flowing ones."""
    design = generate(config)
    jobs = random_jobs(config, layers, 1)
    assert any(job.abandoned for job in jobs)
    if config.port is EnginePort.AXI4:
        assert any(job.failing is not None for job in jobs)
    else:
        assert any(job.follows for job in jobs)
    run_jobs(design, jobs)
    jobs = random_jobs(config, layers, 2, waiting=False)
    found = [run.cycles for run in run_jobs(design, jobs)]
    estimated = [job.estimate().cycles for job in jobs]
    equal = sum(one == other for one, other in zip(found, estimated, strict=True))
    print(f"{config.grid}: {sum(found)} cycles, {sum(estimated)} estimated, {equal} of {layers} layers equal")
    assert equal >= 0.4 * layers
    assert abs(sum(found) - sum(estimated)) <= 0.005 * sum(found)
    for job, taken, one in zip(jobs, found, estimated, strict=True):
        where = f"{job.program.layer}: {one} estimated, {taken} taken"
        assert abs(one - taken) <= 0.03 * taken or (taken < 600 and abs(one - taken) <= SHORT), where


@pytest.mark.parametrize(
    "rows, columns",
    [(2, 2), *(pytest.param(*grid, marks=pytest.mark.long) for grid in ((2, 3), (3, 1), (1, 2)))],
)
def test_random_layers(rows: int, columns: int) -> None:
    quick = (rows, columns) == (2, 2)
    # The quick one has memory tiles, the others none.
    config = EngineConfig(**SMALL, grid_rows=rows, grid_columns=columns, grid_tile_words=700 * quick)
    check(config, 60 if quick else 200)


def test_a_wrong_result_and_a_missing_one_are_found() -> None:
    config = EngineConfig(**SMALL, grid_rows=2, grid_columns=2)
    job = random_jobs(config, 1, 5, waiting=False)[0]
    wrong = replace(job, expected=job.expected + np.int8(1))
    design = generate(config)
    with pytest.raises(CheckError, match="results differ"):
        run_jobs(design, [wrong])
    commands = job.grid_streams.inputs["commands"]
    commands[:, 20] &= 2  # row 0 has no commands
    with pytest.raises(HarnessError):
        run_jobs(design, [job])


AXI4 = {**SMALL, "port": "axi4", "grid_rows": 2, "grid_columns": 2}


@pytest.mark.long
@pytest.mark.parametrize(
    "settings",
    [
        {"wrapper": "axi4"},
        {"grid_columns": 3, "burst_beats": 4},
        {"grid_rows": 3, "grid_columns": 1, "bus": 128, "address_bits": 40, "requantise": False},
        {"grid_tile_words": 700},
    ],
    ids=["registers", "2 x 3", "3 x 1, sums", "tiles"],
)
def test_axi4_masters(settings: dict) -> None:
    config = load("engine-int8", **{**AXI4, **settings})
    assert isinstance(config, EngineConfig)
    check(config, 150)


@pytest.mark.long
@pytest.mark.parametrize(
    "settings", [{"grid_columns": 3, "grid_tile_words": 700, "wrapper": "axi4"}, {"burst_beats": 1}]
)
def test_axi4_masters_bit_for_bit(settings: dict) -> None:
    """Without the estimate, in which no engine waits for its results to be written: single beats are slow."""
    config = load("engine-int8", **{**AXI4, **settings})
    assert isinstance(config, EngineConfig)
    run_jobs(generate(config), random_jobs(config, 150, 4))


@pytest.mark.long
@pytest.mark.parametrize(
    "settings", [{"core": "systolic", "m": 1, "weight": "int8", "bus": 64}, {"drain_rows": 2}]
)
def test_grids_of_other_engines(settings: dict) -> None:
    config = load("engine-int8", **{**SMALL, **settings}, grid_rows=2, grid_columns=2)
    assert isinstance(config, EngineConfig)
    run_jobs(generate(config), random_jobs(config, 40, 3))


def test_what_is_for_one_engine_refuses_a_grid() -> None:
    config = EngineConfig(**SMALL, grid_rows=2, grid_columns=2)
    with pytest.raises(ConfigError, match="grid_rows: power is for one engine; leave"):
        config.refuse_grid("power")
    config.engine.refuse_grid("power")
    with pytest.raises(ConfigError, match="axi4_stream_names: is for streams"):
        load("engine-int8-2x2-axi4", axi4_stream_names=True)
