"""The driver in C: compiled for many machines, its layouts on engines in simulation, registers."""

import ctypes
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tileloom.engine.axi.registers import parameters, register_map
from tileloom.engine.config import Core, EngineConfig, EnginePort, RequantiseRounding, Wrapper
from tileloom.formats import FloatFormat, SignMagnitude
from tileloom.registers.table import Kind, table
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.engine.streams import header_words
from tileloom_golden.requantise import Requantisation
from tileloom_sim.engine.axi_harness import AxiProgram, run_programs
from tileloom_sim.engine.job import Job
from tileloom_sim.engine.memory import MemoryImage
from tileloom_sim.engine.places import Lines, Places
from tileloom_sim.engine.random_jobs import random_jobs
from tileloom_sim.engine.system import Outcome, words_of
from tileloom_sim.riscv.compile import zig

from .c_driver import FLAGS, Built, Engine, Layer, Memory, Program, load, write_sources
from .designs import ARRAY, CONFIG, design_of

WIDE = replace(CONFIG, address_bits=40)
HALF_EVEN = replace(
    CONFIG, requantise_rounding=RequantiseRounding.HALF_EVEN, result_zero_point=True, activation_mask=True
)
SYSTOLIC = EngineConfig(
    m=1,
    k=2,
    n=2,
    core=Core.SYSTOLIC,
    bus=64,
    a_words=64,
    acc_tiles=8,
    burst_beats=4,
    activation=FloatFormat(8, 7),
    weight=SignMagnitude(4),
    port=EnginePort.AXI4,
    wrapper=Wrapper.AXI4,
)
SUMS = replace(
    CONFIG, k=8, n=8, bus=512, a_words=32, requantise=False, requantise_rounding=None, result_zero_point=None
)
TARGETS = [
    *("riscv32-freestanding-none", "riscv64-linux-musl", "aarch64-linux-musl"),
    *("arm-freestanding-eabi", "x86_64-linux-musl"),
]


Compiled = Callable[[EngineConfig], Any]
BARRIERS = {
    **dict.fromkeys(("riscv32", "riscv64"), (r"fence\s+w, ?o", r"fence\s+i, ?r")),
    "aarch64": (r"dmb\s+oshst", r"dmb\s+oshld"),
    "arm": (r"dmb\s+sy",),
    "x86_64": (r"mfence|lock",),
}
"""In the driver's assembly, by the machine."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Return what loads the driver with the header of a configuration, each compiled once."""
    return functools.cache(lambda config: load(config, tmp_path_factory.mktemp("driver")))


@pytest.mark.parametrize(
    ("target", "config"),
    [
        ("riscv32-freestanding-none", CONFIG),
        ("aarch64-linux-musl", CONFIG),
        ("x86_64-linux-musl", WIDE),
        ("riscv32-freestanding-none", ARRAY),
        *(
            pytest.param(target, config, marks=pytest.mark.long)
            for target in TARGETS
            for config in (CONFIG, WIDE, ARRAY)
        ),
    ],
)
def test_compiles_without_a_warning(
    target: str, config: EngineConfig | SystolicConfig, tmp_path: Path
) -> None:
    sources = [name for name in write_sources(config, tmp_path) if "linux" in target or "_linux" not in name]
    folders = {"ZIG_GLOBAL_CACHE_DIR": str(tmp_path / "zig"), "ZIG_LOCAL_CACHE_DIR": str(tmp_path / "zig")}
    command = [*zig(), "cc", "-target", target, *FLAGS]
    environment = {**os.environ, **folders}
    subprocess.run([*command, "-c", *sources], cwd=tmp_path, env=environment, check=True)
    assembly = ["-Wno-unused-command-line-argument", "-S", "block_driver.c", "-o", "driver.s"]
    subprocess.run([*command, *assembly], cwd=tmp_path, env=environment, check=True)
    text = (tmp_path / "driver.s").read_text()
    for barrier in BARRIERS[target.partition("-")[0]]:
        assert re.search(barrier, text), barrier


