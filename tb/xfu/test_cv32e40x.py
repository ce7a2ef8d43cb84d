"""The adapter on the unmodified CV32E40X: random programs, and how many cycles an xDecimate takes."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tileloom.cores import CORES
from tileloom.xfu.config import GROUP_SIZES, XfuConfig
from tileloom.xfu.design import generate
from tileloom.xfu.instruction import encode_counter, encode_decimate
from tileloom_sim.build import toolchain
from tileloom_sim.riscv.system import OPTIONS, TOP, core_wrapper
from tileloom_sim.xfu.hosts import xfu_system
from xfu import assembler as asm

from .bench import build_bench, run_bench
from .handler import BASE, DATA, DATA_SIZE, MARK, RESULTS, handler
from .program import RETURNED, Program


def build(config: XfuConfig, more: Sequence[str] = ()) -> Path:
    """Return the bench of CV32E40X with the adapter; ``more`` are options for Verilator."""
    design = generate(config)
    rtl = {**CORES["cv32e40x"].sources(), **core_wrapper("cv32e40x")}
    defines = [f"-DTILELOOM_COPROCESSOR={design.name}", f"-DTILELOOM_ID_WIDTH={config.id_width}"]
    options = ["--timescale", "1ns/1ps", "--no-timing", *defines, *more]
    return build_bench("core.cpp", design, top="tileloom_riscv_core", rtl=rtl, options=options)


def always_fails(address: int) -> bool:
    """Return whether a load at this address always fails, as in core.cpp."""
    return address < RESULTS and (address * 0x85EBCA6B & 0xFFFFFFFF) >> 20 & 31 == 0


def run(
    folder: Path, bench: Path, config: XfuConfig, program: Program, seed: int, **conditions: int
) -> dict[str, int]:
    """Run a finished program; compare results, registers, counter and memory with the golden model's."""
    stall, interrupts, errors = (conditions.get(name, 0) for name in ("stall", "interrupts", "errors"))
    (folder / "image.bin").write_bytes(program.image)
    arguments = [folder, seed, sum(config.group_sizes), int(config.precise_errors), stall, interrupts, errors]
    seen = run_bench(bench, arguments)
    # Every result in its order, but for the handler's own and for loads that were tried again.
    log = np.fromfile(folder / "log.bin", "<u4").reshape(-1, 3).tolist()
    others = {*handler(), encode_counter(17, 0)}
    retried = program.fails is None
    results = [(word, data) for word, data, failed in log if word not in others and not (failed and retried)]
    assert len(results) == len(program.results)
    for got, expected in zip(results, program.results, strict=True):
        assert got == expected or (got[0] == expected[0] and expected[1] is None)
    memory = (folder / "image.bin").read_bytes()
    words = np.frombuffer(memory, "<u4", len(RETURNED) + 4, RESULTS - BASE).tolist()
    assert words[: len(RETURNED)] == [program.hart.registers[register] for register in RETURNED]
    failed, interrupted, traps, counter = words[len(RETURNED) :]
    assert counter == program.hart.counter
    assert traps == program.traps
    data = slice(DATA - BASE, DATA - BASE + DATA_SIZE)
    assert memory[data] == bytes(program.memory[data])
    return {**seen, "failed": failed, "interrupted": interrupted, "traps": traps}


@pytest.mark.parametrize(
    ("precise", "stall"),
    [
        (True, 40),
        *(pytest.param(*other, marks=pytest.mark.long) for other in ((False, 0), (True, 0), (False, 40))),
    ],
    ids=["precise, stalled", "fast, flowing", "precise, flowing", "fast, stalled"],
)
def test_random_programs(precise: bool, stall: int, tmp_path: Path, rng: np.random.Generator) -> None:
    config = XfuConfig(precise_errors=precise)
    bench = build(config)
    program = Program(rng, fails=None if precise else always_fails)
    program.random_instructions(30_000)
    program.finish()
    seed = int(rng.integers(1 << 31))
    seen = run(
        tmp_path, bench, config, program, seed, stall=stall, interrupts=150, errors=1 if precise else 2
    )
    print(seen)
    # The handler's own come on top of the program's, and one at the end; failed loads were tried again.
    own = 5 * (seen["interrupted"] + seen["failed"] + seen["traps"]) + 1
    assert seen["results"] - own == program.decimates + program.swaps + seen["failed"] >= 30_000
    assert seen["traps"] > 200 and seen["interrupted"] > 500
    assert seen["killed"] > 100
    if precise:
        assert seen["failed"] == seen["errors"] > 2000
    else:
        assert seen["failed"] == 0 < program.faults == seen["errors"]


