"""Designs as machines: bytes against the streams of the golden model, cycles against the RTL."""

import numpy as np
import pytest

import tileloom
from engine.layers import mask_of, random_case, random_layer
from support.long import few
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.families import load
from tileloom.systolic.config import Port
from tileloom_explore.roofline.designs import Setting, machine_of, mask_shape, measured, point_of, sparse_mask
from tileloom_explore.roofline.energy import Energies
from tileloom_explore.roofline.engine import traffic
from tileloom_explore.roofline.layers import random_mask
from tileloom_golden.engine.program import Layer
from tileloom_golden.systolic.tiles import split_tiles
from tileloom_sim.systolic.beats import vector_beats, weight_beats

SMALL = {"m": 2, "k": 4, "n": 8, "bus": 64, "a_words": 128, "acc_tiles": 8}
ENGINES = [EngineConfig(), EngineConfig(**SMALL, drain_rows=2), EngineConfig(a_words=16, requantise=False)]
ARRAYS = {  # those of test_gemm, whose simulators are built anyway
    "stream-8x8-int8": {"rows": 5, "columns": 3},
    "stream-8x8-fp32": {"rows": 3, "columns": 4, "axi4_stream_names": True, "rounding": "nearest-even"},
    "sasp-4x4-int8": {"rows": 3},
    "sasp-4x4-fp32": {"columns": 5, "double_buffer": True},
}