@pytest.mark.parametrize("config", [CONFIG, ARRAY], ids=["engine", "array"])
def test_the_program_for_linux_is_linked(config: EngineConfig | SystolicConfig, tmp_path: Path) -> None:
    """With the compiler of this machine, and the files that it says; without a device it says so."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler, or no Linux")
    write_sources(config, tmp_path)
    text = (tmp_path / "block_linux.c").read_text()
    (command,) = re.findall(r"^// +cc (-std=c99 .*)$", text, re.MULTILINE)
    subprocess.run([compiler, *FLAGS, *command.split()], cwd=tmp_path, check=True)
    done = subprocess.run(["./product", "uio99", "1", "1", "1"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "/dev/uio99: cannot be opened\n")


class Registers:
    """Words at an address in this process that an engine's registers are."""

    def __init__(self, config: EngineConfig) -> None:
        self.table = table(register_map(config))
        self.words = (ctypes.c_uint32 * 64)()
        for register in self.table.registers:
            for field in register.fields:
                if field.kind is Kind.CONSTANT:
                    self[register.name] |= field.value << field.low

    @property
    def base(self) -> int:
        """Their address."""
        return ctypes.addressof(self.words)

    def __getitem__(self, name: str) -> int:
        return self.words[self.table.addresses[name] // 4]

    def __setitem__(self, name: str, word: int) -> None:
        self.words[self.table.addresses[name] // 4] = word


NOT_READ = {"FAMILY", "SKIPPED_BITS", "GRID_ROWS", "GRID_COLUMNS", "GRID_TILE_WORDS"}
"""By a driver of one engine: it refuses another family, and a grid's registers are not there."""


@pytest.mark.parametrize("config", [CONFIG, WIDE, HALF_EVEN, SYSTOLIC, SUMS])
def test_reads_what_was_built(config: EngineConfig, compiled: Compiled) -> None:
    library, engine, registers = compiled(WIDE), Engine(), Registers(config)
    registers["INTERRUPT_ENABLE"] = 7
    assert library.tileloom_engine_open(engine, registers.base) == Outcome.OK
    assert registers["INTERRUPT_ENABLE"] == 0 and registers["INTERRUPT_STATUS"] == 0xFFFF_FFFF
    found = {name: getattr(engine.built, name) for name in (*Built.NUMBERS, *Built.FLAGS)}
    wanted = {name.lower(): value for name, value in parameters(config).items() if name not in NOT_READ}
    version = sum(wanted.pop(name) << place for name, place in (("major", 16), ("minor", 8), ("patch", 0)))
    wanted |= {"version": version, "result_zero_point": wanted.pop("zero_point")}
    assert found == wanted


def test_tells_what_is_wrong(compiled: Compiled) -> None:
    library, engine = compiled(CONFIG), Engine()
    for register, word in (("ID", 0), ("ID", 0x544C0101), ("ID", 0x544C0300)):
        registers = Registers(CONFIG)
        registers[register] = word
        assert library.tileloom_engine_open(engine, registers.base) == Outcome.ABSENT
    assert library.tileloom_engine_open(engine, Registers(WIDE).base) == Outcome.UNSUPPORTED
    registers = Registers(CONFIG)
    registers["STATUS"] = 1
    assert library.tileloom_engine_open(engine, registers.base) == Outcome.BUSY
    assert library.tileloom_engine_start(engine, 64) == Outcome.BUSY
    registers["STATUS"], engine.events = 0, 1
    for address in (65, 1 << 32, 1 << 63):
        assert library.tileloom_engine_start(engine, address) == Outcome.ADDRESS
    assert registers["CONTROL"] == 0
    assert library.tileloom_engine_start(engine, 0xFFFF_FFC0) == Outcome.OK
    assert (registers["CONTROL"], registers["PROGRAM_LOW"]) == (1, 0xFFFF_FFC0)
    assert (engine.events, registers["INTERRUPT_STATUS"]) == (0, 0xFFFF_FFFF)
    texts = [library.tileloom_engine_text(outcome) for outcome in Outcome]
    assert len(set(texts)) == len(Outcome) and all(text != b"unknown" for text in texts)
    assert library.tileloom_engine_text(len(Outcome)) == b"unknown"


def test_addresses_of_more_than_32_bits(compiled: Compiled) -> None:
    """One driver serves engines of fewer bits too, whose registers it does not touch beyond theirs."""
    library, engine = compiled(WIDE), Engine()
    for config, program, outcome, high in (
        (WIDE, 0x12_3456_7880, Outcome.OK, 0x12),
        (WIDE, 1 << 40, Outcome.ADDRESS, 0),
        (CONFIG, 0x8000_0040, Outcome.OK, 0),
        (CONFIG, 0x1_0000_0000, Outcome.ADDRESS, 0),
    ):
        registers = Registers(config)
        assert library.tileloom_engine_open(engine, registers.base) == Outcome.OK
        assert library.tileloom_engine_start(engine, program) == outcome
        assert registers.words[0x2C // 4] == high
        assert registers["PROGRAM_LOW"] == (program & 0xFFFF_FFFF if outcome == Outcome.OK else 0)


def built_of(config: EngineConfig, library: ctypes.CDLL) -> Built:
    engine, registers = Engine(), Registers(config)
    assert library.tileloom_engine_open(engine, registers.base) == Outcome.OK
    return engine.built


def layer_of(job: Job) -> Layer:
    layer = job.program.layer
    sizes = (
        layer.height,
        layer.width,
        layer.channels,
        layer.outputs,
        *layer.kernel,
        layer.stride,
        *layer.pads,
    )
    return Layer(*sizes, job.program.groups[0].write.relu)


class Laid:
    """A job in memory, as the driver lays it out."""

    def __init__(self, library: ctypes.CDLL, built: Built, job: Job) -> None:
        self.library, self.job, self.program = library, job, Program()
        weights = words_of(job.weights.to_convolution(), job.config.weight_bits)
        headers = job.headers.astype("<u8").tobytes()
        place = (built, layer_of(job), weights, headers)
        ask = Memory(None, 0, 0)
        assert library.tileloom_engine_lay_out(*place, ask, self.program) == Outcome.MEMORY
        size = self.program.size
        # Where the golden model's own layout is, or as high as there is room.
        self.base = min(job.base, ((1 << job.config.address_bits) - size) // 64 * 64)
        self.buffer = (ctypes.c_uint8 * (size + 64))(*[0xA5] * (size + 64))
        begin = ctypes.addressof(self.buffer)
        short = Memory(begin, self.base, size - 1)
        assert library.tileloom_engine_lay_out(*place, short, self.program) == Outcome.MEMORY
        assert self.program.size == size
        memory = Memory(begin, self.base, size)
        assert library.tileloom_engine_lay_out(*place, memory, self.program) == Outcome.OK
        activations = words_of(job.activations, job.config.element_bits)
        library.tileloom_engine_put_activations(self.program, activations)
        assert bytes(self.buffer[size:]) == bytes([0xA5]) * 64, "it writes behind its memory"

    @property
    def image(self) -> MemoryImage:
        """What the engine is given."""
        layer, result_bytes = self.job.program.layer, self.job.config.result_bits // 8
        height, width = layer.output
        line = width * self.job.config.n * result_bytes
        results = self.program.results - ctypes.addressof(self.buffer) + self.base
        return MemoryImage(
            self.job.program,
            ((self.base, self.program.size),),
            bytes(self.buffer[: self.program.size]),
            Places(Lines(self.base, 0, 0), Lines(results, height * line, line), {}, self.program.start),
            result_bytes,
        )

    def results(self, content: bytes) -> np.ndarray:
        """Return the results that are in memory after the program."""
        ctypes.memmove(self.buffer, content, len(content))
        values = np.empty_like(self.job.expected)
        self.library.tileloom_engine_get_results(self.program, values.ctypes.data)
        return values


@pytest.mark.parametrize(
    ("config", "count"),
    [
        pytest.param(CONFIG, 60, id="small"),
        pytest.param(CONFIG, 2000, id="more", marks=pytest.mark.long),
        pytest.param(HALF_EVEN, 500, id="mask and zero points", marks=pytest.mark.long),
        pytest.param(SUMS, 500, id="sums", marks=pytest.mark.long),
        pytest.param(SYSTOLIC, 500, id="systolic", marks=pytest.mark.long),
        pytest.param(replace(WIDE, address_bits=64), 500, id="64 bits", marks=pytest.mark.long),
    ],
)
def test_layouts_run(config: EngineConfig, count: int, seed: list[int], compiled: Compiled) -> None:
    library = compiled(config)
    built, design = built_of(config, library), design_of(config)
    laid = [Laid(library, built, job) for job in random_jobs(config, count, seed[1], waiting=False)]
    programs = [AxiProgram(one.image, (0.2, 0.2, 0.2, 0.2, 0.2), index) for index, one in enumerate(laid)]
    kinds = {"strips": 0, "parts of channels": 0, "skipped": 0}
    for one, run in zip(laid, run_programs(design, config, programs), strict=True):
        assert run.status == 0
        np.testing.assert_array_equal(one.results(run.content), one.job.expected, str(one.job.program.layer))
        assert run.skipped == one.program.blocks_skipped
        kinds["strips"] += len(one.job.program.groups) > 1
        kinds["parts of channels"] += one.job.program.splits["channels"] > 1
        kinds["skipped"] += run.skipped > 0
    assert min(kinds.values()) > 1, kinds


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"kernel_height": 6}, Outcome.LAYER),
        ({"stride": 0}, Outcome.LAYER),
        ({"stride": 16}, Outcome.LAYER),
        ({"pad_top": 3}, Outcome.LAYER),
        ({"kernel_width": 256, "width": 300}, Outcome.LAYER),
        ({"outputs": 0}, Outcome.LAYER),
        ({"width": 1 << 31}, Outcome.LAYER),
        ({"width": 1 << 20, "height": 1 << 20}, Outcome.LAYER),
        ({"channels": 1 << 30, "outputs": 1 << 30}, Outcome.LAYER),
        ({"kernel_height": 255, "height": 255, "stride": 15}, Outcome.CAPACITY),
    ],
)
def test_layers_that_cannot_be(change: dict[str, int], outcome: Outcome, compiled: Compiled) -> None:
    library = compiled(CONFIG)
    sizes = {name: 5 if name in ("height", "width", "channels", "outputs") else 3 for name in Layer.SIZES}
    layer = Layer(
        **{**sizes, "stride": 1, "pad_top": 0, "pad_bottom": 0, "pad_left": 0, "pad_right": 0, **change}
    )
    memory, program = Memory(None, 0, 0), Program()
    found = library.tileloom_engine_lay_out(built_of(CONFIG, library), layer, None, None, memory, program)
    assert found == outcome


def test_headers_of_columns(compiled: Compiled, rng: np.random.Generator) -> None:
    library, count = compiled(CONFIG), 50
    bias, scale = rng.integers(-(2**31), 2**31, count), rng.integers(0, 2**16, count)
    shift, zero = rng.integers(0, 64, count), rng.integers(-128, 128, count)
    wanted = header_words(Requantisation(bias, scale, shift, zero)).tolist()
    values = zip((bias & 0xFFFF_FFFF).tolist(), scale.tolist(), shift.tolist(), zero.tolist(), strict=True)
    assert [library.tileloom_engine_column(*each) for each in values] == wanted


def test_generate_writes_it() -> None:
    design = design_of(CONFIG)
    files = {name: str(text) for name, text in design.sources.items() if name.endswith((".c", ".h"))}
    parts = (
        "driver.h",
        "driver.c",
        "program.h",
        "program.c",
        "cut.h",
        "cut.c",
        "data.h",
        "data.c",
        "linux.c",
    )
    written = {
        *(f"{design.name}_{part}" for part in parts),
        f"{design.name}.h",
        "tileloom_io.h",
        "tileloom_block.h",
        "tileloom_uio.h",
    }
    assert files.keys() == written
    assert not any("NAME" in text for text in files.values())
