"""The driver of arrays in Python: jobs, faults and soft resets on an array in simulation."""

from pathlib import Path

import numpy as np
import pytest

from support.streams import sink, source
from tileloom.driver.array import ArrayDriver, ArrayFault
from tileloom.driver.block import BlockError, difference
from tileloom.errors import UserError
from tileloom.systolic.control import ControlledArray
from tileloom.systolic.registers import parameters
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.gemm import tile_result
from tileloom_sim.systolic import reference

from . import c_driver
from .designs import ARRAY, CONFIG
from .simulated import REGISTERS, SimulatedBlock, SimulatedEngine

WIDTHS = {"activations": 16, "weights": 8, "results": 32}


def packed(rows: np.ndarray, bits: int) -> list[int]:
    """Return each row as a transfer."""
    return [sum(int(word) << bits * place for place, word in enumerate(row)) for row in rows]


class Array:
    """An array whose streams have so many tiles of data on offer, with what must come of them."""

    def __init__(self, rng: np.random.Generator, tiles: int, vectors: int, *, last: bool = True) -> None:
        numbers = rng.normal(size=(tiles, vectors, ARRAY.rows)).astype(np.float32)
        x = numbers.view(np.uint32).astype(np.uint64) >> 16
        w = sign_magnitude(rng.integers(-127, 128, (tiles, ARRAY.rows, ARRAY.columns)), 8)
        zero = np.zeros((vectors, ARRAY.columns), np.uint64)
        how = reference.arithmetic(ARRAY)
        results = [tile_result(each, by, zero, **how) for each, by in zip(x, w, strict=True)]
        self.expected = packed(np.concatenate(results), WIDTHS["results"])
        self.found: list[int] = []
        dut = ControlledArray(ARRAY)
        activations = packed(x.reshape(-1, ARRAY.rows), WIDTHS["activations"])
        for index in range(len(activations)):
            ends = last and index % vectors == vectors - 1
            activations[index] |= ends << ARRAY.rows * WIDTHS["activations"]
        weights = packed(w.reshape(-1, ARRAY.columns), WIDTHS["weights"])
        benches = [
            source(dut.activations, activations, rng, 0.3),
            source(dut.weights, weights, rng, 0.3),
            sink(dut.results, len(self.expected), self.found, rng, 0.3, raw=True),
        ]
        self.bus = SimulatedBlock(dut, benches)
        self.driver = ArrayDriver(self.bus, ARRAY, REGISTERS)
        self.driver.open()

    def check(self) -> None:
        """Compare the results."""
        mask = (1 << ARRAY.columns * WIDTHS["results"]) - 1
        assert [word & mask for word in self.found] == self.expected


def test_jobs_run_and_are_counted(rng):
    array = Array(rng, 3, 4)
    driver, before = array.driver, array.driver.counters()
    driver.start(4, 2)
    driver.wait(2000)
    driver.start(4)
    driver.wait(2000)
    array.check()
    assert difference(before, driver.counters())["results"] == 12


def test_faults_are_told(rng):
    array = Array(rng, 1, 4, last=False)
    array.driver.start(4)
    said = (
        r"^a tile's last vector of activations came without TLAST; first in tile 0, vector 3 of activations$"
    )
    with pytest.raises(ArrayFault, match=said) as told:
        array.driver.wait(2000)
    assert told.value.fields == {"last_missing"}
    assert (told.value.stream, told.value.tile, told.value.vector) == ("activations", 0, 3)


def test_a_job_is_given_up(rng):
    array = Array(rng, 1, 4)
    driver = array.driver
    driver.start(9)  # more than there is
    with pytest.raises(BlockError, match="the job has not ended after 300 cycles"):
        driver.wait(300)
    with pytest.raises(BlockError, match="the block is busy"):
        driver.start(4)
    driver.reset()
    assert not driver.busy


def test_jobs_that_cannot_be(rng):
    driver = Array(rng, 1, 1).driver
    with pytest.raises(UserError, match="tiles: must be from 1 to 65535, not 0"):
        driver.start(1, 0)
    with pytest.raises(UserError, match="vectors: must be from 1 to 4294967295, not 4294967296"):
        driver.start(1 << 32)


def test_in_c(rng: np.random.Generator, tmp_path: Path) -> None:
    """The driver in C does the same: what was built, jobs, counters, a fault, a job given up."""
    array = Array(rng, 3, 4, last=False)
    library, kept = c_driver.load_array(ARRAY, tmp_path, array.bus)
    ok, absent, busy, timeout, none, fault = range(6)
    texts = {library.tileloom_systolic_text(result) for result in range(10)}
    assert len(texts) == 10 and b"unknown" in texts
    state = c_driver.Array()
    assert library.tileloom_systolic_open(state, REGISTERS) == ok
    wanted = {name.lower(): value for name, value in parameters(ARRAY).items()}
    for name in (*c_driver.ArrayBuilt.NUMBERS, *c_driver.ArrayBuilt.FLAGS):
        if name != "version":
            assert getattr(state.built, name) == wanted[name], name
    before = library.tileloom_systolic_count(state)
    assert library.tileloom_systolic_start(state, c_driver.ArrayJob(4, 0)) == none
    for tiles in (2, 1):
        assert library.tileloom_systolic_start(state, c_driver.ArrayJob(4, tiles)) == ok
        assert library.tileloom_systolic_wait(state, 2000) == fault
        found = library.tileloom_systolic_fault(state)
        assert (found.last_early, found.last_missing, found.not_finite, found.overflow) == (0, 1, 0, 0)
        assert (found.stream, found.tile, found.vector) == (0, 0, 3)
    array.check()
    assert library.tileloom_systolic_count(state).results - before.results == 12
    assert library.tileloom_systolic_start(state, c_driver.ArrayJob(4, 1)) == ok
    assert library.tileloom_systolic_wait(state, 300) == timeout
    assert library.tileloom_systolic_start(state, c_driver.ArrayJob(4, 1)) == busy
    assert library.tileloom_systolic_reset(state, 300) == ok
    assert array.driver.busy is False
    other = SimulatedEngine(CONFIG, rng)
    array.bus.read, array.bus.write = other.read, other.write
    assert library.tileloom_systolic_open(state, REGISTERS) == absent
    del kept
