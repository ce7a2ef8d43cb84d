"""A fabric by Verilator, on which cycles of the golden model are played."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from tileloom import scratch
from tileloom.design import Design
from tileloom.errors import CheckError

from ..build import harness, verilator
from .play import INPUTS, OUTPUTS, Cycle

SOURCE = Path(__file__).with_name("replay.cpp")

CHUNK = 20_000
"""Cycles that are written at a time."""


def build(design: Design) -> Path:
    """Return the program that plays cycles on a fabric, made if the cache has none.

    Raises ToolError where a tool is missing or fails.
    """
    header = harness.ports_header({**design.manifest, "ports": []})
    for kind, ports in (("INPUTS", INPUTS), ("OUTPUTS", OUTPUTS)):
        header += f"#define {kind}(DO) {' '.join(f'DO({port})' for port in ports)}\n"
    return harness.compile_harness(
        "cluster",
        design.verilog,
        design.name,
        {"ports.h": header, SOURCE.name: SOURCE.read_text(encoding="utf-8")},
        SOURCE.name,
        control=verilator.control_file([], blocks=False),
    )


def replay(program: Path, design: Design, cycles: Iterable[Cycle]) -> int:
    """Play cycles on a fabric, from its reset on, and return how many.

    Raises CheckError with cycle and port where an output differs.
    """
    widths = {port["name"]: port["width"] for port in design.manifest["ports"]}
    inputs, outputs = ([4 * -(-widths[port] // 32) for port in ports] for ports in (INPUTS, OUTPUTS))
    count = 0
    with scratch.folder() as folder:
        file = folder / "cycles.bin"
        with file.open("wb") as out:
            waiting = iter(cycles)
            while chunk := list(itertools.islice(waiting, CHUNK)):
                parts: list[bytes] = []
                for cycle in chunk:
                    parts += _words(cycle.inputs, inputs)
                    parts += _words(cycle.expected, outputs)
                    parts += _words(cycle.masks, outputs)
                out.write(b"".join(parts))
                count += len(chunk)
        ((kind, *said),) = harness.run(program, [file])
    if kind == "differs":
        number, port, word, *numbers = said
        found, expected, counts = (int(number) for number in numbers)
        raise CheckError(
            f"{design.name}: cycle {number}: {port}, word {word} is {found:#010x}, not {expected:#010x} "
            f"(of its bits {counts:#010x} count)"
        )
    assert int(said[0]) == count
    return count


def _words(values: Sequence[int], sizes: Sequence[int]) -> Iterable[bytes]:
    return [value.to_bytes(size, "little") for value, size in zip(map(int, values), sizes, strict=True)]
