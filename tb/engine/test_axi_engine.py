"""The engine as an AXI4 master in Amaranth's simulator: programs in a memory that waits, and that fails."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from support.streams import Bench, simulate
from tileloom.engine.axi.engine import AxiEngine
from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom_golden.engine.grid import GridProgram
from tileloom_golden.engine.program import Layer, Program
from tileloom_sim.engine.descriptor import PLACES
from tileloom_sim.engine.memory import MemoryImage, memory_image

from .axi_memory import DECERR, SLVERR, AxiMemory, Fault
from .test_engine import LAYERS, SMALL, Case, random_case

ONE = {"axi4_stream_names": None, "grid_rows": None, "grid_columns": None}
CONFIG = replace(SMALL, port=EnginePort.AXI4, m=2, **ONE)
FLOAT = EngineConfig(
    m=1,
    k=4,
    n=4,
    core=Core.SYSTOLIC,
    bus=128,
    a_words=64,
    acc_tiles=20,
    port=EnginePort.AXI4,
    address_bits=40,
)
LOAD, CONV, WRITE = 1, 2, 3
STRIPS = (Layer.product(30, 8, 12), 0.7)
"""Two strips of 12 pixels, by one command each, and one of 6."""

buses = pytest.mark.parametrize(
    ("burst_beats", "idle"),
    [
        (1, 0.4),
        pytest.param(2, 0.4, marks=pytest.mark.long),
        (16, 0.4),
        pytest.param(16, 0.0, marks=pytest.mark.long),
    ],
    ids=["1, stalled", "2, stalled", "16, stalled", "16, flowing"],
)


@dataclass
class Job:
    """A program in memory, what is to come out, and what fails."""

    image: MemoryImage
    case: Case
    faults: Sequence[Fault] = ()

    @property
    def ends(self) -> bool:
        """An error ends it."""
        return any(fault.ends for fault in self.faults)


@dataclass
class Done:
    """What was found of a program: its status, the beats that it wrote, the errors that it was given."""

    status: dict[str, int]
    beats: int
    errors: list[tuple[bool, int, int]]


class Jobs:
    """Programs one behind the other in one memory."""

    def __init__(self, config: EngineConfig, rng: np.random.Generator) -> None:
        self.config = config
        self.rng = rng
        self.jobs: list[Job] = []
        self.content = bytearray(rng.bytes(64 * int(rng.integers(1, 100))))

    def add(self, layer: Layer, density: float) -> Job:
        """Add a layer with random operands; faults may be added to it."""
        case = random_case(self.config, layer, density, self.rng)
        image = memory_image(
            self.program(case),
            case.x,
            case.weights,
            case.headers,
            result_bytes=self.config.result_bits // 8,
            base=len(self.content),
        )
        self.content += image.content
        self.jobs.append(Job(image, case))
        return self.jobs[-1]

    def program(self, case: Case) -> Program | GridProgram:
        """Return the program that a layer is computed by."""
        return case.program

    def engine(self) -> AxiEngine:
        """Return what is tested."""
        return AxiEngine(self.config)

    def watches(self, dut: AxiEngine) -> list[Bench]:
        """Return what else looks at the ports."""
        return []

    def run(self, idle: float, *, slow_answers: int = 0, limit: int = 30_000) -> tuple[list[Done], AxiMemory]:
        """Run them, each when the status of the one before was taken; compare all that no fault touched.

        Where an error ends a program, what was written must be right.
        """
        memory = AxiMemory(
            bytearray(self.content), self.config.bus // 8, self.rng, idle, slow_answers=slow_answers
        )
        dut = self.engine()
        found: list[Done] = []

        async def drive(ctx: SimulatorContext) -> None:
            for job in self.jobs:
                memory.faults, memory.ended, memory.errors = job.faults, False, []
                before = sum(beats for _, beats in memory.writes)
                ctx.set(dut.start.valid, 1)
                ctx.set(dut.start.payload, job.image.start)
                await ctx.tick().until(dut.start.ready)
                ctx.set(dut.start.valid, 0)
                for _ in range(limit):
                    _, _, valid, busy = await ctx.tick().sample(dut.status.valid, dut.busy)
                    assert busy
                    if valid:
                        break
                else:
                    pytest.fail("the program does not end")
                assert not memory.under_way, "status came before an answer"
                assert not any(ctx.get(port.valid) for port in (dut.ar, dut.aw, dut.w))
                payload = ctx.get(dut.status.payload)
                for _ in range(int(self.rng.integers(4))):
                    _, _, valid, held = await ctx.tick().sample(dut.status.valid, dut.status.payload)
                    assert valid and held == payload, "the status was not held"
                status = {name: getattr(payload, name) for name in dut.status.payload.shape().members}
                found.append(Done(status, sum(beats for _, beats in memory.writes) - before, memory.errors))
                assert memory.ended == job.ends
                ctx.set(dut.status.ready, 1)
                await ctx.tick()
                ctx.set(dut.status.ready, 0)
                _, _, valid, busy = await ctx.tick().sample(dut.status.valid, dut.busy)
                assert not busy and not valid

        simulate(dut, drive, *memory.benches(dut), *self.watches(dut))
        assert len(found) == len(self.jobs)
        untouched = bytearray(memory.data)
        for job in self.jobs:
            image = job.image
            whole = slice(image.base, image.base + len(image.content))
            self._compare(job, self.content[whole], memory.data[whole])
            where = slice(image.results, image.results + image.results_size)
            untouched[where] = self.content[where]
        assert untouched == self.content, "something else was written"
        return found, memory

    def _compare(self, job: Job, before: bytes, after: bytes) -> None:
        image = job.image
        outputs = image.outputs(bytes(after))
        kind = outputs.dtype if self.config.requantise else np.uint32
        same = outputs.view(kind) == job.case.outputs.reshape(outputs.shape)
        if not all(fault.ends for fault in job.faults):
            return
        if job.ends:
            same |= outputs == image.outputs(bytes(before))
        assert same.all(), np.argwhere(~same)


def address_of(job: Job, opcode: int, which: int = 0) -> int:
    """Return the address of a descriptor: the one of that number among those with the operation code."""
    places = [place for place, found in enumerate(job.image.descriptors) if found.opcode == opcode]
    return job.image.start + 64 * places[which]


def beat(address: int, config: EngineConfig = CONFIG) -> range:
    """Return the bytes of the beat that the address is in."""
    width = config.bus // 8
    begin = address // width * width
    return range(begin, begin + width)


def index_of(job: Job) -> range:
    """Return the bytes of the first CONV's index."""
    conv = next(found for found in job.image.descriptors if found.opcode == CONV)
    return range(conv.address, conv.address + conv.run)


