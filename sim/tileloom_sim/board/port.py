"""Serial ports, and the board that is found at one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from tileloom.board.description import BAUD, REGION, Board
from tileloom.driver.serial import LinkError, Port, ResetError, SerialBus
from tileloom.errors import ToolError, UserError

SIMULATED = "sim:"
"""How the name of a simulated port begins."""

ANSWER_SECONDS = 0.25
"""What an answer may take: the longest frames take 6 ms on the line, and adapters wait up to 16 ms."""

TRIES = 20

RESTARTS = 3
"""How often a part of a product is begun anew after resets of the board."""

LONGEST = 1 << 14
"""Bytes of a description, at most: what says that there are more is none."""


@dataclass
class OpenBoard:
    """A board that answers: its port's name, the bus through it, and what it says of itself."""

    port: str
    bus: SerialBus
    board: Board
    line: Port


@contextmanager
def serial_port(name: str) -> Iterator[Port]:
    """Give the block a serial port by pyserial. Raises ToolError where there is none."""
    try:
        import serial
    except ImportError:
        raise ToolError(
            "pyserial is not installed, which serial ports need: pip install 'tileloom[board]'"
        ) from None
    try:
        line = serial.serial_for_url(name, baudrate=BAUD, timeout=ANSWER_SECONDS)
    except (serial.SerialException, ValueError, OSError) as error:
        raise UserError(f"--port {name}: {_reason(error)}") from None
    with line:
        line.reset_input_buffer()
        try:
            yield line
        except serial.SerialException as error:
            raise LinkError(f"--port {name}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or ["cannot be opened"])[0]


@contextmanager
def opened(line: Port, port: str, expected: Board | None) -> Iterator[OpenBoard]:
    """Give the block the board at the other end of a line.

    Raises LinkError where nobody answers, UserError where it is no board of ours or not ``expected``.
    """
    bus = SerialBus(line, tries=TRIES)
    for attempt in range(RESTARTS + 1):
        try:
            bus.open()
            text = _text(bus, port)
            break
        except ResetError:
            if attempt == RESTARTS:
                raise
    board = Board.of_text(text, f"--port {port}")
    if expected is not None and board != expected:
        raise UserError(f"--port {port}: {_difference(asdict(board), asdict(expected))}")
    yield OpenBoard(port, bus, board, line)


def _text(bus: SerialBus, port: str) -> str:
    """Return what the board says of itself. Raises UserError where that can be no text of ours."""
    address = REGION << 28
    size = int.from_bytes(bus.read(address, 4), "little")
    if not 0 < size <= LONGEST:
        raise UserError(f"--port {port}: what answers there is no board of Tileloom's")
    return bus.read(address + 4, -(-size // 4) * 4)[:size].decode("utf-8", "replace")


def line_figures(opened: OpenBoard) -> dict[str, Any]:
    """Return what there is to say of the line, plain values by name."""
    counts, cycles = opened.bus.counts, getattr(opened.line, "cycles", None)
    return {
        "simulated_seconds": cycles and cycles / opened.board.clock_hz,
        "requests": counts.answered,
        "requests_again": counts.again,
        "answers_damaged": counts.damaged,
    }


def line_rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of a table that ``line_figures``, and ``resets``, are."""
    simulated = figures["simulated_seconds"]
    return [
        *([("of the board's time, simulated", f"{simulated:.3f} s")] if simulated else []),
        ("requests", f"{figures['requests']:,}, {figures['requests_again']:,} sent again"),
        ("answers damaged", f"{figures['answers_damaged']:,}"),
        ("resets of the board", f"{figures['resets']:,}"),
    ]


def _difference(found: dict[str, Any], wanted: dict[str, Any], where: str = "") -> str:
    """Return what the board says and what was made, of the first field that differs."""
    for name in {**found, **wanted}:
        mine, other = found.get(name), wanted.get(name)
        if isinstance(mine, dict) and isinstance(other, dict) and mine != other:
            return _difference(mine, other, f"{name}.")
        if mine != other:
            return f"{where}{name} is {mine} on the board, and {other} in the folder: program the board"
    raise ValueError("there is no difference")
