"""The cocotb regression of systolic arrays: any number of them at once, each on its own random work.

It runs in the simulator's process. What to run is in the JSON file that TILELOOM_BENCH names (``Bench`` in
``regression``); what came of it is written to the file that it names in turn, whether the tests pass or not.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from tileloom.formats import Format
from tileloom_golden.checks import Words

from ..build.verilator import MUTANT
from . import coverage, register_bench
from .interface import Interface
from .register_bench import RegisterHost
from .register_jobs import cut, job_feeds
from .stream_bench import PATTERNS, MismatchError, StreamSink, StreamSource, stalls
from .tiles import Beat, Tile, feeds, random_tiles

PERIOD_NS = 10


class Array:
    """One array in the simulation, and what was seen of it."""

    def __init__(self, dut: Any, interface: Interface, seed: int) -> None:
        self.dut = dut
        self.interface = interface
        self.config = interface.config
        self.rng = np.random.default_rng([seed, zlib.crc32(interface.name.encode())])
        self.clock = getattr(dut, interface.clock)
        self.cycles = 0
        self.seconds = 0.0
        self.compared = 0
        self.handshakes: dict[str, Counter[str]] = {}
        self.covered: Counter[str] = Counter()
        self.failure: str | None = None
        self.registers = register_bench.model(self.config) if self.config.wrapper else None
        self.weights: Words | None = None  # of the last tile of the last job

    @property
    def large(self) -> bool:
        """Whether the array is so large that less has to do."""
        return self.config.rows * self.config.columns > 256

    @property
    def latency(self) -> int:
        """Roughly the cycles that a vector takes: the range over which events are spread."""
        config = self.config
        return config.step_interval + config.rows * config.add_stages + config.columns + 4

    async def reset(self) -> None:
        """Reset the array for two cycles, nothing offered and nothing taken."""
        reset = getattr(self.dut, self.interface.reset)
        active = 0 if self.interface.reset_active_low else 1
        await FallingEdge(self.clock)
        reset.value = active
        for stream in self.interface.streams.values():
            getattr(self.dut, stream.valid if stream.inward else stream.ready).value = 0
        for _ in range(2):
            await FallingEdge(self.clock)
        reset.value = 1 - active
        if self.registers:
            self.registers = register_bench.model(self.config)

    def lengths(self, most: int, tiles: int) -> list[int]:
        """Return numbers of vectors for so many tiles; with registers some are equal, to make a job."""
        drawn = self.rng.integers(1, most, tiles)
        return np.sort(self.rng.choice(drawn[:2], tiles)).tolist() if self.registers else drawn.tolist()

    async def run(
        self, tiles: Sequence[Tile], patterns: dict[str, str], *, abandon_after: int | None = None
    ) -> None:
        """Send tiles and compare every result; or give up after some cycles, as a reset will.

        With registers tiles are jobs, and giving up is a soft reset.

        Raises MismatchError at the first word that differs, and where a result is missing or one too many.
        """
        jobs = []
        if self.registers:
            kept = self.weights if self.registers.kept else None
            jobs = cut(self.config, tiles, self.rng, kept)
            self.weights = jobs[-1].tiles[-1].w
            tiles, beats = (
                [tile for job in jobs for tile in job.tiles],
                job_feeds(self.config, jobs, self.rng),
            )
        else:
            beats = feeds(self.config, tiles, self.rng)
        streams = self.interface.streams
        sources = [
            StreamSource(self.dut, stream, stalls(patterns[name], self.rng), beats[name])
            for name, stream in streams.items()
            if stream.inward
        ]
        waits = bool(self.rng.integers(4) == 0)
        sink = StreamSink(self.dut, streams["results"], stalls(patterns["results"], self.rng), waits=waits)
        sides = [*sources, sink]
        drivers: list[Any] = [*sides]
        host = None
        if self.registers:
            named = {side.stream.name: side for side in sides}
            host = RegisterHost(self.dut, self.config, self.registers, named, jobs, self.rng, abandon_after)
            drivers.append(host)
        expected = beats["results"]
        limit = 20 * (sum(map(len, beats.values())) * self.config.step_interval + 100)
        limit = limit + 5000 * (len(jobs) + 1) if host else abandon_after or limit
        # After the last result a few cycles more, in which none must come.
        extra = 0 if abandon_after else 2 * self.latency
        start = time.perf_counter()
        while limit > 0 and extra >= 0:
            for driver in drivers:
                driver.drive()
            await ReadOnly()
            for driver in drivers:
                driver.sample()
            await FallingEdge(self.clock)
            self.cycles += 1
            limit -= 1
            complete = len(sink.received) >= len(expected)
            if host.finished and (complete or abandon_after) if host else complete:
                extra -= 1
        self.seconds += time.perf_counter() - start
        for side in sides:
            self.handshakes.setdefault(side.stream.name, Counter()).update(side.seen)
        received = sink.received
        if host and not host.finished:
            raise MismatchError("a job does not come to its end")
        self.compare(received, expected[: len(received)] if abandon_after else expected, tiles)
        if not abandon_after:
            self.covered += coverage.observe(self.config, tiles)

    def compare(self, received: Sequence[Beat], expected: Sequence[Beat], tiles: Sequence[Tile]) -> None:
        """Compare result beats; raise MismatchError that names the first difference and what led to it."""
        for index, (got, want) in enumerate(zip(received, expected, strict=False)):
            if got != want:
                raise MismatchError(self._difference(index, got, want, tiles))
        if len(received) != len(expected):
            raise MismatchError(f"{len(received)} results came, {len(expected)} were expected")
        self.compared += len(received)

    def _difference(self, index: int, got: Beat, want: Beat, tiles: Sequence[Tile]) -> str:
        stream, config = self.interface.streams["results"], self.config
        element = 0
        if got[0] != want[0]:
            lowest = (got[0] ^ want[0]) & -(got[0] ^ want[0])
            element = (lowest.bit_length() - 1) // stream.element_width
        vector, column = divmod(index * stream.elements + element, config.columns)
        number = 0
        while vector >= len(tiles[number].x):
            vector -= len(tiles[number].x)
            number += 1
        where = f"tile {number}, vector {vector}, column {column}"
        if got[0] == want[0]:
            return f"{where}: last is {got[1]}, expected {want[1]}"
        tile = tiles[number]
        psum = _hex([tile.psum[vector, column]], config.accumulator)
        result, correct = (
            _hex([beat[0] >> stream.element_width * element], config.accumulator) for beat in (got, want)
        )
        return (
            f"{where}: {result}, expected {correct} (psum_in {psum}, "
            f"activations {_hex(tile.x[vector], config.activation)}, "
            f"weights {_hex(tile.w[:, column], config.weight)})"
        )


def _hex(words: Iterable[Any], number_format: Format) -> str:
    """Return words as hexadecimal digits, as many as the format has."""
    digits = -(-number_format.width // 4)
    return " ".join(f"{int(word) & ((1 << number_format.width) - 1):0{digits}x}" for word in words)


async def random_regression(array: Array) -> None:
    """Random tiles under every kind of stall, each time after a reset in the middle of other work."""
    config, rng = array.config, array.rng
    phases, tiles = (2, 2) if array.large else (6, 6) if array.registers else (4, 4)
    most = max(2, min(config.rows + config.columns + 4, 200 // config.rows))
    for phase in range(phases):
        patterns = dict.fromkeys(array.interface.streams, "flowing")
        if phase:
            patterns = {name: PATTERNS[int(rng.integers(0, len(PATTERNS)))] for name in patterns}
            work = random_tiles(config, [5, 2], rng)
            await array.run(work, patterns, abandon_after=int(rng.integers(1, 4 * array.latency)))
        # A soft reset is as good as another.
        if not array.registers or not phase or rng.random() < 0.5:
            await array.reset()
        await array.run(random_tiles(config, array.lengths(most, tiles), rng), patterns)


async def swap_everywhere(array: Array) -> None:
    """Tiles of every length from one vector to more than the array holds, so that swaps meet everywhere.

    Then weights that come at every time before and after the first vector that needs them. A large array
    gets a few of the lengths.
    """
    config, rng = array.config, array.rng
    vectors_inside = array.latency // config.step_interval + 2
    await array.reset()
    patterns = dict.fromkeys(array.interface.streams, "flowing")
    lengths = rng.permutation(np.arange(1, vectors_inside + 1)).tolist()
    if array.large:
        lengths = lengths[:8]
    if array.registers:  # jobs of three tiles
        lengths = np.repeat(lengths, 3).tolist()
    await array.run(random_tiles(config, lengths, rng), patterns)
    for late in ("weights", "activations", "results"):
        await array.run(random_tiles(config, lengths, rng), {**patterns, late: "bursts"})
    array.covered.update({f"swap after {length} vectors": 1 for length in lengths})


async def stream_tiles(array: Array) -> None:
    """Long tiles without a stall: for measuring, not part of the regression."""
    await array.reset()
    tiles = random_tiles(array.config, [256] * 16, array.rng)
    await array.run(tiles, dict.fromkeys(array.interface.streams, "flowing"))


async def _run_all(dut: Any, exercise: Callable[[Array], Coroutine[Any, Any, None]]) -> None:
    """Run ``exercise`` on all arrays of the bench at once; write the report; fail if any of them failed."""
    bench = json.loads(Path(os.environ["TILELOOM_BENCH"]).read_text())
    if MUTANT in os.environ:
        dut.mutant.value = int(os.environ[MUTANT])
    arrays = [Array(dut, Interface.of_plain(plain), bench["seed"]) for plain in bench["interfaces"]]
    for array in arrays:
        for stream in array.interface.streams.values():
            getattr(dut, stream.valid if stream.inward else stream.ready).value = 0
        getattr(dut, array.interface.reset).value = int(not array.interface.reset_active_low)
    for clock in {array.interface.clock for array in arrays}:
        Clock(getattr(dut, clock), PERIOD_NS, unit="ns").start()

    async def guarded(array: Array) -> None:
        try:
            await FallingEdge(array.clock)
            await exercise(array)
        except (MismatchError, ValueError) as error:
            array.failure = str(error)

    tasks = [cocotb.start_soon(guarded(array)) for array in arrays]
    for task in tasks:
        await task
    report = Path(bench["report"])
    entries = json.loads(report.read_text()) if report.exists() else []
    entries += [_entry(exercise.__name__, array) for array in arrays]
    report.write_text(json.dumps(entries))
    failures = [f"{array.interface.name}: {array.failure}" for array in arrays if array.failure]
    failures += [f"{array.interface.name}: nothing was compared" for array in arrays if not array.compared]
    if failures:
        raise MismatchError("; ".join(failures))


def _entry(exercise: str, array: Array) -> dict[str, Any]:
    return {
        "exercise": exercise,
        "array": array.interface.name,
        "cycles": array.cycles,
        "seconds": array.seconds,
        "compared": array.compared,
        "failure": array.failure,
        "handshakes": array.handshakes,
        "covered": array.covered,
    }


@cocotb.test()
async def regression(dut: Any) -> None:
    """Random tiles, random stalls, resets in mid-stream."""
    await _run_all(dut, random_regression)


@cocotb.test()
async def swaps(dut: Any) -> None:
    """Tiles that change at every distance from the change before."""
    await _run_all(dut, swap_everywhere)


@cocotb.test()
async def streaming(dut: Any) -> None:
    """Stream long tiles, nothing stalled."""
    await _run_all(dut, stream_tiles)
