"""Grids as AXI4 masters in Amaranth's simulator: programs in a memory that waits, and that fails."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from support.streams import Bench
from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.engine.grid.master import AxiGrid
from tileloom_golden.engine.grid import GridProgram, compile_grid
from tileloom_golden.engine.program import Layer
from tileloom_sim.engine.layers import engine_size

from .axi_memory import DECERR, SLVERR, Fault
from .test_axi_engine import CONV, WRITE, Job, Jobs, address_of, beat, check_status, well
from .test_engine import Case

SMALL = {"m": 2, "k": 2, "n": 2, "bus": 64, "a_words": 64, "acc_tiles": 4, "weight_beats": 4}
CONFIG = EngineConfig(**SMALL, port=EnginePort.AXI4, grid_rows=2, grid_columns=2, burst_beats=4)
WIDE = replace(CONFIG, grid_columns=3, grid_tile_words=140, burst_beats=16)
STRIPS = (Layer.product(37, 5, 9), 0.7)
"""Ragged: the columns' parts and strips, the rows' block columns."""

RAGGED = (Layer(height=5, width=13, channels=3, outputs=7, kernel=(3, 3), pads=(1, 1, 1, 1)), 0.7)
"""Strips whose columns have other tiles come before others: their CONVs share an index and weights."""

SPLIT = (Layer(height=3, width=4, channels=30, outputs=6, kernel=(3, 3)), 0.5)
SMALL_ONE = (Layer.product(3, 4, 5), 0.6)

CONTROL = [("index", False), ("WRITE", False), ("CONV", True), ("end", True), ("end", True), ("end", True)]
"""What fails, and whether its answer waits for a bad moment."""


class GridJobs(Jobs):
    """Programs for a grid, one behind the other in one memory."""

    def program(self, case: Case) -> GridProgram:
        """Return the program that a layer is computed by."""
        rows, columns = self.config.grid
        return compile_grid(
            case.program.layer,
            engine_size(self.config),
            rows=rows,
            columns=columns,
            relu=case.program.groups[0].write.relu,
            tile_words=self.config.grid_tile_words or 0,
            axi4=True,
        )

    def engine(self) -> AxiGrid:
        """Return what is tested."""
        return AxiGrid(self.config)

    def watches(self, dut: AxiGrid) -> list[Bench]:
        """Return what else looks at the ports."""
        return [write_bursts(dut)]


def write_bursts(dut: AxiGrid) -> Bench:
    """Return what sees that no burst that memory has accepted waits for an engine."""

    async def bench(ctx: SimulatorContext) -> None:
        owed = 0
        async for _, _, aw, aw_ready, burst, w, w_ready in ctx.tick().sample(
            dut.aw.valid, dut.aw.ready, dut.aw.payload, dut.w.valid, dut.w.ready
        ):
            assert w or owed <= 0, "a burst that was accepted waits for its data"
            owed += (burst.len + 1) * (aw and aw_ready) - (w and w_ready)

    return bench


def conv_of_row(job: Job, row: int) -> int:
    """Return the place of the first descriptor that has a row's index and weights read."""
    told = enumerate(job.image.descriptors)
    return next(place for place, one in told if one.opcode == CONV and one.command[10] == 1 << row)


@pytest.mark.parametrize(
    ("config", "idle"),
    [
        pytest.param(CONFIG, 0.4, id="2 x 2", marks=pytest.mark.long),
        pytest.param(WIDE, 0.3, id="2 x 3, tiles", marks=pytest.mark.long),
        pytest.param(replace(CONFIG, burst_beats=1), 0.5, id="bursts of 1", marks=pytest.mark.long),
        pytest.param(replace(WIDE, grid_tile_words=0), 0.0, id="flowing", marks=pytest.mark.long),
    ],
)
def test_programs(config: EngineConfig, idle: float, rng: np.random.Generator) -> None:
    jobs = GridJobs(config, rng)
    for layer, density in (RAGGED, STRIPS, SPLIT, (Layer.product(1, 4, 8), 0.0)):
        jobs.add(layer, density)
    found, memory = jobs.run(idle)
    assert all(map(well, found))
    assert len(memory.writes) > 20


