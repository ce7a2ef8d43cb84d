"""The driver in Python: programs, faults and soft resets on an engine in simulation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.axi_memory import DECERR, Fault
from tileloom.driver.block import Block, BlockError, difference
from tileloom.driver.bus import BusError
from tileloom.driver.engine import EngineDriver, EngineFault
from tileloom.engine.config import EngineConfig
from tileloom.errors import TileloomError, UserError
from tileloom_golden.engine.streams import skipped_blocks
from tileloom_sim.engine.descriptor import CONV
from tileloom_sim.engine.job import Job, make_job

from .designs import CONFIG
from .simulated import REGISTERS, SimulatedEngine


def product(rng: np.random.Generator, config: EngineConfig = CONFIG) -> Job:
    """Return a product, about half of whose blocks are left out."""
    x, w = (rng.integers(-99, 100, shape).astype(np.int8) for shape in ((9, 11), (11, 7)))
    job = make_job(config, ("x", x), ("w", w), "KN", prune=0.5)
    return replace(job, base=64 * int(rng.integers(64)))


def opened(rng: np.random.Generator) -> tuple[SimulatedEngine, EngineDriver]:
    bus = SimulatedEngine(CONFIG, rng)
    driver = EngineDriver(bus, CONFIG, REGISTERS)
    driver.open()
    return bus, driver


def check(job: Job, content: bytes) -> None:
    np.testing.assert_array_equal(job.image.outputs(content), job.expected)


def test_programs_run_and_are_counted(rng):
    _, driver = opened(rng)
    for _ in range(2):
        job, before = product(rng), driver.counters()
        driver.load(job.image)
        check(job, driver.run(job.image))
        counted = difference(before, driver.counters())
        assert counted["blocks_skipped"] == skipped_blocks(job.program, job.weights)
        assert counted["cycles"] > counted["busy_cycles"] >= job.estimate().cycles


def test_faults_are_told_with_their_address(rng):
    bus, driver = opened(rng)
    job = product(rng)
    image = job.image
    driver.load(image)
    bus.memory.faults = [Fault(range(image.base + 8, image.base + 9), response=DECERR)]
    with pytest.raises(
        EngineFault, match=r"memory answered a burst read from 0x[0-9a-f]+ with DECERR$"
    ) as told:
        driver.run(image)
    assert image.base <= told.value.address <= image.base + 8 and told.value.response == DECERR
    bus.memory.faults = [Fault(range(image.results, image.results + 1))]
    with pytest.raises(EngineFault, match=f"burst written to {image.results // 8 * 8:#x} with SLVERR$"):
        driver.run(image)
    bus.memory.faults = []
    check(job, driver.run(image))


def test_a_broken_index_is_told_until_a_reset(rng):
    _, driver = opened(rng)
    job = product(rng)
    image = job.image
    driver.load(image)
    index = next(one for one in image.descriptors if one.opcode == CONV).address
    place = index - image.base
    content = bytearray(image.content)
    content[place : place + 2] = (0x8000 | 99).to_bytes(2, "little")
    driver._memory.write(image.base, bytes(content))
    with pytest.raises(EngineFault, match=r"^an index row is not below the number of blocks; reset"):
        driver.run(image)
    driver.load(image)
    with pytest.raises(EngineFault) as told:
        driver.run(image)
    assert told.value.row_range and not told.value.error
    driver.reset()
    check(job, driver.run(image))


def test_a_program_is_given_up(rng):
    bus, driver = opened(rng)
    job = product(rng)
    driver.load(job.image)
    driver.start(job.image.start)
    assert driver.busy
    with pytest.raises(BlockError, match="the block is busy: wait for the job that is under way, or reset"):
        driver.start(job.image.start)
    with pytest.raises(BlockError, match="the job has not ended after 20 cycles"):
        driver.wait(20)
    driver.reset()
    assert not driver.busy
    # One that ends when nobody waits any more is not taken for the next.
    driver.load(job.image)
    driver.start(job.image.start)
    with pytest.raises(BlockError):
        driver.wait(20)
    while driver.busy:
        bus.pass_time(20)
    driver.load(job.image)
    check(job, driver.run(job.image))
    bus.memory.idle = 1.0
    driver.start(job.image.start)
    bus.pass_time(50)
    with pytest.raises(BlockError, match="the soft reset has not ended after 100 cycles"):
        driver.reset(100)


class Words:
    """A bus on which registers read as they were written, from an address on."""

    def __init__(self, words: dict[int, int]) -> None:
        self.words = words

    def read(self, address: int, size: int) -> bytes:
        """Return words."""
        if address not in self.words:
            raise BusError(f"{address:#x}: nobody there")
        return self.words[address].to_bytes(4, "little")

    def write(self, address: int, content: bytes) -> None:
        """Take words."""
        self.words[address] = int.from_bytes(content, "little")


def built(change: Callable[[dict[int, int]], None] = lambda words: None) -> Block:
    """Return the driver of an engine that says of itself what was built, but for a change."""
    simulated = {0x00: 0x544C0301, 0x04: 0, 0x50: 0x00040402, 0x54: 1, 0x58: 64 | 15 << 16 | 32 << 24}
    simulated |= {0x5C: 64, 0x60: 4 | 16 << 16, 0x64: 8 | 8 << 16, 0x68: 32 | 8 << 16}
    change(simulated)
    return EngineDriver(Words(simulated), CONFIG)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({0: 0}, r"0x0: ID is 0x00000000, and id_\w+ 0x0, not 0x\w+: another design is there, or none"),
        ({0: 0x544C0101}, r"0x0: ID is 0x544c0101, and id_family 0x1, not 0x3"),
        ({0x58: 128 | 15 << 16 | 32 << 24}, "0x58: BUS is 0x200f0080, and bus_bits 0x80, not 0x40"),
        ({0x64: 8 | 4 << 16}, "0x64: FORMATS_IN is .* formats_in_weight_bits 0x4, not 0x8"),
    ],
)
def test_another_design_is_told(words, told):
    built().open()
    with pytest.raises(BlockError, match=told):
        built(lambda there: there.update(words)).open()
    with pytest.raises(BusError):
        built(lambda there: there.pop(0x50)).open()


@pytest.mark.parametrize("program", [1 << 32, 65, -64])
def test_programs_where_none_can_be(program):
    with pytest.raises(UserError, match=r"^program: "):
        built().start(program)


def test_without_registers_there_is_no_driver():
    with pytest.raises(TileloomError, match=r"^wrapper: this engine has no registers; set it to axi4"):
        EngineDriver(Words({}), replace(CONFIG, wrapper=None))
