"""Random layers on every family: integers come out as ONNX says, whatever the hardware lacks."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from support.seed import SEED
from tileloom.families import load
from tileloom_explore.network.affine import Affine, integer_range
from tileloom_explore.network.arrangement import Axes, Channels, Window
from tileloom_explore.network.layer import NetworkLayer, Quantisation
from tileloom_explore.network.mapping import RefusedError, map_layer
from tileloom_explore.network.reference import reference

LAYERS = 25
CONFIGS: dict[str, dict[str, Any]] = {
    "stream-8x8-fp32": {},
    "stream-8x8-int8": {"rows": 5, "columns": 3},
    "stream-8x8-fp16": {},
    "sasp-8x8-int8": {},
    "engine-int8": {"requantise": False, "k": 5, "n": 3, "m": 2},
    "engine-fp32-int8": {},
    "xfu-cv32e40p": {},
}
REQUANTISED = "engine-int8"


def affine(rng: np.random.Generator, scale: Any, size: int | None = None) -> Affine:
    """Return INT8 or UINT8 with any zero point."""
    low, high = integer_range(8, signed=bool(rng.integers(2)), symmetric=False)
    return Affine(np.asarray(scale, np.float32), rng.integers(low, high + 1, size), low, high)


def random_layer(rng: np.random.Generator) -> tuple[NetworkLayer, np.ndarray]:
    """Return a quantised convolution, grouped, dilated, padded and strided as it comes, and activations."""
    groups = int(rng.choice([1, 1, 2, 3]))
    outputs, channels = groups * int(rng.integers(1, 4)), int(rng.integers(1, 4))
    kernel = rng.integers(1, 4, 2)
    strides = np.repeat(rng.integers(1, 3), 2) if rng.random() < 0.6 else rng.integers(1, 4, 2)
    dilations = rng.integers(1, 3, 2) if rng.random() < 0.4 else np.ones(2, int)
    x, weight = affine(rng, 0.05), affine(rng, rng.random(outputs) * 0.02 + 0.001, outputs)
    given = bool(rng.integers(2))
    y = affine(rng, 2.5) if rng.random() < 0.6 else None
    weights = rng.integers(weight.low, weight.high + 1, (outputs, *kernel, channels))
    sparse = rng.random(weights.shape) < 0.3
    weights = np.where(sparse, weight.zero_point[:, None, None, None], weights)
    layer = NetworkLayer(
        name="layer",
        operator="QLinearConv",
        input="x",
        output="y",
        arrangement=Channels(2),
        weights=weights,
        bias=rng.integers(-5000, 5000, outputs) if rng.random() < 0.6 else None,
        window=Window(
            (int(strides[0]), int(strides[1])),
            (int(dilations[0]), int(dilations[1])),
            tuple(int(each) for each in rng.integers(0, 4, 4)),  # type: ignore[arg-type]
            str(rng.choice(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])),  # type: ignore[arg-type]
        ),
        groups=groups,
        relu=bool(rng.random() < 0.3),
        quantisation=Quantisation(x, weight, y, True, given or y is not None),
    )
    shape = (int(rng.integers(1, 3)), groups * channels, *rng.integers(7, 11, 2))
    return layer, rng.integers(x.low, x.high + 1, shape)


def on_hardware(name: str, fields: dict[str, Any], layer: NetworkLayer, tensor: np.ndarray) -> np.ndarray:
    mapping = map_layer(load(name, **fields), layer)
    image = layer.image(tensor)
    cost = mapping.cost(image.shape)
    assert 0 < cost.macs <= cost.cycles * cost.peak
    assert min(cost.weight_bytes, cost.activation_bytes, cost.result_bytes) > 0
    return layer.tensor(mapping.compute(image), tensor.shape)


@pytest.mark.parametrize("name", CONFIGS)
def test_integers_are_exact(name: str) -> None:
    rng = np.random.default_rng(SEED)
    compared = 0
    for _ in range(LAYERS):
        layer, x = random_layer(rng)
        wanted = reference(layer, x)
        found = on_hardware(name, CONFIGS[name], layer, x)
        assert np.array_equal(found, wanted), layer
        compared += wanted.size
    assert compared > 100 * LAYERS


def test_requantised_results_are_right_but_for_ties() -> None:
    rng = np.random.default_rng(SEED)
    counted: Counter[str] = Counter()
    for _ in range(3 * LAYERS):
        layer, x = random_layer(rng)
        assert layer.quantisation is not None
        if layer.quantisation.y is None:
            with pytest.raises(RefusedError, match=r"layer: results are .* requantise=false"):
                map_layer(load(REQUANTISED), layer)
            counted["refused"] += 1
            continue
        off = np.abs(on_hardware(REQUANTISED, {}, layer, x).astype(int) - reference(layer, x))
        assert off.max() <= 1
        counted["off by one"] += int(off.sum())
        counted["compared"] += off.size
    print(counted)
    assert counted["compared"] > 5000
    assert counted["off by one"] < counted["compared"] / 500
    assert counted["refused"]


@pytest.mark.parametrize("name", ["stream-8x8-fp32", "engine-fp32"])
def test_floats_are_right_within_their_rounding(name: str) -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(LAYERS):
        shape, x = random_layer(rng)
        values = rng.normal(size=shape.weights.shape).astype(np.float32)
        layer = NetworkLayer(
            **{
                **{field: getattr(shape, field) for field in NetworkLayer.__dataclass_fields__},
                "weights": values,
                "bias": rng.normal(size=shape.outputs).astype(np.float32),
                "quantisation": None,
            }
        )
        x = rng.normal(size=x.shape).astype(np.float32)
        wanted = reference(layer, x)
        found = on_hardware(name, {}, layer, x)
        terms = layer.weights[0].size + 1
        assert np.abs(found - wanted).max(initial=0) < terms * 2.0**-22 * (np.abs(wanted).max() + 20)


@pytest.mark.long
@pytest.mark.parametrize("name", ["stream-8x8-int8", "engine-int8", "xfu-cv32e40p"])
def test_layers_in_rtl(name: str) -> None:
    rng = np.random.default_rng(SEED)
    config, done = load(name, **({"requantise": False} if name.startswith("engine") else {})), 0
    for _ in range(6):
        layer, x = random_layer(rng)
        mapping, image = map_layer(config, layer), layer.image(x)
        run = mapping.simulate(image)
        assert np.array_equal(run.results, mapping.compute(image))
        estimated = mapping.cost(image.shape).cycles
        assert abs(run.cycles - estimated) < 0.1 * run.cycles + 60 * len(image), layer
        done += run.compared
    assert done > 500


def test_what_is_prepared_is_told() -> None:
    rng = np.random.default_rng(SEED)
    layer, _ = random_layer(rng)
    while layer.window.dilations == (1, 1) or layer.groups == 1:
        layer, _ = random_layer(rng)
    engine = load("engine-int8", requantise=False)
    assert any("lacks dilation" in note for note in map_layer(engine, layer).notes)
    assert f"{layer.groups} layers, one for each group" in map_layer(load("xfu-cv32e40p"), layer).notes
    assert any("im2col" in note for note in map_layer(load("stream-8x8-int8"), layer).notes)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("xfu-unit", {}, "layer: the unit alone has no core"),
        ("stream-8x8-fp32", {"activation": "fp8_e5m2"}, "layer: integers of . bits do not fit fp8_e5m2"),
        ("stream-8x8-fp32", {"weight": "fp8_e4m3"}, "layer: integers of 9 bits do not fit fp8_e4m3"),
        ("stream-8x8-fp16", {"accumulator": "fp16"}, "layer: integers of .. bits do not fit fp16 sums"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, fields: dict[str, Any], message: str) -> None:
    layer, _ = random_layer(np.random.default_rng(SEED))
    with pytest.raises(RefusedError, match=message):
        map_layer(load(name, **fields), layer)


@pytest.mark.parametrize(
    ("m", "sizes", "zero_point", "told"),
    [
        (8, "4 8 16", 0, None),
        (8, "4 8 16", 100, "1:8 weights run as 1:4: groups end within a part"),
        (8, "8 16", 100, "1:8 weights run dense: groups end within a part"),
        (4, "8 16", 0, "1:4 weights run dense: the unit has 1:8, 1:16"),
    ],
)
def test_sparse_weights_that_run_otherwise_are_told(
    m: int, sizes: str, zero_point: int, told: str | None
) -> None:
    """Of 20 channels those of a second part begin within a group; of 1:4 the unit may have no instruction."""
    rng = np.random.default_rng(SEED)
    weights = np.full((6, 1, 1, 20), zero_point)
    for group in range(0, 20, m):
        weights[:, 0, 0, group] = rng.integers(-128, -60, 6)
    low, high = integer_range(8, signed=True, symmetric=False)
    weight = Affine(np.ones(6, np.float32), np.full(6, zero_point), low, high)
    x = Affine(np.float32(1), np.int64(0), low, high)
    layer = NetworkLayer(
        name="layer",
        operator="MatMulInteger",
        input="x",
        output="y",
        arrangement=Axes("...k", "kn", "...n", (6,)),
        weights=weights,
        quantisation=Quantisation(x, weight, None, True, True),
    )
    mapping = map_layer(load("xfu-cv32e40p", group_sizes=tuple(map(int, sizes.split()))), layer)
    image = layer.image(rng.integers(-128, 128, (3, 20)))
    assert np.array_equal(mapping.compute(image), _sums(layer, image))
    assert bool(mapping.cost(image.shape).skipped) == ("dense" not in str(told))
    assert [note for note in mapping.notes if "weights run" in note] == ([] if told is None else [told])


def _sums(layer: NetworkLayer, image: np.ndarray) -> np.ndarray:
    return (image[0, 0].astype(np.int64) @ layer.weight_values[:, 0, 0].T)[None, None]
