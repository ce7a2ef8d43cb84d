"""An engine behind its registers: hostile accesses, interrupts, faults, soft resets."""

import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, ResetInserter

from support.planned import run_planned
from tileloom.engine.axi import control
from tileloom.engine.axi.engine import AxiEngine
from tileloom.engine.axi.registers import register_map
from tileloom.engine.config import EngineConfig, EnginePort, Wrapper
from tileloom.engine.design import generate
from tileloom.errors import ConfigError
from tileloom.registers import axi_lite
from tileloom.registers.file import RegisterFile
from tileloom.registers.table import table
from tileloom_golden import registers as common
from tileloom_golden.engine import registers as golden
from tileloom_golden.engine.streams import skipped_blocks
from tileloom_sim.build.cocotb_run import Run
from tileloom_sim.engine.descriptor import CONV
from tileloom_sim.engine.job import Job, make_job

CONFIG = EngineConfig(
    m=2, k=4, n=4, bus=64, a_words=64, acc_tiles=4, port=EnginePort.AXI4, wrapper=Wrapper.AXI4
)
WIDE = replace(CONFIG, address_bits=40, burst_beats=4, bus=128)
MEMORY_BITS = 16


def built(config: EngineConfig) -> dict[int, int]:
    """Return what the registers say of an engine with a dot product, by docs/registers.md."""
    major, minor, patch = map(int, importlib.metadata.version("tileloom").split("."))
    return {
        common.ID: 0x544C0301,
        common.VERSION: major << 16 | minor << 8 | patch,
        golden.TILE: config.m | config.k << 8 | config.n << 16,
        golden.OPTIONS: 0b0001,
        golden.BUS: config.bus | config.burst_beats - 1 << 16 | config.address_bits << 24,
        golden.A_BUFFER: config.a_words,
        golden.BUFFERS: config.acc_tiles | config.weight_beats << 16,
        common.FORMATS_IN: 8 | 8 << 16,
        common.FORMATS_OUT: 32 | 8 << 16,
    }


def product(config: EngineConfig, rng: np.random.Generator) -> Job:
    """Return a product, half of whose blocks are left out."""
    x, w = (rng.integers(-99, 100, shape).astype(np.int8) for shape in ((23, 31), (31, 18)))
    job = make_job(config, ("x", x), ("w", w), "KN", prune=0.5)
    return replace(job, base=64 * int(rng.integers(64)))


def run(
    config: EngineConfig, folder: Path, seed: int, jobs: Sequence[tuple[Job, dict[str, Any]]] = ()
) -> tuple[Run, list[dict[str, int]]]:
    """Run accesses at rest and the jobs, with what happens to each; return what was found."""
    design = generate(config)
    # With more bits of address the memory lies high.
    base = 0x15 << 32 if config.address_bits > 32 else 0
    programs = []
    for index, (job, happens) in enumerate(jobs):
        content = folder / f"{index}.before"
        content.write_bytes(replace(job, base=base + job.base).image.content)
        programs.append(
            {
                "base": job.base,
                "start": base + job.image.start,
                "content": str(content),
                "result": str(folder / f"{index}.after"),
                "bad": (0, 0),
                "given_up": [],
                "refused": False,
                **happens,
            }
        )
    plan = {
        "programs": programs,
        "accesses": 150,
        "built": built(config),
        "bus": config.bus,
        "address_bits": config.address_bits,
        "memory_bits": MEMORY_BITS,
        "memory_base": base,
        "found": str(folder / "found.json"),
    }
    done = run_planned(design, "engine.registers_bench", plan, folder=folder, seed=seed)
    found = folder / "found.json"
    return done, json.loads(found.read_text()) if found.exists() else []


