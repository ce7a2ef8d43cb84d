"""An array behind its registers: jobs, hostile accesses, faults, soft resets, against the golden model."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tileloom.systolic.design
from support.mutant import mutant
from support.planned import run_planned
from tileloom.config import Wrapper
from tileloom.formats import BF16, FP16, INT8, Rounding, SignMagnitude
from tileloom.systolic import control, job, stream_array
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_golden.checks import Words
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.gemm import tile_result
from tileloom_golden.systolic.registers import (
    ACTIVATIONS,
    KEEP_WEIGHTS,
    LAST_EARLY,
    LAST_MISSING,
    NOT_FINITE,
    OVERFLOW,
    PSUM_IN,
    RESULTS_OUT,
)
from tileloom_sim.build.cocotb_run import Run
from tileloom_sim.build.verilator import elements
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.regression import Regression, regress_design
from tileloom_sim.systolic.tiles import Tile, feeds

CONFIG = SystolicConfig(rows=3, columns=2, weight=INT8, wrapper=Wrapper.AXI4, double_buffer=True)
SINGLE = replace(CONFIG, rows=2, columns=4, double_buffer=False, step_interval=3, activation=BF16)
FLOATS = replace(
    CONFIG, rows=1, columns=5, weight=FP16, add_stages=3, rounding=Rounding.NEAREST_EVEN, broadcast=2
)
SMALLEST = replace(CONFIG, rows=1, columns=1, activation=FP16, weight=SignMagnitude(4), accumulator=FP16)
MORE = {"single buffer": SINGLE, "floats": FLOATS, "1 x 1": SMALLEST}


@pytest.mark.parametrize(
    "config",
    [CONFIG, *(pytest.param(config, id=name, marks=pytest.mark.long) for name, config in MORE.items())],
)
def test_regression(config: SystolicConfig, seed: list[int]) -> None:
    found: Regression = regress_design(generate(config), seed=seed[1])
    assert found.passed, found.failures or found.run.log[-3000:]
    assert found.compared > 100


INFINITY, NAN = 0x7F800000, 0x7FC00000


def random_tile(
    rng: np.random.Generator, vectors: int, *, w: Words | None = None, psum: Words | None = None
) -> Tile:
    """Return a tile of ``CONFIG`` of ordinary numbers; with these weights and sums, if given."""
    x = rng.normal(size=(vectors, CONFIG.rows)).astype(np.float32).view(np.uint32).astype(np.uint64)
    if w is None:
        w = sign_magnitude(rng.integers(-127, 128, (CONFIG.rows, CONFIG.columns)), 8)
    if psum is None:
        psum = np.zeros((vectors, CONFIG.columns), np.uint64)
    return Tile(x, w, psum, tile_result(x, w, psum, **reference.arithmetic(CONFIG)))


def planned(
    tiles: list[Tile], job: int = 0, fault: int = 0, place: tuple[int, int, int] = (0, 0, 0)
) -> dict[str, Any]:
    """Return a job for ``registers_bench``; what DMA controllers send comes in packets.

    ``place`` is that of the fault: the vector, its tile, the stream.
    """
    streams = feeds(CONFIG, tiles, np.random.default_rng(0))
    words = {name: [data for data, _ in sent] for name, sent in streams.items()}
    packets = {
        name: [part.tolist() for part in np.array_split(np.array(sent, object), len(tiles))]
        for name, sent in words.items()
    }
    return {
        "vectors": len(tiles[0].x),
        "tiles": len(tiles),
        "job": job,
        "fault": fault,
        "place": [place[0], place[1] | place[2] << 16],
        **packets,
        "psum_in": packets["psum_in"] if job & PSUM_IN else [],
    }


def some_jobs(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return jobs that are well, one that goes on with the weights of the one before, and every fault."""
    first = random_tile(rng, 4)
    sums = random_tile(rng, 4, psum=first.result)
    kept = planned([random_tile(rng, 3, w=sums.w), random_tile(rng, 3)])
    del kept["weights"][0]
    early = planned([random_tile(rng, 6)], fault=LAST_EARLY, place=(1, 0, ACTIVATIONS))
    early["activations"] = [early["activations"][0][:2], early["activations"][0][2:]]
    missing = planned([random_tile(rng, 2) for _ in range(3)], fault=LAST_MISSING, place=(1, 1, ACTIVATIONS))
    missing["activations"][1:] = [[*missing["activations"][1], *missing["activations"][2]]]
    infinite = np.zeros((3, CONFIG.columns), np.uint64)
    infinite[2, 1] = INFINITY
    nan = planned([random_tile(rng, 3)], fault=NOT_FINITE, place=(1, 0, ACTIVATIONS))
    nan["activations"][0][1] |= NAN << 32
    nan["results"] = None  # they are not defined
    return [
        planned([first, random_tile(rng, 4)]),
        planned([sums], PSUM_IN | KEEP_WEIGHTS),
        kept,
        early,
        missing,
        planned(
            [random_tile(rng, 3), random_tile(rng, 3, psum=infinite)],
            PSUM_IN,
            fault=OVERFLOW,
            place=(2, 1, RESULTS_OUT),
        ),
        nan,
        planned([random_tile(rng, 1)]),
    ]


