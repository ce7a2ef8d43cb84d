"""A whole array's netlist against the golden model: tiles through its ports, stalled at random in every lane.

Each lane is an array of its own with tiles and pauses of its own. Before the tiles each lane is given noise
on every port and then a reset, in the middle of whatever the noise began. An array behind registers gets the
tiles as a job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from tileloom_golden.registers import CONTROL, START
from tileloom_golden.systolic.registers import JOB, PSUM_IN, TILES, VECTORS
from tileloom_sim.systolic.interface import Interface, Stream
from tileloom_sim.systolic.tiles import feeds, random_tiles

from ..check.outcome import Comparison
from ..check.streams import Sink, Source, bits_of
from ..gates import bits
from ..gates.flat import Flat
from ..gates.simulator import Simulator

NOISE = 30
"""Cycles of noise before the reset."""

LENGTHS = (5, 1, 7)
"""Vectors of the tiles: swaps of weights follow each other closely, too."""

JOB_LENGTHS = (3, 3, 3)
"""The same of a job, whose tiles have one length."""


def check_array(
    interface: Interface,
    flat: Flat,
    rng: np.random.Generator,
    *,
    lanes: int = bits.LANES,
    show: Callable[[int], None] = lambda vectors: None,
) -> Comparison:
    """Return how an array's netlist compares with the golden model: ``LENGTHS`` tiles in each lane."""
    began = time.perf_counter()
    config = interface.config
    lengths = JOB_LENGTHS if config.wrapper else LENGTHS
    found = Comparison("whole array", "vector of an array")
    simulator = Simulator(flat, words=bits.words_of(lanes), clock=interface.clock, rng=rng)
    per_lane = [feeds(config, random_tiles(config, lengths, rng), rng) for _ in range(lanes)]
    idle = rng.choice([0.0, 0.3, 0.7], 4)
    sources: list[Source] = []
    sinks: list[Sink] = []
    for name, stream in interface.streams.items():
        beats = [
            bits_of(
                [data | last << _data_bits(simulator, stream) for data, last in lane[name]],
                _width(simulator, stream),
            )
            for lane in per_lane
        ]
        ports = _ports(stream)
        if stream.inward:
            arguments = np.stack(beats), float(idle[len(sources)]), rng
            sources.append(Source(simulator, stream.valid, stream.ready, ports, *arguments))
        else:
            expected = np.stack(beats)
            count = expected.shape[1]
            sinks.append(
                Sink(simulator, stream.valid, stream.ready, ports, lanes, count, float(idle[3]), rng)
            )
    (sink,) = sinks
    asserted = not interface.reset_active_low
    for cycle in range(NOISE + 2):
        for name in flat.inputs:
            if name not in (interface.clock, interface.reset):
                size = len(simulator.ports[name])
                simulator.set(name, rng.integers(0, 1 << 64, (size, simulator.words), np.uint64))
        simulator.set(interface.reset, int(asserted == (cycle == 0 or cycle > NOISE)))
        simulator.settle()
        simulator.tick()
    simulator.set(interface.reset, int(not asserted))
    if config.wrapper:
        sources += _started(simulator, lengths, lanes, rng)
        for ready in ("s_axi_bready", "s_axi_rready"):
            simulator.set(ready, 1)
        simulator.set("s_axi_arvalid", 0)
    limit = 200 + 40 * expected.shape[1] + 40 * config.rows * config.step_interval
    streams: list[Source | Sink] = [*sources, sink]
    for _ in range(limit):
        for each in streams:
            each.drive()
        simulator.settle()
        for each in streams:
            each.observe()
        simulator.tick()
        show(int(sink.taken.sum()) * sum(lengths) // expected.shape[1])
        if sink.done:
            break
    came = np.arange(expected.shape[1]) < sink.taken[:, None]
    width = config.accumulator.width
    data = _words(sink.beats, width), _words(expected, width)
    found.compare(*data, came[:, :, None], where="results, [lane, beat, word] ")
    found.compare(sink.beats[:, :, -1], expected[:, :, -1], came, where="last, [lane, beat] ")
    found.compare(sink.taken, np.full(lanes, expected.shape[1]), where="results that came, lane ")
    found.compare(np.array([sink.surplus]), np.array([0]), where="results too many ")
    found.vectors = lanes * sum(lengths)
    found.seconds = time.perf_counter() - began
    return found


def _started(
    simulator: Simulator, lengths: Sequence[int], lanes: int, rng: np.random.Generator
) -> list[Source]:
    """Return what writes registers so that the tiles are a job (docs/registers.md)."""
    words = {VECTORS: lengths[0], TILES: len(lengths), JOB: PSUM_IN, CONTROL: START}
    bytes_ = 0b1111 << 32
    channels = {
        "aw": (["s_axi_awaddr"], list(words)),
        "w": (["s_axi_wdata", "s_axi_wstrb"], [word | bytes_ for word in words.values()]),
    }
    found = []
    for name, (ports, numbers) in channels.items():
        beats = bits_of(numbers, sum(len(simulator.ports[port]) for port in ports))
        every = np.broadcast_to(beats, (lanes, *beats.shape))
        found.append(Source(simulator, f"s_axi_{name}valid", f"s_axi_{name}ready", ports, every, 0.3, rng))
    return found


def _ports(stream: Stream) -> list[str]:
    return [stream.data, *([stream.last] if stream.last else [])]


def _data_bits(simulator: Simulator, stream: Stream) -> int:
    return len(simulator.ports[stream.data])


def _width(simulator: Simulator, stream: Stream) -> int:
    return sum(len(simulator.ports[port]) for port in _ports(stream))


def _words(beats: bits.Bools, width: int) -> np.ndarray:
    """Return lanes x beats x bits as lanes x beats x words; of what is left over, ``last``, none."""
    lanes, count, size = beats.shape
    elements = size // width
    grouped = beats[:, :, : elements * width].reshape(lanes, count, elements, width)
    return (grouped.astype(np.uint64) << np.arange(width, dtype=np.uint64)).sum(axis=-1, dtype=np.uint64)