@pytest.mark.long
def test_the_narrowest_ids(tmp_path: Path, rng: np.random.Generator) -> None:
    config = XfuConfig(id_width=2)
    program = Program(rng)
    program.random_instructions(3000)
    program.finish()
    seen = run(tmp_path, build(config), config, program, 1, stall=20, interrupts=150)
    assert seen["killed"] > 10


@pytest.mark.parametrize("id_width", [2, 4, 8])
def test_ids_are_connected_in_their_width(id_width: int, tmp_path: Path) -> None:
    system = xfu_system(XfuConfig(id_width=id_width))
    for name, text in system.sources().items():
        (tmp_path / name).write_text(text)
    defines = [f"-D{name}={value}" for name, value in system.defines().items()]
    verilator = toolchain.verilator()
    command = [
        str(verilator.executable),
        "--lint-only",
        "-Wno-fatal",
        *OPTIONS,
        *defines,
        "--top-module",
        TOP,
    ]
    done = subprocess.run(
        [*command, *system.sources()],
        cwd=tmp_path,
        env=verilator.environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    wrong = [line for line in done.stderr.splitlines() if "port connection" in line and "_id'" in line]
    assert not wrong


def test_masked_errors_skip_the_instruction(tmp_path: Path, rng: np.random.Generator) -> None:
    program = Program(rng, fails=always_fails)
    program.random_instructions(3000)
    program.finish()
    seen = run(tmp_path, build(XfuConfig()), XfuConfig(), program, 1, interrupts=150, errors=2)
    assert seen["failed"] == 0 < program.faults == seen["errors"]


def test_bad_encodings_trap(tmp_path: Path, rng: np.random.Generator) -> None:
    """Every field that can be wrong is, in turn; the handler counts, and nothing else changes."""
    program = Program(rng)
    program.decimate(4, 1, 8, 10)
    words = [encode_decimate(size, 1, 8, 10) ^ 1 << bit for size in GROUP_SIZES for bit in range(27, 32)]
    words += [encode_counter(1, 2) ^ 1 << bit for bit in (*range(20, 25), *range(27, 32))]
    for word in words:
        program.illegal(word)
    program.decimate(4, 1, 8, 10)
    program.finish()
    seen = run(tmp_path, build(XfuConfig()), XfuConfig(), program, 1)
    assert seen["traps"] == len(words) == 25
    assert seen["results"] == 5 * len(words) + 2 + 1


@pytest.mark.parametrize("precise", [True, False], ids=["precise", "fast"])
def test_rd_written_just_before(precise: bool, tmp_path: Path, rng: np.random.Generator) -> None:
    """Every way of writing rd, right before an xdecimate of it, one before, and two before."""
    config = XfuConfig(precise_errors=precise)
    program = Program(rng)
    for _ in range(6):
        for kind in Program.WRITERS:
            for between in range(4):
                program.other(kind, rd=1)
                for _ in range(between):
                    program.emit(asm.addi(17, 17, 1))
                program.decimate(4, 1, 8, 10)
                program.decimate(8, 2, 8, 10)
                program.decimate(16, 1, 9, 11)
    program.finish()
    for stall in (0, 60):
        run(tmp_path, build(config), config, program, 1 + stall, stall=stall)


@pytest.mark.parametrize(
    ("precise", "registers", "cycles"),
    [(False, (1, 2), 2), (False, (1, 1), 3), (True, (1, 2), 3), (True, (1, 1), 4)],
    ids=["fast, alternating rd", "fast, same rd", "precise, alternating rd", "precise, same rd"],
)
def test_cycles_per_xdecimate(
    precise: bool, registers: tuple[int, int], cycles: int, tmp_path: Path, rng: np.random.Generator
) -> None:
    config = XfuConfig(precise_errors=precise)
    bench = build(config)
    spent = []
    for count in (100, 1100):
        program = Program(rng)
        program.emit(*asm.constant(16, MARK), asm.sw(0, 16, 0))
        for index in range(count):
            program.decimate(8, registers[index & 1], 8, 10)
        program.emit(asm.sw(0, 16, 0))
        program.finish()
        spent.append(run(tmp_path, bench, config, program, 1)["marked"])
    print(f"{(spent[1] - spent[0]) / 1000} cycles per xdecimate")
    assert spent[1] - spent[0] == 1000 * cycles
