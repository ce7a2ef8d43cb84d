"""``tileloom.simulate`` of random layers: of each kind of engine, what they reach, errors on the bus.

The harness's memory is tested here as well: what a program must not touch, it guards.
"""

from dataclasses import replace

import numpy as np
import pytest

import tileloom
from support.long import but
from tileloom.engine.config import Core, EngineConfig, EnginePort, RequantiseRounding
from tileloom.engine.design import generate
from tileloom.errors import CheckError
from tileloom.formats import BF16, FP32, FloatFormat, Rounding, SignMagnitude
from tileloom_golden.engine.program import DESCRIPTOR_BYTES
from tileloom_golden.engine.streams import packet_ends
from tileloom_sim.engine import job
from tileloom_sim.engine.axi_harness import AxiProgram, run_programs
from tileloom_sim.engine.random_jobs import long_jobs, random_jobs
from tileloom_sim.engine.run import run_jobs

from .test_activation_mask import MASKED

pytestmark = pytest.mark.usefixtures("generated_once")

FLOATS = EngineConfig(m=1, k=4, n=4, core=Core.SYSTOLIC, bus=128, a_words=512, acc_tiles=64)
SUMS = EngineConfig(
    m=2, k=4, n=2, bus=64, a_words=64, acc_tiles=8, weight_beats=8, drain_rows=2, requantise=False
)
AS_ONNX = replace(
    SUMS, requantise=True, requantise_rounding=RequantiseRounding.HALF_EVEN, result_zero_point=True
)
AXI_FLOATS = EngineConfig(
    m=1,
    k=2,
    n=2,
    core=Core.SYSTOLIC,
    bus=64,
    a_words=32,
    acc_tiles=8,
    activation=BF16,
    weight=SignMagnitude(4),
    accumulator=FP32,
    port=EnginePort.AXI4,
    address_bits=40,
    burst_beats=4,
)
ODD = EngineConfig(
    m=1,
    k=3,
    n=2,
    core=Core.SYSTOLIC,
    bus=192,
    a_words=64,
    acc_tiles=8,
    activation=FloatFormat(8, 10),
    weight=FloatFormat(3, 2),
    accumulator=FloatFormat(8, 15),
    rounding=Rounding.NEAREST_EVEN,
)
KINDS = {
    "INT8": EngineConfig(),
    "INT32": SUMS,
    "INT8 as ONNX": AS_ONNX,
    "both sides sparse": MASKED,
    "FP32 x INT8": FLOATS,
    "TF32 x E3M2": ODD,
    "AXI4": EngineConfig(port=EnginePort.AXI4),
    "AXI4, BF16 x INT4": AXI_FLOATS,
}


@pytest.mark.parametrize("config", but(KINDS, "INT32", "TF32 x E3M2", "FP32 x INT8"))
def test_random_layers(config: EngineConfig, seed: list[int]) -> None:
    figures = tileloom.simulate(config, layers=40, seed=seed[0]).figures
    assert figures["layers"] == 40 and figures["seed"] == seed[0]
    assert figures["results_compared"] > 1000
    assert 0 < figures["blocks_kept"] < figures["blocks"]
    assert 0 < figures["utilisation"] < 1
    assert ("bus_errors" in figures) == (config.port is EnginePort.AXI4)


