"""The engine as an AXI4 master in Amaranth's simulator: programs in a memory that waits, and that fails."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from support.streams import simulate
from tileloom.engine.axi.engine import AxiEngine
from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom_sim.engine.memory import MemoryImage, memory_image

from .axi_memory import AxiMemory
from .test_engine import LAYERS, SMALL, random_case

CONFIG = replace(SMALL, port=EnginePort.AXI4, k=8, n=8, bus=128, burst_beats=4)


FLOAT = EngineConfig(
    m=1,
    k=4,
    n=4,
    core=Core.SYSTOLIC,
    requantise=False,
    bus=128,
    a_words=64,
    acc_tiles=20,
    port=EnginePort.AXI4,
    burst_beats=2,
    address_bits=40,
)


def run(
    images: list[MemoryImage], memory: AxiMemory, limit: int = 20_000, config: EngineConfig = CONFIG
) -> list[dict[str, int]]:
    """Run the programs one after the other; return the status of each."""
    dut = AxiEngine(config)
    found = []

    async def drive(ctx: SimulatorContext) -> None:
        for image in images:
            ctx.set(dut.start.valid, 1)
            ctx.set(dut.start.payload, image.start)
            await ctx.tick().until(dut.start.ready)
            ctx.set(dut.start.valid, 0)
            for _ in range(limit):
                _, _, valid, busy = await ctx.tick().sample(dut.status.valid, dut.busy)
                assert busy
                if valid:
                    break
            else:
                pytest.fail("the program does not end")
            payload = ctx.get(dut.status.payload)
            found.append({name: getattr(payload, name) for name in dut.status.payload.shape().members})
            ctx.set(dut.status.ready, 1)
            await ctx.tick()
            ctx.set(dut.status.ready, 0)
            await ctx.tick()
            assert not ctx.get(dut.busy) and not ctx.get(dut.status.valid)

    simulate(dut, drive, *memory.benches(dut))
    assert len(found) == len(images)
    return found


@pytest.mark.parametrize("idle", [0.0, 0.5], ids=["flowing", "stalled"])
def test_programs(idle: float, rng: np.random.Generator) -> None:
    base, images, cases = 64 * int(rng.integers(1, 100)), [], []
    content = bytearray(rng.bytes(base))
    for name in ("product", "product, all zero", "3 x 3, stride 2", "2 x 2", "one of each"):
        case = random_case(CONFIG, *LAYERS[name], rng)
        image = memory_image(
            case.program, case.x, case.weights, case.headers, result_bytes=1, base=len(content)
        )
        content += image.content
        images.append(image)
        cases.append(case)
    before = bytes(content)
    memory = AxiMemory(content, CONFIG.bus // 8, rng, idle)
    for status in run(images, memory):
        assert not status["error"] and not status["fault"]
    expected = bytearray(before)
    for image, case in zip(images, cases, strict=True):
        where = slice(image.results, image.results + image.results_size)
        outputs = image.outputs(bytes(memory.data[where]))
        np.testing.assert_array_equal(outputs, case.outputs.reshape(outputs.shape))
        expected[where] = memory.data[where]
    # Nothing else was written.
    assert memory.data == expected
    assert max(beats for _, beats in memory.reads) == CONFIG.burst_beats
    assert len(memory.writes) > 10


@pytest.mark.parametrize("what", ["activations", "descriptor", "results"])
def test_errors(what: str, rng: np.random.Generator) -> None:
    """A burst fails; the program runs to its end, says which, and the next one knows nothing of it."""
    case = random_case(CONFIG, *LAYERS["product"], rng)
    image = memory_image(case.program, case.x, case.weights, case.headers, result_bytes=1)
    address = {"activations": 48, "descriptor": image.start, "results": image.results + 16}[what]
    memory = AxiMemory(bytearray(image.content), CONFIG.bus // 8, rng, 0.2, bad=range(address, address + 8))
    (status,) = run([image], memory)
    assert status["error"]
    assert status["write"] == (what == "results")
    assert status["response"] == 2
    assert status["address"] <= address < status["address"] + CONFIG.burst_beats * CONFIG.bus // 8


def test_floats_from_a_wider_address(rng: np.random.Generator) -> None:
    """The systolic core: units of 16 bytes, a beat each, and short bursts."""
    case = random_case(FLOAT, *LAYERS["2 x 2"], rng)
    base = 1 << 14
    image = memory_image(case.program, case.x, case.weights, case.headers, result_bytes=4, base=base)
    memory = AxiMemory(bytearray(base) + image.content, FLOAT.bus // 8, rng, 0.3)
    (status,) = run([image], memory, config=FLOAT)
    assert not status["error"]
    outputs = image.outputs(bytes(memory.data[image.results : image.results + image.results_size]))
    np.testing.assert_array_equal(outputs.view(np.uint32), case.outputs.reshape(outputs.shape))