def run(folder: Path, rng: np.random.Generator, seed: int) -> Run:
    """Run some jobs in ``registers_bench``."""
    design = generate(CONFIG)
    plan = {"jobs": some_jobs(rng), "step_interval": CONFIG.step_interval}
    modules = elements(design.manifest["modules"])
    return run_planned(design, "systolic.registers_bench", plan, folder=folder, seed=seed, modules=modules)


def test_jobs(rng: np.random.Generator, seed: list[int], tmp_path: Path) -> None:
    done = run(tmp_path, rng, seed[1])
    assert done.passed and done.tests == 3, done.log[-9000:]


BROKEN = {
    "done comes while a soft reset drains": (job, "== 1) & ~self.resetting", "== 1)"),
    "weights that are there are taken again": (job, "row_tile.eq(kept)", "row_tile.eq(0)"),
    "a soft reset leaves weights": (job, "kept.eq(0), self.row.eq(0)", "self.row.eq(0)"),
    "a soft reset leaves half a tile": (job, "kept.eq(0), self.row.eq(0)", "kept.eq(0)"),
    "a later fault takes the first one's place": (control, "~fault.any() & found.any()", "found.any()"),
    "a result's number is its tile's of activations": (control, "Cat(job.result,", "Cat(job.vector,"),
    "a result's number goes on in the next tile": (job, "[self.result.eq(0), ", "["),
    "a soft reset takes an offer back": (control, "job.resetting & ~offered", "job.resetting"),
    "a soft reset leaves the array": (control, "ResetInserter(clear)(array)", "array"),
    "a soft reset leaves FAULT": (control, "Mux(start | clear, 0,", "Mux(start, 0,"),
    "sums come in unasked": (control, "Mux(psum_in, self.psum_in.payload, 0)", "self.psum_in.payload"),
    "weights come in early": (control, "weights.valid & job.weights_open", "weights.valid"),
    "the last result's overflow is lost": (control, "(fault | found).any()", "fault.any()"),
    "a job of nothing is started": (control, " | job.empty", ""),
    "weights are not kept": (stream_array, "last.start & ~self.keep if", "last.start if"),
}
"""What is broken: the module, and what in it becomes what."""


@pytest.mark.long
@pytest.mark.parametrize("what", BROKEN)
def test_broken_hardware_is_noticed(
    what: str, rng: np.random.Generator, seed: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, right, wrong = BROKEN[what]
    break_source(monkeypatch, module, right, wrong)
    assert not (regress_design(generate(CONFIG), seed=seed[1]).passed and run(tmp_path, rng, seed[1]).passed)


def break_source(monkeypatch: pytest.MonkeyPatch, module: ModuleType, right: str, wrong: str) -> None:
    """Put what the module is with other source in its place."""
    broken = vars(mutant(module, right, wrong))
    for user in (control, tileloom.systolic.design):
        for name in ("Job", "StreamArray", "ControlledArray"):
            if name in vars(user) and broken.get(name, vars(user)[name]) is not vars(user)[name]:
                monkeypatch.setattr(user, name, broken[name])
