"""A serial port to a simulated board: its complete top, from the pins of the serial line on.

The host's program cannot tell it from pyserial's, but for time, which passes while it is waited for.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileloom import processes
from tileloom.errors import UserError

from ..build import harness, verilator

SOURCE = Path(__file__).with_name("line.cpp")

WAIT_BITS = 40_000
"""Bits on the line, without a byte, after which nothing comes: 40 ms of a megabaud, some frames' time."""


@dataclass(frozen=True)
class Disturbance:
    """What goes wrong on a simulated line.

    Attributes
    ----------
    errors:
        Share of the bits that are turned round, in either direction.
    reset:
        Clock cycle in which the board is reset; 0 for none.
    seed:
        Of the errors.
    """

    errors: float = 0.0
    reset: int = 0
    seed: int = 1


def disturbance(text: str) -> Disturbance:
    """Return what goes wrong from text, such as ``errors=1e-4,reset=200000``. Raises UserError."""
    kinds: dict[str, type[int] | type[float]] = {"errors": float, "reset": int, "seed": int}
    given: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name not in kinds or name in given:
            raise UserError(f"--port sim:{text}: {part}: give each of {', '.join(kinds)} once at most")
        try:
            given[name] = kinds[name](value)
        except ValueError:
            raise UserError(f"--port sim:{text}: {part}: {value!r} is no number for it") from None
    found = Disturbance(**given)
    if not 0 <= found.errors < 1 or not 0 <= found.reset < 1 << 63 or not 0 <= found.seed < 1 << 63:
        raise UserError(f"--port sim:{text}: errors are from 0 to below 1, reset and seed not negative")
    return found


class SimulatedPort:
    """The port. ``cycles`` are the board's clock cycles so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self.cycles = 0

    def write(self, content: bytes) -> int:
        """Put bytes on the line."""
        self._ask(b"W" + len(content).to_bytes(4, "little") + content)
        return len(content)

    def read(self, size: int, wait_bits: int = WAIT_BITS) -> bytes:
        """Return ``size`` bytes; fewer where none has come for so many bits on the line."""
        self._ask(b"R" + size.to_bytes(4, "little") + wait_bits.to_bytes(4, "little"))
        count = int.from_bytes(self._exactly(4), "little")
        found = self._exactly(count)
        self.cycles = int.from_bytes(self._exactly(8), "little")
        return found

    def _ask(self, request: bytes) -> None:
        try:
            self._in.write(request)
            self._in.flush()
        except OSError:
            raise harness.HarnessError("the simulated board ended early") from None

    def _exactly(self, size: int) -> bytes:
        found = self._out.read(size)
        if len(found) < size:
            raise harness.HarnessError("the simulated board ended early")
        return found


def build(verilog: str, top: str, *, waves: bool = False) -> Path:
    """Return the program that simulates a board's top, made if the cache has none. Raises ToolError."""
    ports = {
        "CLOCK": "clk",
        "RESET": "rst",
        "RESET_ACTIVE": "1",
        "RECEIVE": "receive",
        "TRANSMIT": "transmit",
    }
    text = "".join(f"#define {name} {value}\n" for name, value in ports.items())
    return harness.compile_harness(
        "board",
        verilog,
        top,
        {"ports.h": text, SOURCE.name: SOURCE.read_text(encoding="utf-8")},
        SOURCE.name,
        control=verilator.control_file([], blocks=False),
        waves=waves,
    )


@contextmanager
def simulated(program: Path, divisor: int, wrong: Disturbance) -> Iterator[SimulatedPort]:
    """Give the block a port to a board that ``build`` made, just out of reset."""
    numbers = [divisor, wrong.seed, round(wrong.errors * (1 << 32)), wrong.reset]
    with processes.conversation([program, *map(str, numbers)]) as process:
        yield SimulatedPort(process)