def well(done: Done) -> bool:
    """Return whether a program's status speaks of nothing."""
    return not done.status["error"] and not done.status["fault"]


def check_status(done: Done, config: EngineConfig) -> None:
    """Compare a status with the first error."""
    write, response, address = done.errors[0]
    status = done.status
    assert status["error"] and status["write"] == write and status["response"] == response
    longest = config.burst_beats * config.bus // 8
    assert status["address"] <= address < status["address"] + longest
    assert status["fault"] == 0


@buses
def test_programs(burst_beats: int, idle: float, rng: np.random.Generator) -> None:
    config = replace(CONFIG, burst_beats=burst_beats)
    jobs = Jobs(config, rng)
    for name in ("product", "product, all zero", "3 x 3, stride 2", "2 x 2", "one of each"):
        jobs.add(*LAYERS[name])
    found, memory = jobs.run(idle)
    assert all(map(well, found))
    # Descriptors and everything else: the longest bursts are as long as they may be, or as what is read.
    starts = {job.image.start for job in jobs.jobs}
    of_descriptors = {beats for address, beats in memory.reads if address in starts}
    assert of_descriptors == {min(burst_beats, 8)}
    longest = max(beats for _, beats in memory.reads)
    assert longest == burst_beats if burst_beats < 16 else 8 < longest <= 16
    assert len(memory.writes) > 10


@buses
def test_what_a_program_does_not_use_is_forgotten(
    burst_beats: int, idle: float, rng: np.random.Generator
) -> None:
    """Descriptors say that there are more weights, index or activations than the commands use."""
    jobs = Jobs(replace(CONFIG, burst_beats=burst_beats), rng)
    for opcode, field in ((CONV, "weight_bytes"), (CONV, "run"), (LOAD, "lines")):
        for more in (1, 3, 40):
            job = jobs.add(Layer.product(6, CONFIG.k, 8), 1.0)
            assert [one.command[1] for one in job.image.descriptors] == [1, 1, 1, 0]
            begin, size = PLACES[field]
            where = slice(address_of(job, opcode) + begin, address_of(job, opcode) + begin + size)
            count = int.from_bytes(jobs.content[where], "little") + more * (1 if field == "lines" else 16)
            jobs.content[where] = count.to_bytes(size, "little")
            jobs.add(*LAYERS["product, small"])
    jobs.content += rng.bytes(1 << 12)
    found, _ = jobs.run(idle)
    assert len(found) == 18 and all(map(well, found))


