"""A worked example: numbers of the golden model, what of them goes over the ports, and a simulation of that.

A family's ``example.py`` makes it. The inputs and the results are the golden model's; the transfers that the
simulation shows are compared with them, so that a datasheet cannot say what the hardware does not do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError
from tileloom.package.pins import Ports

from .timing_diagram import Diagram
from .trace import Trace

SHOWN = 5
"""Transfers of a stream, and rows and columns of a matrix, that a datasheet shows; of more, both ends."""

DIGITS = 48
"""Hexadecimal digits that a line shows; of more, both ends."""


@dataclass(frozen=True)
class Stream:
    """What went over a channel: the words of its pin ``data``, of so many bits, and what each is."""

    channel: str
    data: str
    bits: int
    words: Sequence[int]
    what: Sequence[str]


@dataclass(frozen=True)
class Example:
    """A worked example.

    Attributes
    ----------
    text:
        Markdown: what lies where, and the numbers.
    trace:
        What the pins did.
    diagrams:
        What of it to show.
    streams:
        All transfers of these channels, as the golden model has them.
    """

    text: str
    trace: Trace
    diagrams: Sequence[Diagram]
    streams: Sequence[Stream] = ()


def check_transfers(ports: Ports, example: Example) -> None:
    """Raise CheckError where a simulation's transfers are not the example's."""
    channels = {channel.name: channel for interface in ports.interfaces for channel in interface.channels}
    for stream in example.streams:
        found = example.trace.values(channels[stream.channel], stream.data)
        if found != list(stream.words):
            differ = [a != b for a, b in zip(found, stream.words, strict=False)]
            place = differ.index(True) if any(differ) else min(len(found), len(stream.words))
            raise CheckError(
                f"{stream.channel}: transfer {place} is not the golden model's; "
                f"{len(found)} transfers, {len(stream.words)} expected"
            )


def listing(streams: Sequence[Stream]) -> str:
    """Return the transfers as Markdown tables."""
    parts = []
    for stream in streams:
        rows = [
            (f"#{number}", f"`{digits(word, stream.bits)}`", what)
            for number, (word, what) in enumerate(zip(stream.words, stream.what, strict=True))
        ]
        if len(rows) > 2 * SHOWN:
            rows = [*rows[:SHOWN], ("...", "", f"{len(rows) - SHOWN - 1} more"), rows[-1]]
        parts.append(
            f"**`{stream.data}`**, {stream.bits} bits\n\n" + table(("transfer", "word", "holds"), rows)
        )
    return "\n".join(parts)


def digits(word: int, bits: int) -> str:
    """Return a word in hexadecimal, the most significant digit first, its middle left out if it is long."""
    text = f"{word:0{-(-bits // 4)}x}"
    half = DIGITS // 2
    return text if len(text) <= DIGITS + 3 else f"{text[:half]}...{text[-half:]}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def matrices(named: Mapping[str, npt.NDArray[np.generic]]) -> str:
    """Return matrices as a block of code; of large ones the edges."""
    text = []
    for name, matrix in named.items():
        cut = matrix.ndim > 1 and max(matrix.shape) > 2 * SHOWN
        shown = np.array2string(matrix, threshold=1 if cut else 1 << 20, max_line_width=100, precision=8)
        indent = " " * (len(name) + 3)
        text.append(f"{name} = " + shown.replace("\n", "\n" + indent))
    return "```\n" + "\n".join(text) + "\n```\n"