@pytest.mark.parametrize(
    ("config", "cases"),
    [
        pytest.param(replace(CONFIG, grid_columns=1), CONTROL[:1], id="2 x 1"),
        pytest.param(CONFIG, CONTROL, id="2 x 2", marks=pytest.mark.long),
        pytest.param(WIDE, CONTROL, id="2 x 3, tiles", marks=pytest.mark.long),
    ],
)
def test_errors_on_control_end_the_program(
    config: EngineConfig, cases: Sequence[tuple[str, bool]], rng: np.random.Generator
) -> None:
    """An index and descriptors of some engine fail; the next program runs as if nothing had been."""
    jobs = GridJobs(config, rng)
    faults = []
    for number, (what, late) in enumerate(cases):
        job = jobs.add(*STRIPS)
        conv = job.image.descriptors[conv_of_row(job, number % 2)]
        where = {
            "index": conv.address,
            "CONV": address_of(job, CONV, -1),
            "WRITE": address_of(job, WRITE, -1),
            "end": job.image.start + 64 * (len(job.image.descriptors) - 1),
        }[what]
        fault = Fault(
            beat(where, config),
            response=(SLVERR, DECERR)[number % 2],
            garbage=("ones", "random")[number // 2 % 2],
            ends=True,
            late=late,
        )
        job.faults = [fault]
        faults.append(fault)
        jobs.add(*SMALL_ONE)
    found, memory = jobs.run(0.3, slow_answers=int(rng.integers(20)))
    for fault, ended, following in zip(faults, found[::2], found[1::2], strict=True):
        assert ended.errors[0] == (False, fault.response, fault.where.start)
        check_status(ended, config)
        assert well(following)
    # Bursts that were accepted were brought to their end.
    assert memory.blank > 0 or cases == CONTROL[:1]


@pytest.mark.long
def test_errors_on_data_do_not(rng: np.random.Generator) -> None:
    """Activations of a column, weights of a row, results of an engine: only what they touch is wrong."""
    jobs = GridJobs(CONFIG, rng)
    layer, _ = STRIPS
    jobs.add(layer, 1.0)
    for what in ("activations", "weights", "results"):
        job = jobs.add(layer, 1.0)
        conv = job.image.descriptors[conv_of_row(job, 1)]
        write = next(one for one in job.image.descriptors[::-1] if one.opcode == WRITE)
        where = {"activations": job.image.base, "weights": conv.weights + 24, "results": write.address}[what]
        job.faults = [Fault(beat(where, CONFIG))]
    found, memory = jobs.run(0.3)
    assert well(found[0])
    for done, job, what in zip(found[1:], jobs.jobs[1:], ("activations", "weights", "results"), strict=True):
        assert done.errors[0][0] == (what == "results")
        check_status(done, CONFIG)
        assert done.beats == found[0].beats
        image = job.image
        outputs = image.outputs(bytes(memory.data[image.base : image.base + len(image.content)]))
        wrong = outputs != job.case.outputs.reshape(outputs.shape)
        # Four pixels; the block columns of the lower row of engines.
        if what == "activations":
            wrong[0, :4] = False
        elif what == "weights":
            wrong[..., 4:] = False
        assert not wrong.any()


@pytest.mark.long
def test_a_fault_of_any_walker_is_in_the_status(rng: np.random.Generator) -> None:
    jobs = GridJobs(CONFIG, rng)
    job = jobs.add(*STRIPS)
    jobs.add(*SMALL_ONE)
    conv = job.image.descriptors[conv_of_row(job, 1)]
    entry = slice(conv.address, conv.address + 2)
    jobs.content[entry] = (int.from_bytes(jobs.content[entry], "little") | 0x3FFF).to_bytes(2, "little")
    job.faults = [Fault(range(0))]  # results are those of another block
    found, _ = jobs.run(0.0)
    assert [one.status["fault"] & 1 for one in found] == [1, 1]
    assert not any(one.status["error"] for one in found)


def test_one_engine_is_no_grid() -> None:
    one = EngineConfig(**SMALL, port=EnginePort.AXI4, grid_rows=1, grid_columns=1)
    assert (
        one
        == EngineConfig(**SMALL, port=EnginePort.AXI4)
        == CONFIG.engine.__class__(**SMALL, port=EnginePort.AXI4)
    )
    assert CONFIG.engine == replace(one, burst_beats=4)