def some_jobs(config: EngineConfig, rng: np.random.Generator) -> list[tuple[Job, dict[str, Any]]]:
    """Return programs that run, that are refused, that fail, and that are given up once or twice before."""
    job = product(config, rng)
    # None can be at its end by then, however fast memory is.
    latest = job.estimate().cycles // 2
    delays = [0, *rng.integers(1, latest, 5).tolist()]
    convolution = next(one for one in job.image.descriptors if one.opcode == CONV)
    return [
        (job, {}),
        (product(config, rng), {"given_up": delays[:2]}),
        (product(config, rng), {"refused": True}),
        (job, {"bad": (job.image.results + 8, job.image.results + 9)}),
        (product(config, rng), {"given_up": delays[2:4]}),
        (job, {"bad": (convolution.address, convolution.address + 1)}),
        (product(config, rng), {"given_up": delays[4:], "refused": True}),
    ]


@pytest.mark.parametrize("config", [CONFIG, pytest.param(WIDE, marks=pytest.mark.long)], ids=["32", "40"])
def test_programs(config: EngineConfig, rng: np.random.Generator, seed: list[int], tmp_path: Path) -> None:
    jobs = some_jobs(config, rng)
    done, found = run(config, tmp_path, seed[1], jobs)
    assert done.passed and done.tests == 2, done.log[-3000:]
    assert len(found) == len(jobs)
    base = 0x15 << 32 if config.address_bits > 32 else 0
    for index, ((job, happens), line) in enumerate(zip(jobs, found, strict=True)):
        image, after = job.image, (tmp_path / f"{index}.after").read_bytes()
        before = replace(job, base=base + job.base).image.content
        assert image.without_results(after) == image.without_results(before)
        bad = happens.get("bad")
        if bad:
            written = bad[0] in range(image.results, image.results + image.results_size)
            # SLVERR, on B or R.
            assert line["fault"] == 0b1001 | written << 1
            assert 0 <= base + bad[0] - line["address"] < config.burst_beats * config.bus // 8
        else:
            assert (line["fault"], line["address"]) == (0, 0)
            words = image.outputs(after)
            np.testing.assert_array_equal(words.astype(job.expected.dtype), job.expected)
        if not bad or written:
            assert line["skipped"] == skipped_blocks(job.program, job.weights) > 0
            assert line["busy"] >= job.estimate().cycles


def no_strobes(self: Any, m: Any, field: Any, writing: Any, ones: Any, mask: Any) -> Any:
    return FIELD(self, m, field, writing, ones, Const((1 << field.width) - 1))


class Cut(AxiEngine):
    """A soft reset that does not drain."""

    def elaborate(self, platform: object) -> Any:
        """Build the hardware."""
        return ResetInserter(self.abort)(super().elaborate(platform))


FIELD = RegisterFile._field
BROKEN = {
    "no error for an address without a register": (axi_lite, "_response", lambda found: Const(0, 2)),
    "bytes without a strobe are written": (RegisterFile, "_field", no_strobes),
    "a soft reset cuts bursts off": (control, "axi_engine", Cut),
}


@pytest.mark.long
@pytest.mark.parametrize("what", BROKEN)
def test_broken_hardware_is_noticed(
    what: str, rng: np.random.Generator, seed: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*BROKEN[what])
    done, _ = run(CONFIG, tmp_path, seed[1], some_jobs(CONFIG, rng))
    assert not done.passed


def test_addresses_of_32_bits_need_no_high_registers() -> None:
    names = table(register_map(CONFIG)).addresses
    assert not {"PROGRAM_HIGH", "FAULT_ADDRESS_HIGH"} & names.keys()


def test_a_grid_says_its_size() -> None:
    config = replace(CONFIG, grid_rows=2, grid_columns=3, grid_tile_words=700)
    grid = next(one for one in table(register_map(config)).registers if one.address == 0x6C)
    assert [field.value for field in grid.fields] == [2, 3, 700]
    assert 0x6C not in {one.address for one in table(register_map(CONFIG)).registers}


def test_streams_have_no_registers() -> None:
    with pytest.raises(ConfigError, match="wrapper: is for an AXI4 master"):
        EngineConfig(wrapper=Wrapper.AXI4)
