"""The AXI4 engine in Verilator with the bus models of cocotbext-axi: results, errors, the rest unchanged."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from support.planned import run_planned
from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.engine.design import generate
from tileloom_golden.engine.convolution import convolve_blocks
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.engine.program import Layer
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.engine.streams import header_words
from tileloom_golden.requantise import Requantisation, requantise
from tileloom_sim.engine.layers import engine_size
from tileloom_sim.engine.memory import MemoryImage, memory_image

from .layers import PATTERNS, mask_of, random_layer

CONFIG = EngineConfig(port=EnginePort.AXI4, a_words=128, acc_tiles=8)
ADDRESS_BITS = 20
LAYERS = [
    Layer.product(37, 41, 23),
    Layer.product(1, 300, 10),
    Layer(height=7, width=7, channels=24, outputs=16, kernel=(3, 3), pads=(1, 1, 1, 1)),
    Layer(height=11, width=13, channels=3, outputs=17, kernel=(7, 7), stride=2, pads=(3, 3, 3, 3)),
    Layer(height=5, width=19, channels=16, outputs=11, kernel=(1, 7), pads=(0, 0, 3, 3)),
    Layer.product(1, 1, 1),
]


@dataclass
class Job:
    """A program in memory, with its outputs."""

    image: MemoryImage
    outputs: np.ndarray
    bad: tuple[int, int] = (0, 0)
    idle: float = 0.0


def random_job(layer: Layer, mask: float | np.ndarray, rng: np.random.Generator) -> Job:
    """Return a layer; ``mask`` is the share of blocks left out, or which are kept."""
    x = rng.integers(-128, 128, (layer.height, layer.width, layer.channels), np.int8)
    dense = rng.integers(-128, 128, (layer.outputs, *layer.kernel, layer.channels), np.int8)
    block = (CONFIG.k, CONFIG.n)
    kept = block_mask(dense, mask, block) if isinstance(mask, float) else mask
    weights = from_convolution(dense, block, kept)
    n = layer.outputs
    parameters = Requantisation(
        rng.integers(-(2**16), 2**16, n), rng.integers(1, 65536, n), rng.integers(18, 28, n)
    )
    program = compile_layer(layer, engine_size(CONFIG), relu=bool(rng.integers(2)))
    outputs = requantise(
        convolve_blocks(x, weights, layer.stride, layer.pads), parameters, relu=program.groups[0].write.relu
    )
    base = 64 * int(rng.integers(0, 512))
    image = memory_image(program, x, weights, header_words(parameters), result_bytes=1, base=base)
    return Job(image, outputs)


def random_layers(count: int, rng: np.random.Generator) -> list[Job]:
    """Return layers of every kind with every pattern of blocks; the memory's channels pause at random."""
    jobs = []
    for _ in range(count):
        layer = random_layer(rng, 9, 40)
        shape = (-(-layer.channels // CONFIG.k), -(-layer.outputs // CONFIG.n))
        job = random_job(layer, mask_of(str(rng.choice(PATTERNS)), shape, rng), rng)
        job.idle = float(rng.choice([0, 0.2, 0.6]))
        jobs.append(job)
    return jobs


def run(jobs: list[Job], folder: Path, seed: int) -> list[dict[str, int]]:
    """Run the jobs one after the other on one engine, memory of each to a file; return what was found."""
    design = generate(CONFIG)
    programs = []
    for index, job in enumerate(jobs):
        content, result = folder / f"{index}.before", folder / f"{index}.after"
        content.write_bytes(job.image.content)
        programs.append(
            {
                "base": job.image.base,
                "start": job.image.start,
                "content": str(content),
                "result": str(result),
                "bad": job.bad,
                "idle": job.idle,
            }
        )
    plan = {
        "programs": programs,
        "bus": CONFIG.bus,
        "address_bits": ADDRESS_BITS,
        "found": str(folder / "found.json"),
    }
    done = run_planned(design, "engine.axi_bench", plan, folder=folder, seed=seed)
    assert done.passed, done.log[-3000:]
    found = json.loads((folder / "found.json").read_text())
    assert len(found) == len(jobs)
    return found


def status(word: int) -> dict[str, int]:
    """Return the fields of a status."""
    fields = {"error": 1, "write": 1, "response": 2, "fault": 2, "address": 32}
    found = {}
    for name, bits in fields.items():
        found[name], word = word & (1 << bits) - 1, word >> bits
    return found


def compare(job: Job, after: bytes) -> None:
    """Compare results, and everything else with what was there before."""
    found = job.image.outputs(after)
    np.testing.assert_array_equal(found, job.outputs.reshape(found.shape))
    compare_rest(job, after)


def compare_rest(job: Job, after: bytes) -> None:
    """Compare everything but the results with what was there before."""
    image = job.image
    assert image.without_results(after) == image.without_results(image.content)


@pytest.mark.long
def test_programs(rng: np.random.Generator, seed: list[int], tmp_path: Path) -> None:
    jobs = []
    for index, layer in enumerate([*LAYERS, *LAYERS]):
        job = random_job(layer, [0.5, 0.0, 1.0, 0.8][index % 4], rng)
        job.idle = [0.0, 0.3, 0.7][index % 3]
        jobs.append(job)
    found = run(jobs, tmp_path, seed[1])
    for index, (job, line) in enumerate(zip(jobs, found, strict=True)):
        assert status(line["status"])["error"] == status(line["status"])["fault"] == 0
        compare(job, (tmp_path / f"{index}.after").read_bytes())


@pytest.mark.long
def test_a_hundred_layers_with_bus_errors(rng: np.random.Generator, seed: list[int], tmp_path: Path) -> None:
    """Anywhere in memory, descriptors apart, some bytes fail: it is reported if and only if they are used.

    Only the results differ, whatever was read: where the index fails the program ends.
    """
    jobs = random_layers(110, rng)
    failing = rng.choice(len(jobs), 30, replace=False).tolist()
    for index in failing:
        image = jobs[index].image
        address = image.base + int(rng.integers(0, image.start - image.base))
        jobs[index].bad = (address, address + 1)
    found = run(jobs, tmp_path, seed[1])
    reported = 0
    for index, (job, line) in enumerate(zip(jobs, found, strict=True)):
        report = status(line["status"])
        if not report["error"]:
            compare(job, (tmp_path / f"{index}.after").read_bytes())
            continue
        assert index in failing
        reported += 1
        begin = report["address"]
        assert begin <= job.bad[0] < begin + CONFIG.burst_beats * CONFIG.bus // 8
        image = job.image
        results = range(image.results, image.results + image.results_size)
        assert report["write"] == (job.bad[0] in results)
        compare_rest(job, (tmp_path / f"{index}.after").read_bytes())
    assert reported > 15


@pytest.mark.parametrize("idle", [0.0, 0.5], ids=["flowing", "stalled"])
def test_errors(idle: float, rng: np.random.Generator, seed: list[int], tmp_path: Path) -> None:
    """Each kind of access fails once; the program after it runs as if nothing had been."""
    jobs, wrong = [], []
    for what in ("activations", "results", "descriptor", "index"):
        job, after = (random_job(LAYERS[index], 0.5, rng) for index in (2, 0))
        image = job.image
        address = {
            "activations": image.base,
            "results": image.results + 8,
            "descriptor": image.start,
            "index": image.descriptors[1].address,
        }[what]
        job.bad, job.idle, after.idle = (address, address + 8), idle, idle
        jobs += [job, after]
        wrong.append((address, what == "results"))
    found = run(jobs, tmp_path, seed[1])
    for (address, write), failed, after in zip(wrong, found[::2], found[1::2], strict=True):
        report = status(failed["status"])
        assert report["error"] and report["response"] in (2, 3) and report["write"] == write
        assert report["address"] <= address + 7 < report["address"] + CONFIG.burst_beats * CONFIG.bus // 8
        assert not status(after["status"])["error"]
    for index, job in enumerate(jobs):
        after = (tmp_path / f"{index}.after").read_bytes()
        if index % 2:
            compare(job, after)
        else:
            compare_rest(job, after)
