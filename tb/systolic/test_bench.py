"""The bench's own parts, without a simulator: what they count, and that they notice what they should."""

from itertools import chain, repeat

import numpy as np
import pytest

from tileloom.formats import BF16, FP16, FP32, INT8
from tileloom.systolic.config import Port, SystolicConfig
from tileloom_sim.systolic import coverage
from tileloom_sim.systolic.interface import Stream
from tileloom_sim.systolic.stream_bench import PATTERNS, MismatchError, StreamSink, StreamSource, stalls
from tileloom_sim.systolic.tiles import Tile, feeds, random_tiles

STREAM = Stream("results", False, 1, 32, "data", "valid", "ready", "last")


class Wire:
    """A signal that holds what was written to it."""

    def __init__(self) -> None:
        self.value = 0

    def __len__(self) -> int:
        return 32


class Dut:
    """The four signals of a stream."""

    def __init__(self) -> None:
        self.data, self.valid, self.ready, self.last = Wire(), Wire(), Wire(), Wire()

    def offer(self, data: int | None) -> None:
        """Offer data, or nothing."""
        self.valid.value = int(data is not None)
        self.data.value = data or 0


def test_sink_takes_what_it_is_given():
    dut = Dut()
    sink = StreamSink(dut, STREAM, iter([True, False, False, False]))
    for data in (5, 5, None, 6):
        dut.offer(data)
        sink.drive()
        sink.sample()
    assert sink.received == [(5, 0), (6, 0)]
    assert sink.seen == {"waits": 1, "transfer": 2, "starves": 1}


@pytest.mark.parametrize("then", [None, 6], ids=["taken back", "changed"])
def test_sink_notices_a_beat_that_is_not_held(then):
    dut = Dut()
    sink = StreamSink(dut, STREAM, iter([True, True]))
    dut.offer(5)
    sink.drive()
    sink.sample()
    dut.offer(then)
    sink.drive()
    with pytest.raises(MismatchError, match="changed before it was taken"):
        sink.sample()


def test_source_holds_what_it_offers():
    dut = Dut()
    source = StreamSource(dut, STREAM, chain([True], repeat(False)), [(1, 0), (2, 1)])
    offered = []
    for ready in (1, 0, 0, 1, 1, 1):
        source.drive()
        dut.ready.value = ready
        offered.append((dut.valid.value, dut.data.value if dut.valid.value else None))
        source.sample()
    assert offered == [(0, None), (1, 1), (1, 1), (1, 1), (1, 2), (0, None)]
    assert source.sent == 2


@pytest.mark.parametrize("pattern", PATTERNS)
def test_stall_patterns(rng, pattern):
    source = stalls(pattern, rng)
    share = np.mean([next(source) for _ in range(4000)])
    low, high = {"flowing": (0, 0), "rare": (0.05, 0.15), "mostly": (0.8, 0.9)}.get(pattern, (0.4, 0.6))
    assert low <= share <= high


def test_coverage_counts_cases():
    config = SystolicConfig(rows=2, columns=1, weight=INT8)
    one, two = 0x3F800000, 0x40000000
    # 1 + 1 * 1 = 2 carries out; 2 + 2 * -1 = 0 cancels.
    x = np.array([[one, two]], np.uint64)
    w = np.array([[1], [0x81]], np.uint64)
    tile = Tile(x, w, np.array([[one]], np.uint64), np.zeros((1, 1), np.uint64))
    seen = {name: count for name, count in coverage.observe(config, [tile]).items() if count}
    assert seen == {
        "weight: magnitude 1": 2,
        "add: carries out": 1,
        "add: cancels to zero": 1,
        "add: exponents 0 apart": 2,
    }


def test_coverage_leaves_out_what_formats_rule_out():
    bins = {
        weight: coverage.expected_bins(SystolicConfig(rows=1, columns=1, weight=weight))
        for weight in (FP32, INT8)
    }
    assert "multiply: underflows" in bins[FP32]
    assert "multiply: underflows" not in bins[INT8]
    assert "weight: magnitude 127" in bins[INT8]


def test_last_is_noise_within_a_vector(rng):
    config = SystolicConfig(rows=4, columns=2, port=Port.WORD)
    beats = feeds(config, random_tiles(config, [50, 3], rng), rng)
    marks = np.array([last for _, last in beats["activations"]]).reshape(-1, 4)
    assert marks[:, :3].any() and np.flatnonzero(marks[:, 3]).tolist() == [49, 52]
    assert "psum_in" not in beats


def test_coverage_leaves_out_sums_that_formats_rule_out():
    """FP16 x FP16 in FP32 comes near no end of the range; BF16 does, and FP16 in FP16."""
    ends = {"add: overflows", "add: underflows"}
    found = {
        (str(each), str(accumulator)): ends
        & set(
            coverage.expected_bins(
                SystolicConfig(rows=1, columns=1, activation=each, weight=each, accumulator=accumulator)
            )
        )
        for each, accumulator in ((FP16, FP32), (BF16, FP32), (FP16, FP16))
    }
    assert list(found.values()) == [set(), ends, ends]
