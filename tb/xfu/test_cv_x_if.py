"""The CV-X-IF adapter alone, on a random pipeline: protocol and results of 200,000 instructions."""

from pathlib import Path

import numpy as np
import pytest

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.design import generate
from tileloom_golden.xfu import xdecimate as golden

from .bench import build_bench, run_bench

CONFIGS = {
    "precise": XfuConfig(),
    "fast": XfuConfig(precise_errors=False),
    "one size": XfuConfig(group_sizes=(8,)),
}


def byte_at(address: int) -> int:
    """Return what the bench's memory has, as in master.cpp."""
    return (address * 0x9E3779B1 & 0xFFFFFFFF) >> 11 & 0xFF


def compare(folder: Path, registers: list[int], sizes: tuple[int, ...]) -> dict[str, int]:
    """Replay the log on a golden hart; return how much was compared."""
    log = np.fromfile(folder / "log.bin", "<u4").reshape(-1, 5)
    failing = False

    def load(address: int) -> int:
        assert address == where, f"loaded from {where:#x}, not {address:#x}"
        if failing:
            raise golden.LoadError(address)
        return byte_at(address)

    hart = golden.Hart(load, registers=list(registers))
    counts = {"decimate": 0, "swap": 0, "fault": 0, "write": 0}
    for entry in log.tolist():
        kind, what, value, fault, where = entry
        if kind == 1:
            hart.write(what, value)
            counts["write"] += 1
            continue
        names = ("funct2", "rd", "rs1", "rs2", "rs3")
        parts = (what >> 25 & 3, what >> 7 & 31, what >> 15 & 31, what >> 20 & 31, what >> 27)
        instruction = golden.decode(**dict(zip(names, parts, strict=True)), built=sizes)
        assert instruction is not None, f"{what:#010x} was accepted"
        failing = bool(fault)
        try:
            hart.execute(instruction)
            assert not fault
        except golden.LoadError:
            counts["fault"] += 1
        if instruction.rd:
            at = counts["decimate"] + counts["swap"]
            expected = hart.registers[instruction.rd]
            assert value == expected, f"result {at}: {value:#010x}, not {expected:#010x}, of {instruction}"
        counts["swap" if isinstance(instruction, golden.SwapCounter) else "decimate"] += 1
    return counts


def run(
    folder: Path,
    program: Path,
    config: XfuConfig,
    rng: np.random.Generator,
    count: int,
    stall: int,
    *,
    batched: bool = False,
) -> tuple[dict[str, int], dict[str, int]]:
    registers = [0, *map(int, rng.integers(0, 1 << 32, 31))]
    np.array(registers, "<u4").tofile(folder / "registers.bin")
    seed = int(rng.integers(1 << 31))
    built = sum(config.group_sizes)
    arguments = [folder, seed, count, built, int(config.precise_errors), stall, int(batched)]
    return run_bench(program, arguments), compare(folder, registers, config.group_sizes)


@pytest.mark.parametrize("batched", [False, True], ids=["one by one", "batched"])
@pytest.mark.parametrize("stall", [0, 50], ids=["flowing", "stalled"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_protocol_and_results(
    config: XfuConfig, stall: int, batched: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    program = build_bench("master.cpp", generate(config))
    count = 50_000 if config.group_sizes == (4, 8, 16) else 5_000
    seen, compared = run(tmp_path, program, config, rng, count, stall, batched=batched)
    assert compared["decimate"] + compared["swap"] == seen["results"] >= count
    assert seen["killed"] > count // 100
    assert seen["rejected"] > count // 50
    assert compared["fault"] == seen["errors"] + seen["exceptions"] > count // 100
    assert bool(seen["exceptions"]) == config.precise_errors
    assert min(compared.values()) > count // 100
    print(f"{seen} {compared}")