@pytest.mark.parametrize("config", [KINDS["AXI4"], AXI_FLOATS], ids=["dot product", "systolic"])
def test_nothing_is_left_of_a_program_that_an_error_ended(
    config: EngineConfig, rng: np.random.Generator
) -> None:
    """Wherever it was: blocks were loaded in part, or waited, in a core that no ``ResetInserter`` reaches."""
    jobs = [one for one in random_jobs(config, 160, int(rng.integers(2**31))) if one.entries is None][:80]
    for place in range(0, len(jobs), 2):
        image = jobs[place].image
        descriptor = int(rng.integers(len(image.descriptors)))
        jobs[place] = replace(jobs[place], failing=image.start + DESCRIPTOR_BYTES * descriptor)
        jobs[place + 1] = replace(jobs[place + 1], failing=None)
    runs = run_jobs(generate(config), jobs)
    assert [run.failed for run in runs] == [True, False] * (len(jobs) // 2)


@pytest.mark.parametrize("config", [SUMS, AXI_FLOATS], ids=["streams", "AXI4"])
def test_a_wrong_bit_is_found(config: EngineConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    original = job.results_of

    def other(*arguments):
        results = original(*arguments).copy()
        results[-1, -1, -1] ^= 1
        return results

    monkeypatch.setattr("tileloom_sim.engine.random_jobs.results_of", other)
    with pytest.raises(CheckError, match=r"layer \d, Layer\(.*: 1 of \d+ results differ, the first at \["):
        tileloom.simulate(config, layers=2, seed=1)


def test_a_packet_that_ends_elsewhere_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does whose last transfer is not told; in the netlist nothing else would differ."""

    def other(program):
        ends = packet_ends(program)
        ends[-1] = False
        return ends

    monkeypatch.setattr("tileloom_sim.engine.run.packet_ends", other)
    with pytest.raises(CheckError, match="`last` is not with the last transfer of each block column alone"):
        tileloom.simulate(SUMS, layers=2, seed=1)


def test_random_layers_reach_what_is_special(rng: np.random.Generator) -> None:
    jobs = random_jobs(AXI_FLOATS, 200, int(rng.integers(2**31)))
    layers = [one.program.layer for one in jobs]
    ends = [sum(one.image.regions[-1]) for one in jobs]
    special = {
        "product": sum(layer.kernel == (1, 1) for layer in layers),
        "padded": sum(any(layer.pads) for layer in layers),
        "strided": sum(layer.stride > 1 for layer in layers),
        "channels split": sum(one.program.splits["channels"] > 1 for one in jobs),
        "no block": sum(one.weights.density == 0 for one in jobs),
        "dense": sum(one.weights.density == 1 for one in jobs),
        "waiting": sum(max(one.waits) > 0.8 for one in jobs),
        "far": sum(end > 1 << 32 for end in ends),
    }
    assert min(special.values()) >= 5, special
    assert max(ends) <= 1 << 40


@pytest.mark.parametrize("config", [SUMS, KINDS["AXI4"]], ids=["streams", "AXI4"])
def test_random_layers_break_the_rules(config: EngineConfig, rng: np.random.Generator) -> None:
    jobs = random_jobs(config, 200, int(rng.integers(2**31)))
    axi = config.port is EnginePort.AXI4
    special = {
        "no such row": sum(one.faults & 1 for one in jobs),
        "out of order, results known": sum(one.faults == 2 for one in jobs),
        "given up": sum(one.abandoned > 0 for one in jobs),
        "a long kernel": sum(max(one.program.layer.kernel) > 16 for one in jobs),
        "a long stride": sum(one.program.layer.stride > 3 for one in jobs),
        "scattered" if axi else "without rest": sum(
            one.places is not None if axi else one.follows for one in jobs
        ),
    }
    assert min(special.values()) >= 1, special
    run_jobs(generate(config), jobs)


@pytest.mark.parametrize("config", [SUMS, KINDS["AXI4"]], ids=["streams", "AXI4"])
def test_a_fault_that_is_not_reported_is_found(
    config: EngineConfig, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Those whose results are known: of the others anything is right only as long as there is a fault.
    jobs = [one for one in random_jobs(config, 200, int(rng.integers(2**31))) if not one.faults & 1]
    monkeypatch.setattr(job, "index_faults", lambda entries, blocks: 0)
    with pytest.raises(CheckError, match=r"the index calls for 0|what came from memory calls for 0x"):
        run_jobs(generate(config), jobs)


@pytest.mark.long
@pytest.mark.parametrize("config", [SUMS, KINDS["AXI4"]], ids=["streams", "AXI4"])
def test_long_layers(config: EngineConfig, rng: np.random.Generator) -> None:
    jobs = long_jobs(config, int(rng.integers(2**31)))
    columns, strips, blocks, high, wide = (one.program.commands() for one in jobs)
    assert columns[1][9] > 10_000 and strips[1][1] > 10_000
    assert blocks[0][2] == config.a_words
    # One strip that fills more than half of the A buffer: its rows, each of a pitch.
    assert all(load[1] == 1 and load[3] * load[7] > config.a_words // 2 for load, *_ in (high, wide))
    run_jobs(generate(config), jobs)


def test_the_memory_is_guarded(rng: np.random.Generator) -> None:
    """The harness finds accesses outside of what a program may touch, and a program that does nothing."""
    design = generate(AXI_FLOATS)
    (one,) = random_jobs(AXI_FLOATS, 1, int(rng.integers(2**31)))
    image = one.image
    run_programs(design, AXI_FLOATS, [AxiProgram(image)])
    with pytest.raises(CheckError, match=r"W writes 0x[0-9a-f]+, which is not of the results"):
        lines = replace(image.places.results, first=image.places.results.first + 64)
        moved = replace(image, places=replace(image.places, results=lines))
        run_programs(design, AXI_FLOATS, [AxiProgram(moved)])
    with pytest.raises(CheckError, match=r"AR 0x[0-9a-f]+, . beats: outside of the memory"):
        (base, size), *_ = image.regions
        regions = ((base, size - 64), *image.regions[1:])
        content = image.content[: size - 64] + image.content[size:]
        run_programs(design, AXI_FLOATS, [AxiProgram(replace(image, regions=regions, content=content))])