@pytest.mark.parametrize("config", ENGINES, ids=lambda config: config.label)
def test_bytes_are_those_of_an_engines_streams(config, rng):
    split = 0
    for _ in range(40):
        case = random_case(config, rng, 9, 40)
        tiles, moved = traffic(config, case.program, case.weights.mask)
        assert moved["weights"] == case.streams.weights.size
        assert moved["index"] == case.streams.index.size
        assert moved["activations"] == case.streams.activations.size
        assert moved["results"] * 8 == case.units.size * config.result_bits
        assert moved["a_buffer"] == tiles * config.m * config.k
        assert moved["accumulators"] == tiles * 2 * 4 * config.m * config.n
        # As many as the blocks, taps and tiles of pixels ask for.
        layer = case.program.layer
        taps = layer.kernel[0] * layer.kernel[1]
        rows = sum(
            group.write.rows * -(-group.write.width // config.m) * len(group.parts)
            for group in case.program.groups
        )
        if all(len(group.parts) == 1 for group in case.program.groups):
            assert tiles == rows * taps * int(case.weights.mask.sum())
        split += len(case.program.groups) > 1
    assert split >= 5


@pytest.mark.parametrize("name", ARRAYS)
def test_bytes_are_those_of_an_arrays_ports(name, rng):
    config = load(name, **ARRAYS[name])
    for _ in range(20):
        m, k, n = rng.integers(1, 40, 3).tolist()
        kept = random_mask(mask_shape(config, Layer.product(m, k, n)), 0.4, rng)
        moved = point_of(config, Setting(), "x", Layer.product(m, k, n), kept).counts.moved
        tiles = split_tiles(np.ones((k, n), np.uint64), config.rows, config.columns)[kept]
        vectors = np.ones((len(tiles) * m, config.rows), np.uint64)
        results = np.ones((len(tiles) * m, config.columns), np.uint64)
        widths = config.columns * config.weight.width, config.rows * 32, config.columns * 32
        beats = (
            weight_beats(config, tiles),
            vector_beats(config, vectors, config.activation.width),
            vector_beats(config, results, config.accumulator.width),
        )
        for port, width, sent in zip(("weights", "activations", "results"), widths, beats, strict=True):
            bits = 32 if config.port is Port.WORD else width
            assert moved[port] == -(-len(sent) * bits // 8)
        assert moved.get("psum_in", moved["results"]) == moved["results"]


@pytest.mark.parametrize("name", few(ARRAYS))
def test_cycles_of_arrays_are_those_of_the_rtl(name, rng, seed):
    config = load(name, **ARRAYS[name])
    compared = 0
    for sparsity in (0, 0, 0.5, 0.8):
        layer = random_layer(rng, 5, 12) if sparsity else Layer.product(*rng.integers(1, 30, 3).tolist())
        kept = random_mask(mask_shape(config, layer), sparsity, rng)
        point = point_of(config, Setting(), "x", layer, kept)
        ran = measured(config, point, layer, kept, seed[0] + compared)
        assert (point.source, ran.source) == ("exact", "measured")
        assert ran.counts == point.counts
        assert ran.throughput <= ran.roof * (1 + 1e-12)
        compared += 1
    assert compared == 4


@pytest.mark.long
def test_cycles_of_an_engine_are_near_those_of_the_rtl(rng, seed):
    config = EngineConfig()
    layers = [Layer.product(37, 50, 70), Layer(height=9, width=8, channels=20, outputs=30, kernel=(3, 3))]
    for layer in [*layers, Layer(height=6, width=6, channels=16, outputs=16)]:
        kept = random_mask(mask_shape(config, layer), 0.5, rng)
        point = point_of(config, Setting(), "x", layer, kept)
        ran = measured(config, point, layer, kept, seed[0])
        assert ran.counts.cycles == pytest.approx(point.counts.cycles, rel=0.01)
        assert ran.throughput <= ran.roof


@pytest.mark.parametrize("name", ["stream-8x8-int8", "sasp-8x8-fp32", "engine-int8", "engine-fp32-int8"])
def test_a_point_is_under_its_roof_and_its_utilisations_multiply(name, rng):
    config = load(name)
    compared = 0
    while compared < 60:
        layer = random_layer(rng, 20, 60)
        kept = mask_of("random", mask_shape(config, layer), rng)
        if not kept.any():
            continue
        dram = [None, 1.0, 30.0][int(rng.integers(3))]
        grid = (int(rng.integers(1, 4)), int(rng.integers(1, 4))) if name.startswith("engine") else (1, 1)
        setting = Setting(dram=dram, grid=grid)
        point = point_of(config, setting, "x", layer, kept)
        shares = point.spatial_utilisation, point.temporal_utilisation, point.core_utilisation
        assert all(0 < share <= 1 for share in shares), shares
        assert point.mac_utilisation == pytest.approx(np.prod(shares))
        assert 0 < max(point.memory_utilisation.values()) <= 1
        assert point.throughput <= point.roof * (1 + 1e-9)
        assert point.machine.bound(point.intensities) == point.bound
        assert point.operations <= point.dense_operations == 2 * layer.macs
        assert (point.operations < point.dense_operations) == (not kept.all())
        compared += 1


def test_a_grid_shares_the_work_and_waits_for_the_slowest(rng):
    config, layer = load("engine-int8"), Layer.product(512, 256, 512)
    kept = random_mask(mask_shape(config, layer), 0, rng)
    one, four = (point_of(config, Setting(grid=grid), "x", layer, kept) for grid in ((1, 1), (2, 2)))
    assert four.machine.peak == 4 * one.machine.peak
    assert four.counts.macs == one.counts.macs and four.counts.passes == one.counts.passes
    assert 3.8 < four.throughput / one.throughput <= 4 and four.core_utilisation == 1
    # Of 25 block columns one engine has 13 and the other 12.
    kept = random_mask((32, 25), 0, rng)
    uneven = point_of(config, Setting(grid=(1, 2)), "x", Layer.product(512, 256, 200), kept)
    assert uneven.core_utilisation == pytest.approx(25 / 26, abs=0.003)
    # One pixel: of two parts of the output there is one.
    idle = point_of(config, Setting(grid=(2, 1)), "x", Layer.product(1, 256, 200), kept)
    assert idle.core_utilisation == pytest.approx(0.5)


def test_a_memory_outside_counts_each_tensor_once_and_makes_all_wait(rng):
    config, layer = load("engine-int8"), Layer(height=8, width=8, channels=16, outputs=24, kernel=(3, 3))
    kept = random_mask(mask_shape(config, layer), 0.5, rng)
    fast, slow = (point_of(config, Setting(dram=dram), "x", layer, kept) for dram in (1000.0, 0.5))
    tensors = 8 * 8 * 16 + 6 * 6 * 24 + 9 * 64 * int(kept.sum())
    assert fast.counts.moved["dram"] == slow.counts.moved["dram"] == tensors
    assert fast.counts.cycles == point_of(config, Setting(), "x", layer, kept).counts.cycles
    assert slow.counts.cycles == tensors * 2 and slow.bound == "dram" and slow.source == "estimated"
    # The core is there all the time, and waits.
    assert slow.core_utilisation == 1 and slow.temporal_utilisation < fast.temporal_utilisation
    assert slow.throughput == pytest.approx(slow.roof)
    assert slow.edge_intensity == slow.intensities["dram"]


def test_energies_are_taken_as_given():
    config = load("stream-8x8-int8")
    machine = machine_of(config, Setting(energies=Energies(2.0, {"weights": 7.0})))
    assert machine.operation_energy == 2 and [level.energy for level in machine.levels] == [
        7,
        1.25,
        1.25,
        1.25,
    ]
    # Published: INT8 0.2 + 0.1, FP16 1.1 + 0.4, FP32 3.7 + 0.9 pJ for a multiplication and an addition.
    for name, pj in (("engine-int8", 0.3), ("stream-8x8-fp32", 4.6), ("stream-8x8-fp16", 1.1 + 0.9)):
        assert 2 * machine_of(load(name), Setting()).operation_energy == pytest.approx(pj)


def test_what_has_no_roofline():
    with pytest.raises(UserError, match="xfu_unit: no roofline; the unit alone has no core"):
        machine_of(load("xfu-unit"), Setting())
    with pytest.raises(UserError, match="--grid: is for engines; stream_8x8_int8 is none"):
        machine_of(load("stream-8x8-int8"), Setting(grid=(2, 2)))
    layer = Layer(height=300, width=300, channels=8, outputs=8, kernel=(200, 200))
    with pytest.raises(UserError, match="wide on engine_"):
        point_of(load("engine-int8", a_words=16), Setting(), "wide", layer, np.ones((1, 1), np.bool_))
    assert tileloom.load("engine-int8")


@pytest.mark.parametrize("name", ["xfu-cv32e40p", "xfu-cv-x-if"])
def test_a_core_with_xdecimate(name, rng):
    config = load(name)
    layer = Layer(height=6, width=5, channels=16, outputs=10, kernel=(3, 3), pads=(1, 1, 1, 1))
    points = [
        point_of(config, Setting(), "layer", layer, sparse_mask(config, layer, share, rng))
        for share in (0.0, 0.75, 0.875, 0.9375)
    ]
    assert [point.operations for point in points] == [2 * layer.macs // m for m in (1, 4, 8, 16)]
    assert all(point.throughput < point.roof and point.source == "exact" for point in points)
    cycles = [point.counts.cycles for point in points]
    assert cycles[1] > cycles[2] > cycles[3] and (name == "xfu-cv-x-if" or cycles[0] > cycles[1])
    for share in (0.5, 0.874):
        with pytest.raises(UserError, match=f"--sparsity {share}: xfu_.* leaves out 0.75, 0.875, 0.9375"):
            sparse_mask(config, layer, share, rng)
    with pytest.raises(UserError, match="a row of 9 weights is no whole groups of 8"):
        sparse_mask(config, Layer.product(3, 9, 4), 0.875, rng)


def test_a_core_with_xdecimate_is_measured_as_told(rng):
    config, layer = load("xfu-cv32e40p"), Layer.product(1, 64, 12)
    for share in (0.0, 0.75):
        kept = sparse_mask(config, layer, share, rng)
        point = point_of(config, Setting(), "layer", layer, kept)
        assert measured(config, point, layer, kept, 1).counts.cycles == point.counts.cycles
