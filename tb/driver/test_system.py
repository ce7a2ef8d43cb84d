"""The driver in C on the RISC-V system: a core runs layers on an engine, by its registers, in one memory."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tileloom.engine.config import EngineConfig, EnginePort, Wrapper
from tileloom_sim.engine.job import Job
from tileloom_sim.engine.random_jobs import random_jobs
from tileloom_sim.engine.system import Happening, Layer, LayerRun, Outcome, run_layers
from tileloom_sim.riscv.run import Conditions, MasterError, Waits

from .designs import CONFIG, design_of

DEFAULT = EngineConfig(port=EnginePort.AXI4, wrapper=Wrapper.AXI4)
HOSTILE = Conditions(
    instruction_waits=Waits(grant=2, response=1),
    data_waits=Waits(grant=3, response=3),
    random_seed=5,
    master_waits=(0.3, 0.4, 0.3, 0.5, 0.6),
    master_seed=7,
)
LARGEST = 2000
"""Weights, activations or results of a layer: the core lays it out itself."""

OVERHEAD = 100
"""Cycles of the core that a start may take."""


def small_jobs(config: EngineConfig, count: int, seed: int, largest: int = LARGEST) -> list[Job]:
    """Return random layers that are small."""
    found: list[Job] = []
    while len(found) < count:
        for job in random_jobs(config, 20, seed, waiting=False):
            weights = math.prod((*job.weights.shape, *job.weights.kernel))
            if max(weights, job.activations.size, job.expected.size) < largest:
                found.append(job)
        seed += 1
    return found[:count]


def check(layer: Layer, run: LayerRun) -> None:
    assert (run.laid_out, run.started, run.waited) == (Outcome.OK,) * 3
    assert run.fault == 0
    np.testing.assert_array_equal(run.values, layer.job.expected)
    assert run.skipped == run.blocks_skipped


@pytest.mark.parametrize(
    ("config", "count", "conditions"),
    [
        pytest.param(CONFIG, 8, Conditions(), id="flowing"),
        pytest.param(CONFIG, 8, HOSTILE, id="waiting", marks=pytest.mark.long),
        pytest.param(CONFIG, 100, HOSTILE, id="many", marks=pytest.mark.long),
        pytest.param(DEFAULT, 50, HOSTILE, id="default", marks=pytest.mark.long),
    ],
)
def test_layers(config: EngineConfig, count: int, conditions: Conditions, seed: list[int]) -> None:
    """By polling and with interrupts in turn; each interrupt wakes the core once, and no other comes."""
    jobs = small_jobs(config, count, seed[1])
    layers = [Layer(job=job, interrupts=bool(index % 2)) for index, job in enumerate(jobs)]
    runs = run_layers(design_of(config), config, layers, conditions=conditions)
    for index, (layer, run) in enumerate(zip(layers, runs, strict=True)):
        check(layer, run)
        assert run.interrupted == (index + 1) // 2
        assert run.run_cycles > run.busy / 2
        if conditions is not HOSTILE:
            assert run.start_cycles < OVERHEAD


def test_what_goes_wrong_is_told(seed: list[int]) -> None:
    """Errors on the bus, with their address; programs given up, a broken index: then they are right."""
    happens = [Happening.RUN] * 3 + [Happening.GIVE_UP, Happening.BREAK_INDEX]
    happens += [Happening.LET_END] * 2 + [Happening.GIVE_UP]
    jobs = small_jobs(CONFIG, len(happens), seed[1], largest=600)
    layers = [
        Layer(job=job, interrupts=bool((index + seed[1]) % 2), happening=happening)
        for index, (job, happening) in enumerate(zip(jobs, happens, strict=True))
    ]
    places = [run.memory for run in run_layers(design_of(CONFIG), CONFIG, layers)]
    # Activations, results and the first descriptor, as the driver lays them out.
    sizes = [up(planes(job.activations.shape, CONFIG.k)) for job in jobs]
    results = [up(planes(job.expected.shape, CONFIG.n)) for job in jobs]
    failing = [places[0], places[1] + sizes[1], places[2] + sizes[2] + results[2]]
    errors = [MasterError(first=at, end=at + 1, response=2 + index % 2) for index, at in enumerate(failing)]
    # Slow enough that no program ends before it is given up.
    conditions = replace(HOSTILE, master_errors=errors, master_waits=(0.9, 0.9, 0.9, 0.9, 0.9))
    runs = run_layers(design_of(CONFIG), CONFIG, layers, conditions=conditions)
    told = [Outcome.READ_FAULT, Outcome.WRITE_FAULT, Outcome.READ_FAULT]
    for index, (run, outcome, address) in enumerate(zip(runs, told, failing, strict=False)):
        assert run.waited == outcome
        assert run.fault == 1 | (outcome == Outcome.WRITE_FAULT) << 1 | (2 + index % 2) << 2
        assert run.fault_address <= address < run.fault_address + CONFIG.burst_beats * CONFIG.bus // 8
    for layer, run in zip(layers[3:], runs[3:], strict=True):
        check(layer, run)
        assert run.reset == Outcome.OK
        if layer.happening is Happening.BREAK_INDEX:
            assert (run.broken, run.still_broken) == (Outcome.INDEX_FAULT, Outcome.INDEX_FAULT)
        else:
            assert run.timeout == Outcome.TIMEOUT
        if layer.happening is Happening.GIVE_UP:
            assert run.refused == Outcome.BUSY


def planes(shape: tuple[int, ...], block: int) -> int:
    """Return the bytes of an image of bytes in memory."""
    return shape[0] * shape[1] * -(-shape[2] // block) * block


def up(size: int) -> int:
    return -(-size // 64) * 64