@buses
def test_errors_on_control_end_the_program(burst_beats: int, idle: float, rng: np.random.Generator) -> None:
    """Descriptors and the index fail, with every garbage; the next program runs as if nothing had been."""
    config = replace(CONFIG, burst_beats=burst_beats)
    jobs = Jobs(config, rng)
    cases = []
    for number, (what, late, after) in enumerate(
        [
            ("first descriptor", False, 0),
            ("index", False, 0),
            ("index", True, 1),
            ("CONV", True, 0),
            ("end", True, 0),
            ("index", True, 2),
            ("WRITE", False, 0),
        ]
    ):
        job = jobs.add(*STRIPS)
        where = {
            "first descriptor": job.image.start + 8 * int(rng.integers(8)),
            "CONV": address_of(job, CONV, -1),
            "WRITE": address_of(job, WRITE),
            "end": address_of(job, 0),
            "index": index_of(job).start,
        }[what]
        fault = Fault(
            beat(where),
            response=(SLVERR, DECERR)[number % 2],
            garbage=("ones", "random")[int(rng.integers(2))],
            ends=True,
            late=late,
            after=after,
        )
        job.faults = [fault]
        cases.append(fault)
        jobs.add(*LAYERS["product, small"])
    found, memory = jobs.run(idle, slow_answers=int(rng.integers(20)))
    for fault, ended, following in zip(cases, found[::2], found[1::2], strict=True):
        assert ended.errors[0] == (False, fault.response, fault.where.start)
        check_status(ended, config)
        assert well(following)
    assert found[0].beats == 0
    # Bursts that were accepted were brought to their end.
    assert memory.blank > 0


@buses
def test_errors_on_data_do_not(burst_beats: int, idle: float, rng: np.random.Generator) -> None:
    """Activations, weights, a header, results fail: the program runs on, only what they touch is wrong."""
    config = replace(CONFIG, burst_beats=burst_beats)
    jobs = Jobs(config, rng)
    layer, _ = STRIPS
    jobs.add(layer, 1.0)
    for what in ("activations", "weights", "header", "results"):
        job = jobs.add(layer, 1.0)
        conv = next(found for found in job.image.descriptors if found.opcode == CONV)
        where = {
            "activations": job.image.base + 40,
            "weights": conv.weights + 4 * 8,
            "header": conv.weights,
            "results": job.image.results + 32,
        }[what]
        job.faults = [Fault(beat(where), garbage=("ones", "random")[int(rng.integers(2))])]
    found, memory = jobs.run(idle)
    assert well(found[0])
    for done, job, what in zip(
        found[1:], jobs.jobs[1:], ("activations", "weights", "header", "results"), strict=False
    ):
        assert done.errors[0][0] == (what == "results")
        check_status(done, config)
        assert done.beats == found[0].beats
        image = job.image
        outputs = image.outputs(bytes(memory.data[image.base : image.base + len(image.content)]))
        wrong = outputs != job.case.outputs.reshape(outputs.shape)
        # Two pixels, and the first block column.
        touched = np.zeros_like(wrong)
        if what == "activations":
            touched[0, 10:12] = True
        elif what != "results":
            touched[..., :4] = True
        assert not (wrong & ~touched).any()


@buses
def test_the_first_error_is_kept(burst_beats: int, idle: float, rng: np.random.Generator) -> None:
    """DECERR before SLVERR and the other way round, on one channel and on both; no status is carried over."""
    config = replace(CONFIG, burst_beats=burst_beats)
    jobs = Jobs(config, rng)
    for names, responses in (
        (("activations", "results"), (DECERR, SLVERR)),
        (("results", "late activations"), (SLVERR, DECERR)),
        (("results", "late results"), (DECERR, SLVERR)),
        (("activations", "late activations"), (SLVERR, DECERR)),
        (("activations", "index"), (DECERR, SLVERR)),
    ):
        job = jobs.add(*STRIPS)
        places = {
            "activations": job.image.base,
            "late activations": job.image.base + 29 * 4,
            "results": job.image.results,
            "late results": job.image.results + 29 * 4,
            "index": index_of(job).start,
        }
        job.faults = [
            Fault(beat(places[name]), response, ends=name == "index", after=2 * (name == "index"))
            for name, response in zip(names, responses, strict=True)
        ]
    jobs.add(*LAYERS["one of each"])
    found, _ = jobs.run(idle, slow_answers=10)
    for failed in found[:-1]:
        assert len(failed.errors) > 1
        check_status(failed, config)
    # One that came first on each channel, with each response; a second one on the other, and another.
    assert {failed.errors[0][:2] for failed in found[:-1]} >= {
        (True, DECERR),
        (False, SLVERR),
        (False, DECERR),
    }
    assert any(len({write for write, _, _ in failed.errors}) == 2 for failed in found[:-1])
    assert well(found[-1])


@pytest.mark.parametrize("burst_beats", [1, pytest.param(2, marks=pytest.mark.long), 16])
def test_floats_from_a_wider_address(burst_beats: int, rng: np.random.Generator) -> None:
    """The systolic core: units of 16 bytes, a beat each; an error in the middle, and the next program."""
    config = replace(FLOAT, burst_beats=burst_beats)
    jobs = Jobs(config, rng)
    jobs.add(*LAYERS["2 x 2"])
    job = jobs.add(*LAYERS["channels split"])
    job.faults = [Fault(beat(address_of(job, CONV, 2), config), ends=True, late=True)]
    jobs.add(*LAYERS["2 x 2"])
    found, _ = jobs.run(0.3)
    assert well(found[0]) and well(found[2])
    check_status(found[1], config)
